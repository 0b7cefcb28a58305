"""Two real tables: the Debian package index, and the functions of Python's standard library."""

import ast
import shutil
import subprocess
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

DEBIAN_COLUMNS: Final = (
    "Package",
    "Version",
    "Installed-Size",
    "Maintainer",
    "Architecture",
    "Depends",
    "Description",
    "Homepage",
    "Tag",
    "Section",
    "Priority",
)
FUNCTION_COLUMNS: Final = ("function", "arguments", "docstring", "line", "file", "file_text")
_NOT_LIBRARY: Final = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table of text in memory."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def debian_packages(most: int | None = None) -> TextTable | None:
    """Every package that apt knows of; None where there is no apt, or one that knows none."""
    if shutil.which("apt-cache") is None:
        return None
    dump = subprocess.run(
        ["apt-cache", "dumpavail"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    stanzas = (stanza for stanza in dump.split("\n\n") if stanza.strip())
    rows = [_package(stanza) for stanza in islice(stanzas, most)]
    return TextTable(name="debian", columns=DEBIAN_COLUMNS, rows=rows) if rows else None


def _package(stanza: str) -> tuple[str, ...]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            fields[name] += f" {line.strip()}"
        else:
            name, _, value = line.partition(": ")
            fields[name] = value
    return tuple(fields.get(column, "") for column in DEBIAN_COLUMNS)


def library_functions(most: int | None = None) -> TextTable:
    """Every function of this Python's standard library, with the text of its file."""
    root = Path(sysconfig.get_path("stdlib"))
    files = sorted(path for path in root.rglob("*.py") if not _NOT_LIBRARY.intersection(path.parts))
    rows = list(islice((row for path in files for row in _functions(path, root)), most))
    return TextTable(name="functions", columns=FUNCTION_COLUMNS, rows=rows)


def _functions(path: Path, root: Path) -> Iterator[tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, UnicodeDecodeError, ValueError):
        # The library's own tests hold files that are broken on purpose.
        return
    file = str(path.relative_to(root))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = ast.unparse(node.args)
            doc = ast.get_docstring(node) or ""
            yield node.name, arguments, doc, str(node.lineno), file, text
