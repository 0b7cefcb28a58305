"""Turnaround: how long batches take, learnt from all that were sent, the unfinished too.

A curve says what share of batches has not ended after so many seconds. It is a product of hazards,
as Kaplan and Meier's, so that a batch that is still under way, or was canceled, counts for as long
as it was watched and no longer: whoever looks at finished batches alone believes the slow ones do
not exist. Where there is little history, a curve stays near that of more batches, and the curve of
all stays near a general prior: hazards are averaged with those of the curve above, which weigh as
much as ten batches (the mean of a Dirichlet process, Susarla and Van Ryzin 1976).

Levels, from the widest: the prior; all batches; those of the same model and size; of these, those
sent at the same time of day, since a provider's load has its hours.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

from backburner.nouns.trip import Trip

EXPIRY: Final = 86_400.0
"""Seconds after which a batch expires. Source: platform.claude.com batch-processing, 2026-09-26."""

PRIOR_MEDIAN: Final = 420.0
PRIOR_SIGMA: Final = 1.68
"""The general prior is log-normal: median 7 min, 90 % within an hour.

Source: OpenRouter's batch API blog, 230,000 batches of all providers in two weeks, 2026.
"""

PRIOR_WEIGHT: Final = 10.0
"""As how many batches the curve above counts."""

HALF_LIFE: Final = 14 * 86_400.0
"""Seconds after which a trip counts half."""

_SIZES: Final = (1_000, 10_000)
_HOURS_A_BLOCK: Final = 6
_ALMOST: Final = EXPIRY - 300.0
"""What is reported after this ended by expiring."""

_FIRST: Final = 5.0
_STEPS: Final = 240
_RATIO: Final = (EXPIRY / _FIRST) ** (1 / (_STEPS - 1))
TIMES: Final = tuple(_FIRST * _RATIO**step for step in range(_STEPS))
"""Seconds at which curves are known: 4 % apart, the last is the expiry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What share of batches has not ended, over the time since their sending.

    Attributes:
        left: The share at each of `TIMES`.
        batches: How many ended batches of the user's own are behind it.
        others: How many that have not ended by themselves, and were watched for a while.
        weight: What these count, the old ones less.
    """

    left: tuple[float, ...]
    batches: int = 0
    others: int = 0
    weight: float = 0.0

    def not_done(self, seconds: float) -> float:
        """The share that takes longer than this."""
        if seconds <= 0:
            return 1.0
        after = bisect_left(TIMES, seconds)
        if after >= len(TIMES):
            return self.left[-1]
        before, low = (self.left[after - 1], TIMES[after - 1]) if after else (1.0, 0.0)
        share = (seconds - low) / (TIMES[after] - low)
        return before + (self.left[after] - before) * share

    def done_by(self, seconds: float, age: float = 0.0) -> float:
        """The chance that a batch has ended by then, if it has not at `age`."""
        if seconds <= age:
            return 0.0
        return 1.0 - self.not_done(seconds) / self.not_done(age)

    def quantile(self, share: float, age: float = 0.0) -> float:
        """The seconds after sending by which this share has ended; at most the expiry."""
        wanted = self.not_done(age) * (1.0 - share)
        after = bisect_left(self.left, -wanted, key=lambda left: -left)
        if after >= len(TIMES):
            return EXPIRY
        before, low = (self.left[after - 1], TIMES[after - 1]) if after else (1.0, 0.0)
        fall = before - self.left[after]
        part = (before - wanted) / fall if fall > 0 else 1.0
        return max(low + (TIMES[after] - low) * part, age)

    def quantile_of_all(self, share: float, batches: int, age: float = 0.0) -> float:
        """The seconds by which, with this chance, all of several batches have ended.

        As if they ended independently of each other, which is never too early.
        """
        return self.quantile(share ** (1 / max(batches, 1)), age)

    @property
    def is_prior(self) -> bool:
        """Whether nothing of the user's own is in it."""
        return not self.batches and not self.others

    def basis(self) -> str:
        """What it rests on, in words."""
        if self.is_prior:
            return "from a general prior: no history yet"
        if not self.batches:
            return "from a general prior: none of your batches has ended by itself yet"
        own = "batch" if self.batches == 1 else "batches"
        if self.weight < PRIOR_WEIGHT:
            return f"from a general prior and your last {self.batches:,} {own}"
        return f"from your last {self.batches:,} {own}"


Learnt = Callable[[str, int, float], Curve]
"""The curve of batches of a model, of a size, that are sent at a time."""


def learn(trips: Sequence[Trip], *, model: str, requests: int, at: float, now: float) -> Curve:
    """The curve of batches of a model and size that are sent at a time.

    Args:
        trips: What is known of own batches.
        model: Empty for several models.
        requests: How many such a batch holds.
        at: When it is sent.
        now: When this is asked: old trips count less.
    """
    return learner(trips, now)(model, requests, at)


def learner(trips: Sequence[Trip], now: float) -> Learnt:
    """Gives the curves of batches of any kind; those that are alike share one."""
    ended = [one for one in trips if one.has_ended]
    others = sum(not one.has_ended and one.seconds > PRIOR_MEDIAN for one in trips)
    weight = sum(_weight(one, now) for one in ended)
    pooled = _fitted(trips, prior().left, now) if trips else prior().left

    @cache
    def curve(model: str, size: int, block: int) -> Curve:
        like = [one for one in trips if one.model == model and _size(one.requests) == size]
        left = pooled
        for level in (like, [one for one in like if _block(one.sent_at) == block]):
            left = _fitted(level, left, now) if level else left
        return Curve(left=left, batches=len(ended), others=others, weight=weight)

    return lambda model, requests, at: curve(model, _size(requests), _block(at))


@cache
def prior() -> Curve:
    """What is believed before any batch was sent."""
    return Curve(left=tuple(_log_normal(seconds) for seconds in TIMES))


def _log_normal(seconds: float) -> float:
    """The share of the prior that takes longer."""
    return 0.5 * math.erfc(math.log(seconds / PRIOR_MEDIAN) / (PRIOR_SIGMA * math.sqrt(2)))


def _size(requests: int) -> int:
    return bisect_left(_SIZES, requests)


def _block(at: float) -> int:
    """The part of the day, by UTC: the load is the provider's and not ours."""
    return int(at % 86_400 // 3600) // _HOURS_A_BLOCK


def _weight(trip: Trip, now: float) -> float:
    return float(0.5 ** (max(now - trip.sent_at, 0.0) / HALF_LIFE))


def _fitted(trips: Iterable[Trip], above: Sequence[float], now: float) -> tuple[float, ...]:
    """The curve of some trips, near the one above."""
    ended = [0.0] * _STEPS
    leaving = [0.0] * (_STEPS + 1)
    for trip in trips:
        weight = _weight(trip, now)
        if trip.has_ended and trip.seconds < _ALMOST:
            step = min(bisect_left(TIMES, trip.seconds), _STEPS - 1)
            ended[step] += weight
            leaving[step] += weight
        else:
            # Watched through all steps that were over by then.
            leaving[bisect_right(TIMES, trip.seconds) if trip.seconds < _ALMOST else -1] += weight
    # At risk in a step is who leaves in it by ending, or in a later one in any way.
    staying = list(accumulate(reversed(leaving)))[::-1]
    left, so_far = [], 1.0
    for step in range(_STEPS):
        before = above[step - 1] if step else 1.0
        at_risk = PRIOR_WEIGHT * before + staying[step + 1] + ended[step]
        events = PRIOR_WEIGHT * (before - above[step]) + ended[step]
        so_far *= 1.0 - events / at_risk
        left.append(so_far)
    return tuple(left)
