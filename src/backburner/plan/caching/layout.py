"""Layout: in which order each row writes its columns, so that shared prefixes are longest.

An order for each row is a trie of (column, cell). The smallest one is NP-complete to find (Comer
and Sethi, 1977), so a node of it takes the column that promises most, after a look at what the
three best would let the rows share further down. Choosing a column for each node is known from
SOLO (Li et al., ICML 2026), the task from Liu et al. (MLSys 2025).
"""

from array import array
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from backburner.plan.caching.careful import careful_parts
from backburner.plan.caching.cells import TOKENS, Column, Layout, Order, Worth, one_order, shared
from backburner.plan.caching.growing import LOOK_AHEAD, Group, Grower, Look

_IN_SIGHT: Final = 12
"""Columns that are looked at when looking ahead: all of most tables, and the best of wide ones."""

SMALL_TABLE: Final = 100
"""Rows of a table in which small groups are parted with care.

In a large one it is not worth its time: 0.01 points on 63,436 rows, for half the time again.
"""

SMALL_GROUP: Final = 24
"""Rows of a group that is parted with care, in a small table."""


def plan_layout(
    columns: Sequence[Column], tail: Order | None = None, worth: Worth = TOKENS
) -> Layout:
    """The order of the columns in each row.

    It never makes the rows share less than the order of the table does: where nothing better is
    found, that one is kept. Memory: the table's numbers, one more for each row, and lists of rows
    of about 100 bytes a row while it runs.

    Args:
        tail: The order of columns that a row does not share; that of the table if None.
        worth: What sharing is worth; counts tokens by default.
    """
    rows = len(columns[0].cells) if columns else 0
    original = tuple(range(len(columns)))
    planner = _Planner(columns, original if tail is None else tail, worth)
    layout = planner.plan(rows)
    plain = one_order(original, rows)
    return layout if shared(columns, layout, worth) >= shared(columns, plain, worth) else plain


class _Planner:
    """Grows the trie, node by node, with a stack of its own."""

    def __init__(self, columns: Sequence[Column], tail: Order, worth: Worth) -> None:
        self._grower = Grower(columns, worth)
        self._tail = tail
        self._orders: dict[Order, int] = {}

    def plan(self, rows: int) -> Layout:
        """The layout of that many rows."""
        chosen = array("I", bytes(4 * rows))
        todo = [self._grower.whole(rows)]
        careful = rows <= SMALL_TABLE
        while todo:
            group = todo.pop()
            look = self._grower.look(group)
            if not look.ranked:
                number = self._number(look.written)
                for row in group.rows:
                    chosen[row] = number
            elif careful and len(group.rows) <= SMALL_GROUP:
                todo += careful_parts(self._grower, group, look)
            else:
                todo += self._parts(group, look)
        return Layout(orders=tuple(self._orders), rows=chosen)

    def _number(self, written: Order) -> int:
        rest = tuple(column for column in self._tail if column not in written)
        return self._orders.setdefault(written + rest, len(self._orders))

    def _parts(self, group: Group, look: Look) -> list[Group]:
        """The groups that the most promising column makes."""
        grower = self._grower
        if len(look.ranked) == 1:
            return grower.by_column(group, look, look.ranked[0])
        near = replace(look, ranked=look.ranked[:_IN_SIGHT])
        tried = [grower.by_column(group, near, one) for one in near.ranked[:LOOK_AHEAD]]
        promises = [grower.step(near, parts) + grower.promise(parts) for parts in tried]
        best = promises.index(max(promises))
        return tried[best] if near == look else grower.by_column(group, look, look.ranked[best])
