"""Scoring forecasts: how often they came true, and what so many batches prove."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Final

from backburner.nouns.trip import Forecast
from backburner.plan.deadlines import LATE, MEDIAN
from backburner.plan.turnaround import prior

CONFIDENCE: Final = 0.95
_NEEDED: Final = 59
"""So many without a miss prove 95 of 100: 0.95 to the power of 59 is less than 5 %."""

_MINUTE: Final = 60.0
_STEPS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What came of forecasts that can be judged.

    Attributes:
        batches: How many: those whose late time is over, ended or not. To count the others that
            have ended would leave the slow ones out.
        by_median: Those that had ended by the time forecast for half.
        by_late: Those that had ended by the time forecast for 95 of 100.
        proven: The share that this many prove, at least, with 95 % confidence.
        loss: The mean pinball loss of both times in minutes: what a forecast is off, where being
            early counts as it should for its share.
        prior_loss: The same, had the general prior been the forecast of all.
    """

    batches: int
    by_median: int
    by_late: int
    proven: float
    loss: float
    prior_loss: float

    def in_words(self) -> str:
        """The coverage, and what it proves."""
        if not self.batches:
            return "none can be judged yet"
        told = (
            f"{self.by_late} of {self.batches} batches ended by the time forecast for 95 of 100, "
            f"{self.by_median} by that for half"
        )
        proof = f"this proves {int(self.proven * 100)} of 100 (with 95 % confidence"
        if self.batches < _NEEDED and self.by_late == self.batches:
            return f"{told}; {proof}; {_NEEDED} without a miss would prove 95)"
        return f"{told}; {proof})"

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "batches": self.batches,
            "ended_by_median": self.by_median,
            "ended_by_late": self.by_late,
            "proven_share": round(self.proven, 4),
            "pinball_minutes": round(self.loss, 2),
            "pinball_minutes_of_prior": round(self.prior_loss, 2),
        }


def score(forecasts: Iterable[Forecast], now: float) -> Score:
    """Score forecasts whose time is over."""
    judged = [one for one in forecasts if one.late <= now]
    by_late = sum(_had_ended(one, one.late) for one in judged)
    return Score(
        batches=len(judged),
        by_median=sum(_had_ended(one, one.median) for one in judged),
        by_late=by_late,
        proven=proven(by_late, len(judged)),
        loss=_mean([_loss(one, one.median, one.late, now) for one in judged]),
        prior_loss=_mean([_prior_loss(one, now) for one in judged]),
    )


def proven(kept: int, batches: int) -> float:
    """The least share that explains so many successes, with 95 % confidence and no model.

    With none missed it is 0.05 to the power of 1/n: 29 batches prove 90 of 100, 59 prove 95, and
    299 prove 99. In general it is Clopper and Pearson's one-sided bound.
    """
    if not kept:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_least(kept, batches, middle) < 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return low


def _at_least(kept: int, batches: int, share: float) -> float:
    """The chance of so many successes or more."""
    return sum(
        comb(batches, each) * share**each * (1 - share) ** (batches - each)
        for each in range(kept, batches + 1)
    )


def _had_ended(one: Forecast, at: float) -> bool:
    return one.ended_at is not None and one.ended_at <= at


def _loss(one: Forecast, median: float, late: float, now: float) -> float:
    ended_at = now if one.ended_at is None else one.ended_at
    return (_pinball(ended_at - median, MEDIAN) + _pinball(ended_at - late, LATE)) / 2


def _prior_loss(one: Forecast, now: float) -> float:
    median, late = (one.sent_at + prior().quantile(share) for share in (MEDIAN, LATE))
    return _loss(one, median, late, now)


def _pinball(off: float, share: float) -> float:
    return max(share * off, (share - 1) * off) / _MINUTE


def _mean(losses: Sequence[float]) -> float:
    return sum(losses) / len(losses) if losses else 0.0
