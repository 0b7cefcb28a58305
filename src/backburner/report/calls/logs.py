"""Logs as files: CSV, JSONL, and the pages of a usage report. Read in flat memory."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec

from backburner.errors import InputError
from backburner.nouns.call import Call
from backburner.report.calls.fields import FIELDS, Columns
from backburner.report.calls.record import NoCallError, call_of
from backburner.report.report_pages import ReportRow, read_page

_KEPT: Final = 20
_PEEK_BYTES: Final = 4096


@dataclass(slots=True)
class BadLines:
    """Lines that are no calls: all are counted, the first are named."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def note(self, path: Path, line: int, what: str) -> None:
        """Note one."""
        self.count += 1
        if len(self.first) < _KEPT:
            self.first.append(f"{path}, line {line:,}: {what}")


def read_logs(
    paths: Iterable[Path], own_columns: Mapping[str, str], bad: BadLines
) -> Iterator[Call]:
    """Every call of some logs, file by file, in the order of their lines.

    Args:
        paths: CSV, TSV or JSONL files of calls, or JSON pages of the usage report; `.gz` too.
        own_columns: What columns mean whose names are not known here.
        bad: Takes note of lines that are no calls.

    Raises:
        InputError: A file cannot be read, or is none of these.
    """
    wrong = sorted(set(own_columns.values()) - FIELDS.keys())
    if wrong:
        raise InputError(f"{wrong[0]!r} is no field", hint=f"fields: {', '.join(FIELDS)}")
    columns = Columns(own_columns)
    for path in paths:
        with _opened(path) as file:
            yield from _calls(path, file, columns, bad)


def _calls(path: Path, file: BinaryIO, columns: Columns, bad: BadLines) -> Iterator[Call]:
    start = _peek(file)
    if not start.strip():
        raise InputError(f"{path} is empty", hint="name a log of calls")
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"[":
        yield from _array(path, file, columns, bad)
    elif first != b"{":
        yield from _csv(path, file, columns, bad)
    elif _is_report(path, start):
        yield from _report(path, file, bad)
    else:
        yield from _jsonl(path, file, columns, bad)


def _peek(file: BinaryIO) -> bytes:
    start = file.read(_PEEK_BYTES)
    file.seek(0)
    return start


def _is_report(path: Path, start: bytes) -> bool:
    """Whether a file is a page of the usage report: one object with `data`, on any lines."""
    name = path.name.removesuffix(".gz")
    return name.endswith(".json") or b'"uncached_input_tokens"' in start


def _jsonl(path: Path, file: BinaryIO, columns: Columns, bad: BadLines) -> Iterator[Call]:
    for number, line in enumerate(file, 1):
        if line.isspace():
            continue
        try:
            record = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            bad.note(path, number, "it is no JSON")
            continue
        yield from _call(path, number, record, columns, bad)


def _array(path: Path, file: BinaryIO, columns: Columns, bad: BadLines) -> Iterator[Call]:
    """The calls of one JSON array, whose place counts as their line. It is read whole."""
    try:
        records = msgspec.json.decode(file.read(), type=list[Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InputError(f"{path} is no JSON array: {error}", hint="give calls as JSONL") from error
    for number, record in enumerate(records, 1):
        yield from _call(path, number, record, columns, bad)


def _csv(path: Path, file: BinaryIO, columns: Columns, bad: BadLines) -> Iterator[Call]:
    text = TextIOWrapper(cast("Any", file), encoding="utf-8-sig", newline="")
    delimiter = "\t" if path.name.removesuffix(".gz").endswith(".tsv") else ","
    table = csv.DictReader(text, delimiter=delimiter, strict=True)
    try:
        for record in table:
            yield from _call(path, table.line_num, record, columns, bad)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read after line {table.line_num:,}: {error}",
            hint="give CSV or JSONL in UTF-8",
        ) from error
    finally:
        # Else it would close the file under whoever opened it.
        text.detach()


def _call(path: Path, line: int, record: Any, columns: Columns, bad: BadLines) -> Iterator[Call]:
    if not isinstance(record, Mapping):
        bad.note(path, line, "it is no object")
        return
    record = {key: value for key, value in record.items() if isinstance(key, str)}
    try:
        call = call_of(record, columns)
    except NoCallError as error:
        bad.note(path, line, str(error))
        return
    yield call


def _report(path: Path, file: BinaryIO, bad: BadLines) -> Iterator[Call]:
    for number, bucket in enumerate(read_page(str(path), file.read()), 1):
        at = bucket.starting_at.timestamp()
        for row in bucket.results:
            if row.model is None:
                bad.note(path, number, "a row names no model: ask with group_by[]=model")
            else:
                yield _sum_of(row, row.model, at)


def _sum_of(row: ReportRow, model: str, at: float) -> Call:
    return Call(
        at=at,
        model=model,
        usage=row.usage,
        caller=row.api_key_id or row.workspace_id or "",
        is_batched=row.is_batched,
        is_sum=True,
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (OSError, EOFError) as error:
        raise InputError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}",
            hint="check the path",
        ) from error
