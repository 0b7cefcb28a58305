"""Upper bounds: what no order of columns can exceed, so that a plan knows how good it is.

A row can only share cells with one earlier row: the one that made the deepest node on its path. So
all that rows share is at most the weight of a maximum spanning tree over them, where an edge weighs
what two rows have in common, in whatever order.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.plan.caching.cells import TOKENS, Column, Worth

EDGES: Final = 200_000
"""Edges that are kept at a time, beside one for each row."""

PATIENCE: Final = 20_000_000
"""Cells that the search for edges may look at before a cheaper bound is taken: some 5 s."""


def column_bound(columns: Sequence[Column], worth: Worth = TOKENS) -> int:
    """What rows could share if all columns could come first: instant, but far above."""
    return sum(
        worth.of(column.tokens[cell], rows)
        for column in columns
        for cell, rows in Counter(column.cells).items()
    )


def spanning_bound(
    columns: Sequence[Column],
    worth: Worth = TOKENS,
    patience: int | None = PATIENCE,
    edges: int = EDGES,
) -> int | None:
    """What a maximum spanning tree over all rows weighs; None where that takes too long.

    Kruskal's way without looking at pairs of rows: rows that agree in a set of columns are one
    group, whose cells are a weight that all its pairs reach; a chain through each group is enough.
    Only sets of columns to which no other can be added are visited, as in the mining of closed
    sets (Uno et al., LCM, 2004). 63,436 rows of 11 columns took 4 s and
    looked at 14 million cells.

    Memory: about 150 bytes a row, and 40 MB of edges.

    Args:
        patience: Cells that may be looked at, once for each group of rows; None for no limit.
        edges: How many are kept, beside one for each row, before those that are not needed go.
    """
    rows = len(columns[0].cells) if columns else 0
    forest = _Forest(rows, edges)
    looked_at = rows * len(columns)
    for group in _agreeing(columns, rows):
        looked_at += len(group.rows) * max(1, len(group.free))
        if patience is not None and looked_at > patience:
            return None
        forest.add(group.tokens, group.rows)
    return worth.reused * sum(weight for weight in forest.weights() if weight >= worth.floor)


@dataclass(frozen=True, slots=True)
class _Agreeing:
    """Rows that agree in some columns.

    Attributes:
        first: The first column that may be added to those in which they agree.
        tokens: Of the cells in which they agree.
        free: The columns in which they may agree too.
    """

    rows: Sequence[int]
    first: int
    tokens: int
    free: tuple[int, ...]


def _agreeing(columns: Sequence[Column], rows: int) -> Iterator[_Agreeing]:
    """Every group of rows that agree, each once, with all columns in which they do."""
    todo = [_Agreeing(range(rows), 0, 0, tuple(range(len(columns))))] if rows else []
    while todo:
        group = _whole(columns, todo.pop())
        if group is not None:
            yield group
            todo += _smaller(columns, group)


def _whole(columns: Sequence[Column], group: _Agreeing) -> _Agreeing | None:
    """A group with all columns in which it agrees; None where it is met by an earlier column."""
    rows, tokens = group.rows, group.tokens
    free: list[int] = []
    for number in group.free:
        column = columns[number]
        kinds = len(set(map(column.cells.__getitem__, rows)))
        if kinds == 1:
            if number < group.first:
                return None
            tokens += column.tokens[column.cells[rows[0]]]
        elif kinds < len(rows):
            free.append(number)
    return _Agreeing(rows, group.first, tokens, tuple(free))


def _smaller(columns: Sequence[Column], group: _Agreeing) -> Iterator[_Agreeing]:
    """The groups of those that agree in one more column."""
    for number in group.free:
        if number < group.first:
            continue
        column = columns[number]
        free = tuple(one for one in group.free if one != number)
        by_cell: dict[int, list[int]] = {}
        for row in group.rows:
            by_cell.setdefault(column.cells[row], []).append(row)
        for cell, rows in by_cell.items():
            if len(rows) > 1:
                yield _Agreeing(rows, number + 1, group.tokens + column.tokens[cell], free)


class _Forest:
    """The heaviest edges that join rows without a circle."""

    def __init__(self, rows: int, edges: int) -> None:
        self._rows = rows
        self._edges: list[tuple[int, int, int]] = []
        self._most = edges + rows

    def add(self, weight: int, group: Sequence[int]) -> None:
        """Join a group of rows by edges of one weight."""
        first = group[0]
        self._edges.extend((weight, first, other) for other in group[1:])
        if len(self._edges) > self._most:
            self._edges = self._needed()

    def weights(self) -> list[int]:
        """The weights of the tree's edges."""
        return [weight for weight, _, _ in self._needed()]

    def _needed(self) -> list[tuple[int, int, int]]:
        above = list(range(self._rows))
        needed: list[tuple[int, int, int]] = []
        for edge in sorted(self._edges, reverse=True):
            one, other = _root(above, edge[1]), _root(above, edge[2])
            if one != other:
                above[one] = other
                needed.append(edge)
        return needed


def _root(above: list[int], row: int) -> int:
    while above[row] != row:
        above[row] = above[above[row]]
        row = above[row]
    return row
