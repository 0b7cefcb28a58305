"""Learning hit rates from returned usage: what to reckon with, and when to stop marking.

What is believed of a rate is a beta distribution: pseudo-counts of hits and misses, from a prior
that says where it is from, and from batches that came back. The plan reckons with a low quantile of
it, so that few or bad experiences turn marks off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from backburner.nouns.tariff import undated
from backburner.plan.caching.beta import beta_quantile
from backburner.plan.caching.terms import CacheTerms, HitRates, Ttl

QUANTILE: Final = 0.1
"""The plan's rate is one that the true rate is above with a chance of 90 %."""

HALF_LIFE: Final = 14 * 86_400.0
"""Seconds between two batches after which the older one counts half."""

MOST_PER_BATCH: Final = 10
"""Pseudo-counts that one batch adds at most: its requests share their luck, and are no trials each
of their own."""

TRIAL_SHARE: Final = Fraction(1, 100)
"""What trials may lose at most, as a share of the input that was sent unmarked meanwhile."""

TRIAL_REQUESTS: Final = 20
"""Requests of a trial: enough to count as much as a batch can."""


class Start(StrEnum):
    """How the requests of a prefix begin: all at once, or after one that has ended."""

    COLD = "cold"
    LED = "led"


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What is believed of a hit rate.

    Attributes:
        hits: Pseudo-counts of hits, as `misses` of misses.
        batches: How many batches it was learned from, besides the prior.
        source: Where the prior is from.
    """

    hits: float
    misses: float
    batches: int
    source: str

    @property
    def mean(self) -> float:
        """The rate that is expected."""
        return self.hits / (self.hits + self.misses)

    def low(self, quantile: float = QUANTILE) -> float:
        """The rate to reckon with."""
        return beta_quantile(self.hits, self.misses, quantile)


PRIORS: Final = {
    Start.COLD: Belief(
        hits=2.8, misses=1.2, batches=0, source="hit rates of 30 to 98 %, as the guide says"
    ),
    Start.LED: Belief(
        hits=9.5, misses=0.5, batches=0, source="an assumption: 95 % once a leader has ended"
    ),
}
"""What is believed before any batch came back.

Source: platform.claude.com batch-processing (prompt caching with batches), 2026-09-26, for `COLD`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What came of the cache marks of one batch.

    Attributes:
        at: When its results were booked, in POSIX seconds.
        read_tokens: Read from the cache.
        written_tokens: Written to it.
        first_tokens: Of those written, the ones that no request could have read: the first of each
            prefix. 0 if unknown, which makes the rate seem lower.
        chances: Requests that could have read something.
    """

    at: float
    model: str
    ttl: Ttl
    start: Start
    read_tokens: int
    written_tokens: int
    first_tokens: int = 0
    chances: int

    @property
    def hit_rate(self) -> float | None:
        """Tokens read of those that could have been; None where none could."""
        missed = max(0, self.written_tokens - self.first_tokens)
        possible = self.read_tokens + missed
        return self.read_tokens / possible if possible and self.chances > 0 else None


def believe(seen: Iterable[Observation], start: Start) -> Belief:
    """What observations of one model, lifetime and start make of the prior.

    Older ones count less beside newer ones. Time alone changes nothing: what was learned holds
    until something newer is known.
    """
    rated = [(one, rate) for one in seen if (rate := one.hit_rate) is not None]
    newest = max((one.at for one, _ in rated), default=0.0)
    prior = PRIORS[start]
    hits, misses = prior.hits, prior.misses
    for one, rate in rated:
        weight = min(one.chances, MOST_PER_BATCH) * 0.5 ** ((newest - one.at) / HALF_LIFE)
        hits += weight * rate
        misses += weight * (1 - rate)
    return Belief(hits=hits, misses=misses, batches=len(rated), source=prior.source)


def beliefs(seen: Iterable[Observation], model: str, start: Start) -> dict[Ttl, Belief]:
    """What is believed of a model's hit rates, by lifetime."""
    ours = [one for one in seen if undated(one.model) == undated(model) and one.start is start]
    return {ttl: believe([one for one in ours if one.ttl is ttl], start) for ttl in Ttl}


def learned_rates(seen: Iterable[Observation], model: str, start: Start) -> HitRates:
    """The hit rates to plan a model's marks with."""
    found = beliefs(seen, model, start)
    return HitRates(five_minutes=found[Ttl.FIVE_MINUTES].low(), one_hour=found[Ttl.ONE_HOUR].low())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A few requests that are marked although that is believed to lose, to learn whether it does.

    Attributes:
        most_lost_tokens: What it costs more than no marks if nothing is read, in uncached input
            tokens.
    """

    requests: int
    ttl: Ttl
    most_lost_tokens: Fraction


def trial(
    prefix_tokens: int, requests: int, terms: CacheTerms, ttl: Ttl, unmarked_tokens: int
) -> Trial | None:
    """A trial of a prefix whose marks were turned off, if one may be afforded.

    It loses at most `TRIAL_SHARE` of the input that was sent unmarked since the last one, so
    that all trials together lose no more than that share, whatever happens.

    Args:
        prefix_tokens: Of the shared prefix.
        requests: How many share it.
        terms: Rates and the shortest prefix.
        ttl: The lifetime to try.
        unmarked_tokens: Input tokens sent with marks turned off since the last trial.
    """
    if prefix_tokens < terms.minimum_tokens or not terms.input:
        return None
    each = Fraction(max(0, terms.write(ttl) - terms.input) * prefix_tokens, terms.input)
    lost = TRIAL_REQUESTS * each
    if requests < TRIAL_REQUESTS or lost > TRIAL_SHARE * unmarked_tokens:
        return None
    return Trial(requests=TRIAL_REQUESTS, ttl=ttl, most_lost_tokens=lost)
