"""Every command that the proof names can be run: its target, its tests or its script exist."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Rows = Callable[[str], list[dict[str, str]]]


@pytest.fixture(scope="module")
def commands(root: Path, table_rows: Rows) -> list[str]:
    """What stands in backticks in the column `command`."""
    rows = table_rows((root / "docs" / "proof.md").read_text(encoding="utf-8"))
    cells = [row["command"] for row in rows if "command" in row]
    assert all("`" in cell for cell in cells), "a row without a command"
    return [command for cell in cells for command in re.findall(r"`([^`]+)`", cell)]


def test_the_proof_names_commands(commands: list[str]) -> None:
    assert commands


def test_every_command_of_the_proof_can_be_run(commands: list[str], root: Path) -> None:
    faults = [f"{command}: {fault}" for command in commands for fault in missing(command, root)]

    assert faults == []


def missing(command: str, root: Path) -> Iterator[str]:
    """Gives what a command needs and the repository does not have."""
    words = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    match words:
        case ["make", *targets]:
            makefile = (root / "Makefile").read_text(encoding="utf-8")
            yield from (
                f"no target {target}"
                for target in targets
                if not re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)
            )
            yield from missing_tests(arguments_of_make(command), root)
        case ["pytest", *arguments] | ["python", "-m", "pytest", *arguments]:
            yield from missing_tests(arguments, root)
        case ["python", "-m", module, *_] if module.split(".")[0] == "bench":
            path = root.joinpath(*module.split("."))
            if not (path / "__main__.py").is_file() and not path.with_suffix(".py").is_file():
                yield f"no module {module}"
        case ["python", script, *_] | [script] if "/" in script:
            if not (root / script).is_file():
                yield f"no file {script}"
        case _:
            yield "neither make, pytest, bench nor a script"


def arguments_of_make(command: str) -> list[str]:
    """Gives the words of ARGS="…" of a make command."""
    given = [word for word in shlex.split(command) if word.startswith("ARGS=")]
    return [word for text in given for word in shlex.split(text.removeprefix("ARGS="))]


def missing_tests(arguments: list[str], root: Path) -> Iterator[str]:
    for argument in arguments:
        if not argument.startswith("tests"):
            continue
        name, *parts = argument.split("::")
        path = root / name
        if not path.exists():
            yield f"no file {name}"
        elif parts and f"def {parts[-1].partition('[')[0]}(" not in path.read_text("utf-8"):
            yield f"no test {parts[-1]} in {name}"
