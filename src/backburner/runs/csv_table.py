"""CSV and TSV: values by the rules of the format, and the exact text they were written in."""

import csv
from collections.abc import Collection, Iterator
from itertools import chain

from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning
from backburner.runs.record import Record, check_columns, note_empty

FIELD_CHARS = 32_000_000
"""The longest cell; no request can hold more."""

_BOM = "\ufeff"
_OTHER_DELIMITERS = (";", "\t", "|")


class CsvTable:
    """A table of delimited text.

    The reader is given lines that are kept beside it until their record is complete, so that each
    record has its own source. A line that holds nothing is no record: it goes with the next one.
    """

    warnings: tuple[InputWarning, ...] = ()

    def __init__(
        self,
        lines: Iterator[str],
        *,
        delimiter: str | None,
        faults: Faults,
        reserved: Collection[str] = (),
    ) -> None:
        # The limit is one for the whole process; it is only ever raised.
        csv.field_size_limit(max(csv.field_size_limit(), FIELD_CHARS))
        self._faults = faults
        self._kept: list[str] = []
        self._blank: list[str] = []
        start, bom = _start(lines)
        self.delimiter = delimiter or _delimiter_of(start[-1] if start else "")
        self._reader = csv.reader(
            self._keep(chain(start, lines)), delimiter=self.delimiter, strict=True
        )
        self._rest = self._rows()
        self.columns: tuple[str, ...] = ()
        self.columns = tuple(next(self._rest, ()))
        self.head = bom + self._source()
        check_columns(self.columns, reserved, faults)

    @property
    def tail(self) -> str:
        """The blank lines after the last record."""
        return "".join(self._blank)

    def records(self) -> Iterator[Record]:
        """Gives the rows; broken and ragged ones go to the faults."""
        columns, width, kept, reader = self.columns, len(self.columns), self._kept, self._reader
        number = 0
        for row in self._rest:
            line = reader.line_num - len(kept) + 1
            if len(row) != width:
                self._ragged(row, line)
                continue
            number += 1
            source = kept[0] if len(kept) == 1 and not self._blank else self._source()
            kept.clear()
            yield Record(number, line, source, dict(zip(columns, row, strict=True)))
        if not number and not self._faults.count:
            what = "holds a heading but no row" if columns else "is empty"
            note_empty(what, self._faults)

    def _keep(self, lines: Iterator[str]) -> Iterator[str]:
        keep = self._kept.append
        for line in lines:
            keep(line)
            yield line

    def _rows(self) -> Iterator[list[str]]:
        while True:
            try:
                for row in self._reader:
                    if row:
                        yield row
                    else:
                        self._set_aside()
            except csv.Error as error:
                if not self._broken(str(error)):
                    return
            else:
                return

    def _source(self) -> str:
        source = "".join((*self._blank, *self._kept))
        self._blank.clear()
        self._kept.clear()
        return source

    def _set_aside(self) -> None:
        self._blank += self._kept
        self._kept.clear()

    def _broken(self, error: str) -> bool:
        line = self._reader.line_num - len(self._kept) + 1
        self._set_aside()
        if "unexpected end of data" in error or "field limit" in error:
            what = "a quote that opens in this row is never closed"
            self._faults.add("csv_broken", what, line=line, hint="close it, or write it twice")
            return False
        hint = "write a quote inside a quoted cell twice"
        self._faults.add("csv_broken", f"broken quoting: {error}", line=line, hint=hint)
        return bool(self.columns)

    def _ragged(self, row: list[str], line: int) -> None:
        if len(row) == 1 and not "".join(self._kept).strip():
            self._set_aside()
            return
        self._set_aside()
        width = len(self.columns)
        what = f"{len(row)} {'cell' if len(row) == 1 else 'cells'} where the heading has {width}"
        hint = f"put cells that hold {self.delimiter!r} or a line end in quotes"
        self._faults.add("csv_broken", what, line=line, hint=hint)


def _start(lines: Iterator[str]) -> tuple[list[str], str]:
    start: list[str] = []
    bom = ""
    for line in lines:
        if not start and line.startswith(_BOM):
            bom = _BOM
        start.append(line.removeprefix(bom) if not start else line)
        if start[-1].strip():
            break
    return start, bom


def _delimiter_of(heading: str) -> str:
    if "," in heading:
        return ","
    return next((mark for mark in _OTHER_DELIMITERS if mark in heading), ",")
