"""Cutting: after which cells a prompt is cut into blocks, so that a cache mark can stand there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backburner.plan.caching.cells import Column, Layout, by_next_cell

MOST_CUTS: Final = 3
"""Cuts of one prompt: four marks, less one for what stands before its row."""

Cuts = tuple[int, ...]
"""How many cells stand before each cut, from the front."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows that begin alike.

    Attributes:
        depth: How much they share.
        last: How much stands before the last cut.
    """

    rows: Sequence[int]
    depth: int
    last: int
    cuts: Cuts


def cuts_of(
    columns: Sequence[Column], layout: Layout, floor: int, gap: int, most: int = MOST_CUTS
) -> list[Cuts]:
    """The cuts of each row: where rows that began alike part.

    Rows that share a beginning have the same cuts in it, so that their blocks are equal.

    Args:
        floor: How much has to be shared before a cut is of use; 0 and less allows one before the
            first cell.
        gap: How much has to stand between two cuts.
        most: Cuts of one row.
    """
    found: list[Cuts] = [()] * len(layout.rows)
    groups = [_Group(range(len(layout.rows)), 0, -gap, ())]
    for place in range(len(columns)):
        deeper: list[_Group] = []
        for group in groups:
            parts = by_next_cell(columns, layout, group.rows, place)
            cuts, last = group.cuts, group.last
            is_far = group.depth >= floor and group.depth - last >= gap
            if len(parts) > 1 and is_far and len(cuts) < most:
                cuts, last = (*cuts, place), group.depth
            for (column, cell), rows in parts.items():
                for row in rows:
                    found[row] = cuts
                if len(rows) > 1:
                    tokens = columns[column].tokens[cell]
                    deeper.append(_Group(rows, group.depth + tokens, last, cuts))
        groups = deeper
    return found
