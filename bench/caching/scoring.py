"""Tables as the planner sees them, and how much of them rows share."""

from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from backburner.caching import Column, Layout, tail_order
from bench.caching.tables import TextTable

_CHARACTERS_A_TOKEN: Final = 3.5
_TAIL_SAMPLE: Final = 2_000


def written(name: str, value: str) -> str:
    """A cell as a prompt has it."""
    return f'"{name}": "{value}"\n'


def columns_of(table: TextTable) -> list[Column]:
    """The columns; a token is 3.5 characters of a cell as a prompt has it."""
    return [
        _column([row[number] for row in table.rows], name)
        for number, name in enumerate(table.columns)
    ]


def _column(values: Sequence[str], name: str) -> Column:
    kinds: dict[str, int] = {}
    cells = array("I", (kinds.setdefault(value, len(kinds)) for value in values))
    tokens = [max(1, round(len(written(name, value)) / _CHARACTERS_A_TOKEN)) for value in kinds]
    return Column(cells=cells, tokens=tokens)


def tail_of(table: TextTable) -> tuple[int, ...]:
    """The order of what rows do not share, from a sample of them."""
    some = table.rows[:: max(1, len(table.rows) // _TAIL_SAMPLE)]
    return tail_order([[row[number] for row in some] for number in range(len(table.columns))])


def characters_shared(table: TextTable, layout: Layout) -> float:
    """The share of characters that an earlier row begins with too: a trie of characters.

    A cell ends before the next one begins, so a cell that is the beginning of another counts with
    its own length.
    """
    name_of: Callable[[int], str] = table.columns.__getitem__
    texts: dict[tuple[int, str], str] = {}

    def text(column: int, value: str) -> str:
        return texts.setdefault((column, value), written(name_of(column), value))

    rows = sorted(
        tuple(text(column, row[column]) for column in layout.order(number))
        for number, row in enumerate(table.rows)
    )
    total = sum(sum(map(len, row)) for row in rows)
    return sum(_lead(one, other) for one, other in pairwise(rows)) / total if total else 0.0


def _lead(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    lead = 0
    for left, right in zip(one, other, strict=True):
        if left is not right:
            return lead + _alike(left, right)
        lead += len(left)
    return lead


def _alike(one: str, other: str) -> int:
    differences = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differences, min(len(one), len(other)))
