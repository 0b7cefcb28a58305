"""Rows as a planner of layouts sees them: which cells are equal, and how long they are."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.plan.caching.terms import MILLION, CacheTerms, Ttl

_PROGRESS: Final = 1e-6
"""What a token counts that is shared, but in a prefix too short to be cached: hardly anything,
yet enough to choose what brings the prefix nearer to the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        cells: The cell of each row, as a number; equal cells have equal numbers, from 0 without
            gaps.
        tokens: How long each cell is in tokens, with the name of its field, by that number.
    """

    cells: Sequence[int]
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What it is worth that rows share a prefix. The defaults count tokens.

    Attributes:
        floor: Tokens that rows have to share before anything counts: the shortest prefix that is
            cached, less what stands before the row in each prompt.
        reused: What each token saves in every row that shares it, but the first: what it costs
            plain, less what it is expected to cost when it is shared.
        first: What each token costs more in the first row, since it is written to the cache.
    """

    floor: int = 0
    reused: int = 1
    first: int = 0

    def of(self, tokens: int, rows: int) -> int:
        """What it is worth that so many rows share so many tokens; never negative."""
        return tokens * max(0, (rows - 1) * self.reused - self.first)

    def step(self, depth: int, tokens: int, rows: int) -> float:
        """What it is worth that rows which share a prefix share the next cell too.

        Args:
            depth: Tokens of the prefix before it.
        """
        if depth >= self.floor:
            return self.of(tokens, rows)
        if depth + tokens >= self.floor:
            return self.of(depth + tokens, rows)
        return self.of(tokens, rows) * _PROGRESS


TOKENS: Final = Worth()
"""Counts the tokens that are shared."""


def worth_of(terms: CacheTerms, ttl: Ttl, before_tokens: int) -> Worth:
    """What sharing is worth on given terms, in their units.

    Args:
        before_tokens: What stands before the row in every prompt.
    """
    return Worth(
        floor=max(0, terms.minimum_tokens - before_tokens),
        reused=max(0, terms.gain(2, ttl) - terms.gain(1, ttl)),
        first=max(0, terms.write(ttl) - terms.input) * MILLION,
    )


Order = tuple[int, ...]
"""Columns by number, in the order in which a row writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The order of the columns in each row.

    Attributes:
        orders: The orders that there are.
        rows: Which of them each row has.
    """

    orders: tuple[Order, ...]
    rows: Sequence[int]

    def order(self, row: int) -> Order:
        """The order of one row."""
        return self.orders[self.rows[row]]


def one_order(order: Order, rows: int) -> Layout:
    """The layout in which all rows have the same order."""
    return Layout(orders=(order,), rows=array("I", bytes(4 * rows)))


def total_tokens(columns: Sequence[Column]) -> int:
    """Tokens of all rows together."""
    return sum(sum(map(column.tokens.__getitem__, column.cells)) for column in columns)


def shared(columns: Sequence[Column], layout: Layout, worth: Worth = TOKENS) -> int:
    """What the rows share, cell for cell: by default tokens that an earlier row began with too.

    That is the size of all rows less the size of the trie that they make, so that the order of the
    rows does not matter.
    """
    total = 0
    for depth, tokens, rows in _steps(columns, layout):
        if depth + tokens >= worth.floor:
            total += worth.of(tokens if depth >= worth.floor else depth + tokens, rows)
    return total


def _steps(columns: Sequence[Column], layout: Layout) -> Iterator[tuple[int, int, int]]:
    """Each cell that several rows share: the tokens before it, its own, and how many rows."""
    groups: list[tuple[int, list[int]]] = [(0, list(range(len(layout.rows))))]
    for place in range(len(columns)):
        deeper: list[tuple[int, list[int]]] = []
        for depth, rows in groups:
            for (column, cell), same in by_next_cell(columns, layout, rows, place).items():
                if len(same) > 1:
                    tokens = columns[column].tokens[cell]
                    yield depth, tokens, len(same)
                    deeper.append((depth + tokens, same))
        groups = deeper


def by_next_cell(
    columns: Sequence[Column], layout: Layout, rows: Sequence[int], place: int
) -> dict[tuple[int, int], list[int]]:
    """Rows by the column and the cell that they write at a place."""
    by_cell: dict[tuple[int, int], list[int]] = {}
    orders, order_of = layout.orders, layout.rows
    for row in rows:
        column = orders[order_of[row]][place]
        by_cell.setdefault((column, columns[column].cells[row]), []).append(row)
    return by_cell
