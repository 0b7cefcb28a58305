"""Rows of packs that have a request of their own by now: which request, by row.

Stored as pairs of 4-byte numbers, one object for each state of it: a run names the newest.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from backburner.nouns.run import Run
from backburner.vault import Vault


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows, counted from 0 and in order, with the request number of each."""

    rows: "array[int]" = field(default_factory=lambda: array("I"))
    requests: "array[int]" = field(default_factory=lambda: array("I"))

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> "Moved":
        """Those of some pairs of row and request."""
        moved = cls()
        for row, request in sorted(pairs):
            moved.rows.append(row)
            moved.requests.append(request)
        return moved

    def request_of(self, row: int) -> int | None:
        """The request of a row; None where it is in its pack."""
        place = bisect_left(self.rows, row)
        found = place < len(self.rows) and self.rows[place] == row
        return self.requests[place] if found else None

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Each row with its request, in the order of rows."""
        return zip(self.rows, self.requests, strict=True)

    def __len__(self) -> int:
        return len(self.rows)


def read_moved(vault: Vault, run: Run) -> Moved:
    """The rows of a run that have left their packs."""
    if run.moved is None:
        return Moved()
    numbers = array("I")
    with vault.raw(run.moved) as file:
        numbers.frombytes(file.read())
    return Moved(numbers[::2], numbers[1::2])


def write_moved(vault: Vault, name: str, moved: Moved) -> str:
    """Write down which rows have left their packs; gives the object's name."""
    with vault.file_writer(name) as file:
        array("I", chain.from_iterable(moved.pairs())).tofile(file)
    return name
