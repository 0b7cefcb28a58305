"""Growing a trie of cells from the root: what a group of rows shares, and how it can be parted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from backburner.plan.caching.cells import Column, Order, Worth

LOOK_AHEAD: Final = 3
"""Columns that a group tries before it takes one."""

_PAIR: Final = 2


class Group(msgspec.Struct, frozen=True, gc=False):
    """Rows that share all cells written so far.

    Attributes:
        free: Columns not written yet in which some of them may still be equal.
        depth: Tokens that they share.
        written: The columns that they share, in order.
    """

    rows: Sequence[int]
    free: Order
    depth: int
    written: Order


class Look(msgspec.Struct, frozen=True, gc=False):
    """What a group's columns promise.

    Attributes:
        written: The columns of the group, then those in which all its rows are equal.
        ranked: The others in which some are, the most promising one first.
        gain: What the equal ones are worth.
        best: What the first of the ranked is worth.
        depth: Tokens shared when the equal ones are written.
    """

    written: Order
    ranked: Order
    gain: float
    best: float
    depth: int


class Grower:
    """Looks at groups of one table's rows, and parts them."""

    def __init__(self, columns: Sequence[Column], worth: Worth) -> None:
        self.cells = [column.cells for column in columns]
        self._tokens = [column.tokens for column in columns]
        self.worth = worth

    def whole(self, rows: int) -> Group:
        """All rows of the table."""
        return Group(range(rows), tuple(range(len(self.cells))), 0, ())

    def look(self, group: Group) -> Look:
        """What the free columns promise.

        A column in which no two rows are equal is out of the race for all that is below.
        """
        rows, depth = group.rows, group.depth
        constant: list[int] = []
        varied: list[int] = []
        for column in group.free:
            kinds = len(set(map(self.cells[column].__getitem__, rows)))
            if kinds == 1:
                constant.append(column)
            elif kinds < len(rows):
                varied.append(column)
        gain = 0.0
        for column in constant:
            tokens = self._tokens[column][self.cells[column][rows[0]]]
            gain += self.worth.step(depth, tokens, len(rows))
            depth += tokens
        gains = {column: self._gain(column, rows, depth) for column in varied}
        ranked = sorted((one for one in varied if gains[one]), key=gains.__getitem__, reverse=True)
        best = gains[ranked[0]] if ranked else 0.0
        return Look((*group.written, *constant), tuple(ranked), gain, best, depth)

    def _gain(self, column: int, rows: Sequence[int], depth: int) -> float:
        worth, tokens = self.worth, self._tokens[column]
        counts = Counter(map(self.cells[column].__getitem__, rows)).items()
        if depth >= worth.floor and not worth.first:
            # The same sum without a call for each cell.
            return worth.reused * sum(tokens[cell] * (same - 1) for cell, same in counts)
        return sum(worth.step(depth, tokens[cell], same) for cell, same in counts if same > 1)

    def by_column(self, group: Group, look: Look, column: int) -> list[Group]:
        """Parts a group by a column; rows whose cell no other has stay together without it."""
        by_cell = self.rows_by_cell(group.rows, column)
        alone = [rows[0] for rows in by_cell.values() if len(rows) == 1]
        parts = [self.sharing(rows, look, column) for rows in by_cell.values() if len(rows) > 1]
        return [*parts, self._rest(alone, look, column)] if alone else parts

    def by_cell(self, group: Group, look: Look, column: int, cell: int) -> list[Group]:
        """Takes the rows of one cell out of a group."""
        cells = self.cells[column]
        same = [row for row in group.rows if cells[row] == cell]
        rest = [row for row in group.rows if cells[row] != cell]
        return [
            self.sharing(same, look, column),
            Group(rest, look.ranked, look.depth, look.written),
        ]

    def rows_by_cell(self, rows: Sequence[int], column: int) -> dict[int, list[int]]:
        """Rows by their cell in a column."""
        cells = self.cells[column]
        by_cell: dict[int, list[int]] = {}
        for row in rows:
            by_cell.setdefault(cells[row], []).append(row)
        return by_cell

    def sharing(self, rows: list[int], look: Look, column: int) -> Group:
        """Rows that share a column's cell too."""
        tokens = self._tokens[column][self.cells[column][rows[0]]]
        free = tuple(one for one in look.ranked if one != column)
        return Group(rows, free, look.depth + tokens, (*look.written, column))

    def _rest(self, rows: list[int], look: Look, column: int) -> Group:
        free = tuple(one for one in look.ranked if one != column)
        return Group(rows, free, look.depth, look.written)

    def step(self, look: Look, parts: Iterable[Group]) -> float:
        """What it is worth to have parted a group so."""
        depth = look.depth
        return sum(
            self.worth.step(depth, part.depth - depth, len(part.rows))
            for part in parts
            if part.depth > depth
        )

    def promise(self, groups: Iterable[Group]) -> float:
        """What groups are worth if each takes its best column, without looking ahead."""
        total = 0.0
        todo = list(groups)
        while todo:
            group = todo.pop()
            if len(group.rows) == _PAIR:
                total += self._pair(group)
                continue
            look = self.look(group)
            total += look.gain + look.best
            if look.ranked:
                todo += self.by_column(group, look, look.ranked[0])
        return total

    def _pair(self, group: Group) -> float:
        """What two rows are worth, which is what most groups end as: all in which they agree."""
        one, other = group.rows
        depth, gain = group.depth, 0.0
        for column in group.free:
            cells = self.cells[column]
            if cells[one] == cells[other]:
                tokens = self._tokens[column][cells[one]]
                gain += self.worth.step(depth, tokens, _PAIR)
                depth += tokens
        return gain
