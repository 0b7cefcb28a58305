"""Which formats there are, and how a table in each of them is read."""

from collections.abc import Collection
from enum import StrEnum
from pathlib import PurePath
from typing import BinaryIO

from backburner.runs.binary_tables import ParquetTable
from backburner.runs.csv_table import CsvTable
from backburner.runs.faults import Faults, one_fault
from backburner.runs.folder import FolderTable
from backburner.runs.jsonl_table import JsonlTable
from backburner.runs.lines import ANY_END, NEWLINE, text_lines
from backburner.runs.record import Table
from backburner.runs.sheets import SheetTable


class Format(StrEnum):
    """What a table is written in. A folder is read from its staged copy, and never written."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    FOLDER = "folder"


READ_ONLY = frozenset({Format.XLSX, Format.FOLDER})
"""Formats whose output is CSV, JSONL or Parquet, by the ending of its path."""

_WRITTEN = (Format.CSV, Format.JSONL, Format.PARQUET)

_ENDINGS = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".xlsx": Format.XLSX,
}


def format_of(path: str) -> Format:
    """Gives the format that a path's ending names.

    Raises:
        InputFaults: `format_unknown`: the ending is none of ours.
    """
    ending = PurePath(path).suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    what = f"the ending {ending!r} names no format" if ending else "has no ending"
    hint = "name it with --format csv, tsv, jsonl, parquet or xlsx"
    raise one_fault(path, "format_unknown", what, hint)


def output_format(read: Format, target: str) -> Format:
    """Gives the format of an output: that of its input, or, for formats only read, by its ending.

    Raises:
        InputFaults: `output_format_mismatch`: the target's ending names another format.
    """
    ending = PurePath(target).suffix.lower()
    allowed = _WRITTEN if read in READ_ONLY else (read,)
    if ending in _ENDINGS and _ENDINGS[ending] in allowed:
        return _ENDINGS[ending]
    what = f"the output of {read} input is written as {' or '.join(allowed)}"
    endings = " or ".join(f".{name}" for name in allowed)
    raise one_fault(target, "output_format_mismatch", what, f"let the name end in {endings}")


def read_table(
    stream: BinaryIO,
    format: Format,  # noqa: A002 - the word of the house
    faults: Faults,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    reserved: Collection[str] = (),
) -> Table:
    """Opens a table to be read once.

    Args:
        stream: Its bytes; only Parquet profits from a file that can be jumped about in.
        format: What it is written in.
        faults: Takes note of all that is wrong, here and while the rows are read.
        delimiter: What separates cells. A CSV heading without a comma is split at its semicolons,
            tabs or bars.
        encoding: What text is written in; UTF-8 if None.
        reserved: Names of columns that the output will add.

    Raises:
        ExtraMissing: The format needs a part that is not installed.
    """
    match format:
        case Format.CSV | Format.TSV:
            lines = text_lines(stream, encoding, faults, newline=ANY_END)
            mark = delimiter or ("\t" if format is Format.TSV else None)
            return CsvTable(lines, delimiter=mark, faults=faults, reserved=reserved)
        case Format.JSONL:
            lines = text_lines(stream, encoding, faults, newline=NEWLINE)
            return JsonlTable(lines, faults=faults, reserved=reserved)
        case Format.PARQUET:
            return ParquetTable(stream, faults=faults, reserved=reserved)
        case Format.XLSX:
            return SheetTable(stream, faults=faults, reserved=reserved)
        case Format.FOLDER:
            return FolderTable(stream, faults=faults, reserved=reserved)
