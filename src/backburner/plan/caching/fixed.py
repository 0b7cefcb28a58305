"""One order of columns for all rows: for tables too large to plan row by row."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from backburner.plan.caching.cells import TOKENS, Column, Order, Worth, one_order, shared

_TRIES: Final = 200
"""Orders that are tried: enough for a few rounds over a dozen columns."""


def fixed_order(
    columns: Sequence[Column], tail: Order | None = None, worth: Worth = TOKENS
) -> Order:
    """An order of columns for all rows.

    It begins with whichever column makes the rows share most, then the next; then pairs of columns
    change places as long as that helps. It is never worse than the order of the table.

    Args:
        tail: The order of the columns that rows do not share; that of the table if None.
    """
    rows = len(columns[0].cells) if columns else 0
    original = tuple(range(len(columns)))
    climbed = _climbed(columns, _greedy(columns, tail or original, worth), worth)
    best, plain = (shared(columns, one_order(one, rows), worth) for one in (climbed, original))
    return climbed if best >= plain else original


def _greedy(columns: Sequence[Column], tail: Order, worth: Worth) -> Order:
    rows = len(columns[0].cells) if columns else 0
    groups: list[tuple[int, Sequence[int]]] = [(0, range(rows))]
    order: list[int] = []
    while groups:
        left = [number for number in tail if number not in order]
        gains = {number: _gain(columns[number], groups, worth) for number in left}
        best = max(left, key=gains.__getitem__, default=None)
        if best is None or not gains[best]:
            break
        order.append(best)
        groups = _parted(columns[best], groups)
    return (*order, *(number for number in tail if number not in order))


def _gain(column: Column, groups: Sequence[tuple[int, Sequence[int]]], worth: Worth) -> float:
    return sum(
        worth.step(before, depth - before, len(rows))
        for before, group in groups
        for depth, rows in _parted(column, [(before, group)])
    )


def _parted(
    column: Column, groups: Sequence[tuple[int, Sequence[int]]]
) -> list[tuple[int, Sequence[int]]]:
    """The groups of rows, with the tokens that they share, when a column is added."""
    parts: list[tuple[int, Sequence[int]]] = []
    for depth, group in groups:
        by_cell: dict[int, list[int]] = {}
        for row in group:
            by_cell.setdefault(column.cells[row], []).append(row)
        parts += (
            (depth + column.tokens[cell], rows) for cell, rows in by_cell.items() if len(rows) > 1
        )
    return parts


def _climbed(columns: Sequence[Column], order: Order, worth: Worth) -> Order:
    rows = len(columns[0].cells) if columns else 0
    best = shared(columns, one_order(order, rows), worth)
    tries = 0
    is_better = True
    while is_better:
        is_better = False
        for one, other in combinations(range(len(order)), 2):
            tries += 1
            if tries > _TRIES:
                return order
            swapped = _swapped(order, one, other)
            value = shared(columns, one_order(swapped, rows), worth)
            if value > best:
                order, best, is_better = swapped, value, True
    return order


def _swapped(order: Order, one: int, other: int) -> Order:
    changed = list(order)
    changed[one], changed[other] = changed[other], changed[one]
    return tuple(changed)
