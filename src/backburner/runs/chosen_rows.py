"""The rows of a table that meet a condition: what a run asks, and which of its output's rows count.

Rows that are not chosen are no rows of the run: they are neither sent nor written. All else that
is wrong with them is still told, since they are read like the others.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from backburner.runs.condition import Condition
from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning
from backburner.runs.record import Record, Table

One = TypeVar("One")

_HINT = "look at the values; cells of CSV are text, so numbers are compared as in orders|int > 3"


class ChosenRows:
    """A table of which only the rows that meet a condition are given.

    Attributes:
        left_out: Rows that did not meet it, as far as was read.
    """

    delimiter: str

    def __init__(self, table: Table, condition: Condition, faults: Faults) -> None:
        self._table = table
        self._condition = condition
        self._faults = faults
        self.columns = table.columns
        self.head = table.head
        self.delimiter = table.delimiter
        self.left_out = 0
        before = faults.count
        if table.columns:
            condition.check(table.columns, faults)
        # A condition that does not fit would fail in the same words for every row.
        self._is_sound = faults.count == before

    @property
    def warnings(self) -> tuple[InputWarning, ...]:
        """What is worth knowing of the whole table."""
        return self._table.warnings

    @property
    def tail(self) -> str:
        """The blank lines after the last record."""
        return self._table.tail

    def records(self) -> Iterator[Record]:
        """Gives the chosen rows; each has the number that it has in the whole table."""
        if not self._is_sound:
            yield from self._table.records()
            return
        is_any = False
        for record in self._table.records():
            if self._condition.holds(record.values, record.line, self._faults):
                is_any = True
                yield record
            else:
                self.left_out += 1
        if not is_any and not self._faults.count:
            self._faults.add("input_empty", "no row meets --where", hint=_HINT)


def chosen_only(table: Table, condition: str | None, faults: Faults) -> Table:
    """A table without the rows that do not meet a condition; the table itself without one."""
    return table if condition is None else ChosenRows(table, Condition(condition), faults)


def spread(table: Table, chosen: Iterable[One]) -> Iterator[One | None]:
    """What belongs to the chosen rows, with None for each of the others.

    Args:
        table: The chosen rows of a table; its end is that of what is given.
        chosen: One for each of them, in order.
    """
    number = 1
    for record, one in zip(table.records(), chosen, strict=False):
        while number < record.number:
            yield None
            number += 1
        yield one
        number += 1
