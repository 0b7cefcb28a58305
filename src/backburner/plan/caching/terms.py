"""What caching costs and how likely it is to help: rates, hit rates, and the shortest prefix."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from backburner.nouns.tariff import Rates, undated

MOST_MARKS: Final = 4
"""Cache marks that one request may carry, its user's own ones included.

Source: platform.claude.com prompt-caching (cache breakpoints), 2026-08-22.
"""

MILLION: Final = 1_000_000
"""Hit rates are taken in millionths, so that all sums are whole numbers."""

_LARGEST_MINIMUM: Final = 4_096
_MINIMUM: Final = {
    "claude-fable-5": 512,
    "claude-fable-5-1": 512,
    "claude-fable-5-2": 512,
    "claude-haiku-5-5": 512,
    "claude-mythos-5": 512,
    "claude-mythos-5-1": 512,
    "claude-mythos-5-2": 512,
    "claude-opus-5": 512,
    "claude-opus-5-5": 512,
    "claude-sonnet-5-5": 512,
    "claude-opus-4-8": 1_024,
    "claude-sonnet-4-5": 1_024,
    "claude-sonnet-5": 1_024,
    "claude-mythos-preview": 2_048,
    "claude-sonnet-4-6": 2_048,
    "claude-haiku-4-5": 4_096,
    "claude-opus-4-5": 4_096,
    "claude-opus-4-6": 4_096,
    "claude-opus-4-7": 4_096,
}
"""Tokens of the shortest prefix that is cached; a shorter one is silently not.

Where sources differ the larger value counts. Sonnet 4.6: 1,024 by the page, 2,048 seen by users
(github.com/anthropics/anthropic-sdk-python/issues/1194). Opus 4.7: 2,048 by the page, 4,096 by
docs.aws.amazon.com. The page is silent on Fable and Mythos 5.2, which count as 5.1.

Source: platform.claude.com prompt-caching (cache limitations), 2026-08-22.
"""

_DOUBT: Final = Fraction(115, 100)
"""What an estimated prefix must exceed the minimum by, to be taken as long enough."""


class Ttl(StrEnum):
    """How long an entry of the prompt cache lives after each use."""

    FIVE_MINUTES = "5m"
    ONE_HOUR = "1h"


BOTH: Final = (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)
"""Either lifetime; in one request the longer one comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRates:
    """How often a prefix that could be read from the cache is read, by lifetime: 0 to 1."""

    five_minutes: float
    one_hour: float

    def __post_init__(self) -> None:
        for rate in (self.five_minutes, self.one_hour):
            if not 0 <= rate <= 1:
                raise ValueError(f"a hit rate is between 0 and 1, not {rate}")

    def of(self, ttl: Ttl) -> float:
        """The rate of one lifetime."""
        return self.five_minutes if ttl is Ttl.FIVE_MINUTES else self.one_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTerms:
    """On what terms a model's prompts are cached.

    Sums are whole numbers of a unit: a millionth of the rates' unit, which is a picodollar where
    the rates are a tariff's. `tokens` turns them into uncached input tokens.

    Attributes:
        minimum_tokens: The shortest prefix that counts as cached.
        input: What a token of plain input costs, like the other rates.
    """

    minimum_tokens: int
    input: int
    read: int
    write_5m: int
    write_1h: int
    hits: HitRates

    def __post_init__(self) -> None:
        if min(self.minimum_tokens, self.input, self.read, self.write_5m, self.write_1h) < 0:
            raise ValueError(f"a rate or the minimum is negative: {self}")

    def write(self, ttl: Ttl) -> int:
        """What a token costs that is written to the cache."""
        return self.write_5m if ttl is Ttl.FIVE_MINUTES else self.write_1h

    def plain(self, requests: int) -> int:
        """Units that a token costs in so many requests without a cache mark."""
        return requests * self.input * MILLION

    def cached(self, requests: int, ttl: Ttl) -> int:
        """Units that a token is expected to cost in so many requests that all mark it.

        The first writes it; each of the others reads it, or with bad luck writes it again.
        """
        if not requests:
            return 0
        hits = round(self.hits.of(ttl) * MILLION)
        write = self.write(ttl)
        again = hits * self.read + (MILLION - hits) * write
        return MILLION * write + (requests - 1) * again

    def gain(self, requests: int, ttl: Ttl) -> int:
        """Units that a mark saves with each token before it; negative where it costs more."""
        return self.plain(requests) - self.cached(requests, ttl)

    def tokens(self, units: int) -> Fraction:
        """Units as uncached input tokens; 0 where input is free."""
        return Fraction(units, self.input * MILLION) if self.input else Fraction(0)


def cache_terms(rates: Rates, minimum_tokens: int, hits: HitRates) -> CacheTerms:
    """The terms that a tariff's rates make."""
    return CacheTerms(
        minimum_tokens=minimum_tokens,
        input=rates.input,
        read=rates.cache_read,
        write_5m=rates.cache_write_5m,
        write_1h=rates.cache_write_1h,
        hits=hits,
    )


def cache_minimum(model: str, *, estimated: bool) -> int:
    """Tokens that a prefix must have to be worth a mark; of an unknown model, the largest.

    Args:
        model: By its alias or by its dated id.
        estimated: Whether lengths are estimates and not counted: then 15 % more is asked for.
    """
    minimum = _MINIMUM.get(undated(model), _LARGEST_MINIMUM)
    return -(-minimum * _DOUBT // 1) if estimated else minimum


def break_even(terms: CacheTerms, requests: int, ttl: Ttl) -> Fraction | None:
    """The hit rate above which a mark pays; None where it never does.

    (w - 1) / (w - r) x c / (c - 1), for c requests. It can be negative: the mark always pays.
    """
    write, spread = terms.write(ttl), terms.write(ttl) - terms.read
    if requests < 2 or spread <= 0:  # noqa: PLR2004
        return None
    rate = Fraction(write - terms.input, spread) * Fraction(requests, requests - 1)
    return rate if rate < 1 else None
