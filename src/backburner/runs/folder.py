"""A folder, or a pattern, of files as a table of `path`, `name`, `text`.

Files that are no text are rows only where a prompt attaches files: then each row has its `bytes`
too, and theirs have no text.

What is staged is a copy in JSONL, one file a line, so that a run never depends on files that may
change: the copy is made once and read as often as needed.
"""

import glob
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from backburner.runs.binary_tables import pyarrow
from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning
from backburner.runs.jsonl_table import JsonlTable
from backburner.runs.lines import NEWLINE, known_encoding, text_lines
from backburner.runs.record import Record, check_columns, note_empty

COLUMNS = ("path", "name", "text")
SIZE = "bytes"
ENDINGS = (".txt", ".md")
FILE_ENDINGS = (".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp")
_BATCH_ROWS = 64


def is_folder(name: str) -> bool:
    """Says whether an input names a folder or a pattern rather than one file."""
    path = Path(name)
    return path.is_dir() or (glob.has_magic(name) and not path.exists())


def folder_of(name: str) -> Path:
    """The folder that an input names, or within which all files of a pattern lie."""
    path = Path(name)
    while glob.has_magic(str(path)) and not path.exists():
        path = path.parent
    return path


def pack_folder(
    name: str, faults: Faults, *, encoding: str | None = None, with_files: bool = False
) -> Iterator[bytes]:
    """Gives the files of a folder or a pattern as lines of JSONL, sorted by path.

    Files that are hidden or have another ending are passed over.

    Args:
        name: A folder, searched through all its folders, or a pattern such as `notes/*.md`.
        faults: Takes note of files that cannot be read.
        encoding: What the files are written in; UTF-8 if None.
        with_files: Whether PDFs and images are rows too.
    """
    endings = ENDINGS + FILE_ENDINGS if with_files else ENDINGS
    paths = sorted(_paths(name, endings))
    if not paths:
        note_empty(f"{name} holds no {' or '.join(endings)} file", faults)
    for each in paths:
        path = Path(each)
        is_text = path.suffix.lower() in ENDINGS
        text = _text(path, encoding or "utf-8", faults) if is_text else ""
        if text is not None:
            line: dict[str, Any] = {"path": each, "name": path.name, "text": text}
            if with_files:
                line[SIZE] = path.stat().st_size
            yield msgspec.json.encode(line) + b"\n"


class FolderTable:
    """The staged copy of a folder as a table."""

    head = tail = delimiter = ""
    warnings: tuple[InputWarning, ...] = ()

    def __init__(self, stream: BinaryIO, *, faults: Faults, reserved: Collection[str] = ()) -> None:
        lines = text_lines(stream, None, faults, newline=NEWLINE)
        self._lines = JsonlTable(lines, faults=faults)
        self.columns: tuple[str, ...] = self._lines.columns or COLUMNS
        check_columns(self.columns, reserved, faults)

    @property
    def schema(self) -> Any:
        """The Arrow schema: columns of text, and sizes."""
        arrow = pyarrow("Parquet output")
        kinds = {SIZE: arrow.int64()}
        return arrow.schema([(name, kinds.get(name, arrow.string())) for name in self.columns])

    def records(self) -> Iterator[Record]:
        """Gives one row a file."""
        for record in self._lines.records():
            yield Record(record.number, record.number, None, record.values)

    def batches(self) -> Iterator[Any]:
        """Gives the rows as Arrow record batches."""
        arrow, schema = pyarrow("Parquet output"), self.schema
        rows: list[Any] = []
        for record in self.records():
            rows.append(record.values)
            if len(rows) == _BATCH_ROWS:
                yield arrow.RecordBatch.from_pylist(rows, schema=schema)
                rows = []
        yield arrow.RecordBatch.from_pylist(rows, schema=schema)


def _paths(name: str, endings: Collection[str]) -> Iterator[str]:
    path = Path(name)
    if path.is_dir():
        found: Iterator[Path] = path.rglob("*")
        base = path
    else:
        # Path.glob takes no pattern that begins at the root.
        found, base = map(Path, glob.iglob(name, recursive=True)), Path()  # noqa: PTH207
    for each in found:
        inner = each.relative_to(base) if base != Path() else each
        hidden = any(part.startswith(".") and part not in {".", ".."} for part in inner.parts)
        if each.suffix.lower() in endings and not hidden and each.is_file():
            yield each.as_posix()


def _text(path: Path, encoding: str, faults: Faults) -> str | None:
    place = str(path)
    if not known_encoding(encoding):
        hint = "name one that Python knows, such as cp1252, latin-1 or utf-16"
        faults.add("encoding_unknown", f"the encoding {encoding!r} is unknown", hint=hint)
        return None
    try:
        return path.read_bytes().decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        what = f"byte 0x{byte:02X} at offset {error.start:,} is not {encoding.upper()}"
        hint = "name the file's encoding, such as --encoding cp1252"
        faults.add("not_utf8", what, path=place, hint=hint)
    except OSError as error:
        faults.add("file_unreadable", f"cannot be read: {error.strerror}", path=place)
    return None
