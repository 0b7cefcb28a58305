"""JSONL tables: one object a line, and the exact line it was written in."""

from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any

import msgspec

from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning
from backburner.runs.places import line_and_column, offset_in_error
from backburner.runs.record import Record, check_columns, note_collision, note_empty

_BOM = "\ufeff"


class JsonlTable:
    """A table whose rows are JSON objects; later rows may have other keys than the first."""

    delimiter = ""
    warnings: tuple[InputWarning, ...] = ()

    def __init__(
        self, lines: Iterator[str], *, faults: Faults, reserved: Collection[str] = ()
    ) -> None:
        self._faults = faults
        self._reserved = frozenset(reserved)
        self._blank: list[str] = []
        self.head = ""
        self._rest = self._rows(lines)
        self._first = next(self._rest, None)
        self.columns = tuple(self._first.values) if self._first else ()
        check_columns(self.columns, (), faults)

    @property
    def tail(self) -> str:
        """The blank lines after the last record."""
        return "".join(self._blank)

    def records(self) -> Iterator[Record]:
        """Gives the rows; broken lines go to the faults."""
        if self._first:
            yield from chain((self._first,), self._rest)
        elif not self._faults.count:
            note_empty("is empty", self._faults)

    def _rows(self, lines: Iterator[str]) -> Iterator[Record]:
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        number, blank = 0, self._blank
        for line, text in enumerate(lines, 1):
            if line == 1 and text.startswith(_BOM):
                self.head, text = _BOM, text[1:]  # noqa: PLW2901
            if text.isspace() or not text:
                blank.append(text)
                continue
            try:
                values = decode(text)
            except ValueError as error:
                self._broken(error, line, text)
                continue
            if not self._reserved.isdisjoint(values):
                self._collide(values, line)
            number += 1
            source = "".join((*blank, text)) if blank else text
            blank.clear()
            yield Record(number, line, source, values)

    def _broken(self, error: ValueError, line: int, text: str) -> None:
        hint = "write one JSON object a line"
        offset = offset_in_error(text, str(error))
        column = None if offset is None else line_and_column(text, offset)[1]
        what = f"no JSON object: {error}"
        self._faults.add("json_broken", what, line=line, column=column, hint=hint)

    def _collide(self, values: Collection[str], line: int) -> None:
        for name in sorted(self._reserved.intersection(values)):
            note_collision(name, self._faults, line=line)
        # Once is enough: every later row most likely has the same key.
        self._reserved = frozenset()
