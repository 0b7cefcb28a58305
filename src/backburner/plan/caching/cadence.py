"""Cadence: windows so close to each other that an entry of one hour never dies between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

from backburner.plan.caching.terms import MILLION, CacheTerms, HitRates, Ttl
from backburner.plan.caching.waves import HOUR

MARGIN: Final = 600.0
"""Seconds of the hour that are kept for the time between a batch's sending and its processing."""

LONGEST_GAP: Final = HOUR - MARGIN
"""Seconds between two windows of which the later one still reads what the earlier one used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """What a day's windows cost that all send requests with one shared prefix.

    Attributes:
        warm: Of each window, whether the one before it left the entry alive.
        cost_tokens: The prefix's input in all windows, in uncached input tokens.
        apart_tokens: The same if each window began cold.
    """

    warm: tuple[bool, ...]
    cost_tokens: Fraction
    apart_tokens: Fraction

    @property
    def saved_tokens(self) -> Fraction:
        """What it saves that windows are close."""
        return self.apart_tokens - self.cost_tokens


def cadence(
    starts: Sequence[float],
    prefix_tokens: int,
    requests: int,
    terms: CacheTerms,
    warm_hit_rate: float,
) -> Cadence:
    """What windows at these times cost: a read refreshes an entry without charge.

    Args:
        starts: When the windows send, in seconds, rising.
        prefix_tokens: Of the prefix that all requests mark for one hour.
        requests: That each window sends.
        terms: Those of a window that begins cold.
        warm_hit_rate: How often a request of a warm window reads the entry.
    """
    warm = tuple(later - earlier <= LONGEST_GAP for earlier, later in pairwise(starts))
    warm = (False, *warm) if starts else ()
    cold_units = terms.cached(requests, Ttl.ONE_HOUR)
    warm_units = _all_again(terms, requests, warm_hit_rate)
    units = sum(warm_units if is_warm else cold_units for is_warm in warm)
    return Cadence(
        warm=warm,
        cost_tokens=terms.tokens(units * prefix_tokens),
        apart_tokens=terms.tokens(len(starts) * cold_units * prefix_tokens),
    )


def _all_again(terms: CacheTerms, requests: int, hit_rate: float) -> int:
    """Units a token costs where even the first request finds it written."""
    hits = HitRates(five_minutes=hit_rate, one_hour=hit_rate)
    first = terms.write_1h * MILLION
    return replace(terms, hits=hits).cached(requests + 1, Ttl.ONE_HOUR) - first
