"""Tail order: what a row shares with none still begins alike, so that goes first."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from backburner.plan.caching.cells import Order

_SAMPLE: Final = 2_000
"""Values of a column that are looked at; more do not change their order."""


def tail_order(values: Sequence[Sequence[str]]) -> Order:
    """The order of columns that a row shares with none: what begins most alike comes first.

    Dates, paths and addresses have long beginnings in common, which a cache of blocks does not see
    but a later mark may.

    Args:
        values: Some values of each column.
    """
    leads = [shared_lead(one) for one in values]
    return tuple(sorted(range(len(leads)), key=lambda column: -leads[column]))


def shared_lead(values: Sequence[str]) -> float:
    """How many characters a value begins with that its nearest neighbour has too, on average."""
    some = sorted(set(values[:_SAMPLE]))
    if len(some) < 2:  # noqa: PLR2004  # one value has no neighbour
        return 0.0
    return sum(_lead(one, other) for one, other in pairwise(some)) / (len(some) - 1)


def _lead(one: str, other: str) -> int:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))
