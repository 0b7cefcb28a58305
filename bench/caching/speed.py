"""How long a layout takes: on a real table, and where it is worst."""

import random
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.caching import Column, plan_layout
from bench.caching.scoring import columns_of
from bench.caching.tables import TextTable

SIZES: Final = (10_000, 60_000, 100_000)
MOST_SECONDS: Final = 10.0
"""For 100,000 rows, the worst case included."""

_PAIR_COLUMNS: Final = 5
_ALIKE: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """CPU seconds of one layout, which uses one core: on a free one they are those of the clock."""

    table: str
    rows: int
    seconds: float


def timings(table: TextTable | None, sizes: Sequence[int] = SIZES) -> Iterator[Timing]:
    """A layout of so many rows of a table, and of so many rows in pairs."""
    for rows in sizes:
        if table is not None:
            yield _timed(table.name, columns_of(repeated(table, rows)))
        for alike, name in ((1.0, "pairs, equal"), (_ALIKE, "pairs, 60 % of the cells equal")):
            yield _timed(name, pairs(rows, alike))


def _timed(name: str, columns: list[Column]) -> Timing:
    begun = time.process_time()
    plan_layout(columns)
    seconds = time.process_time() - begun
    return Timing(table=name, rows=len(columns[0].cells), seconds=seconds)


def repeated(table: TextTable, rows: int) -> TextTable:
    """So many rows; where the table is too short it begins anew, with other names."""
    some = list(table.rows[:rows])
    while len(some) < rows:
        turn = len(some) // len(table.rows)
        left = table.rows[: rows - len(some)]
        some += [(f"{first}~{turn}", *rest) for first, *rest in left]
    return TextTable(name=table.name, columns=table.columns, rows=some)


def pairs(rows: int, alike: float) -> list[Column]:
    """Documents that occur twice, and share each of five cells with this probability."""
    chance = random.Random(rows)
    return [_paired(rows, alike, chance) for _ in range(_PAIR_COLUMNS)]


def _paired(rows: int, alike: float, chance: random.Random) -> Column:
    cells = array("I")
    kinds = 0
    for _ in range(rows // 2):
        more = 1 if chance.random() < alike else 2
        cells.extend((kinds, kinds + more - 1))
        kinds += more
    return Column(cells=cells, tokens=[chance.randrange(5, 50) for _ in range(kinds)])
