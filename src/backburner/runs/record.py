"""A row of a table, and what every table offers."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning


class Record(msgspec.Struct, frozen=True, gc=False):
    """One row of a table.

    Attributes:
        number: The row's number, from 1.
        line: The line it begins in, from 1, the heading counted; its number where a format has no
            lines.
        source: Its exact text with its line end and the blank lines before it; None where a format
            is not text.
        values: Its cells by column.
    """

    number: int
    line: int
    source: str | None
    values: Mapping[str, Any]


class Table(Protocol):
    """A table that is read once, from front to end, in flat memory.

    Attributes:
        columns: The column names in order. JSONL: the keys of the first object.
        head: The exact text before the first record, a byte-order mark included; empty where a
            format has none.
        delimiter: What separates cells, where the format has delimiters.
    """

    columns: tuple[str, ...]
    head: str
    delimiter: str

    def records(self) -> Iterator[Record]:
        """Gives the rows that can be read; what cannot be read goes to the faults."""
        ...

    @property
    def warnings(self) -> tuple[InputWarning, ...]:
        """What is worth knowing of it, although it can be read."""
        ...

    @property
    def tail(self) -> str:
        """The blank lines after the last record, known when all records were given."""
        ...


def check_columns(columns: Collection[str], reserved: Collection[str], faults: Faults) -> None:
    """Notes headings that stand twice, and those that our own columns would repeat."""
    seen: set[str] = set()
    for name in columns:
        if name in seen and name:
            hint = "rename one of them"
            faults.add("column_duplicate", f"the heading {name!r} stands twice", line=1, hint=hint)
        seen.add(name)
    for name in sorted(seen.intersection(reserved)):
        note_collision(name, faults, line=1)


def note_collision(name: str, faults: Faults, *, line: int) -> None:
    """Notes a column of the input that is named like one that the output adds."""
    faults.add(
        "column_collision",
        f"the column {name!r} has the name of a column that the output adds",
        line=line,
        hint="put a word before ours, such as --prefix draft_",
    )


def note_empty(what: str, faults: Faults) -> None:
    """Notes an input without a single row."""
    faults.add("input_empty", what, hint="give a file with at least one row")
