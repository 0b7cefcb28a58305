"""When what is under way will be back: a range, since nobody says how far a batch is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backburner.plan.deadlines import LATE, MEDIAN
from backburner.plan.turnaround import Curve

SLEPT: Final = 60.0
"""Seconds by which two clocks may part before a machine is said to have slept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A batch that has left, or will.

    Attributes:
        sent_at: When it left or will, in POSIX seconds.
    """

    sent_at: float
    curve: Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """When several batches are all back. POSIX seconds.

    Attributes:
        median: In half of such cases.
        late: In 95 of 100.
        basis: What this rests on, in words.
    """

    median: float
    late: float
    basis: str

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {"median": self.median, "late": self.late, "basis": self.basis}


def eta_of(batches: Sequence[UnderWay], now: float) -> Eta | None:
    """When all of them are back, knowing how long each has been away; None of none."""
    if not batches:
        return None
    return Eta(
        median=max(_back_at(one, MEDIAN, 1, now) for one in batches),
        late=max(_back_at(one, LATE, len(batches), now) for one in batches),
        basis=batches[0].curve.basis(),
    )


def _back_at(one: UnderWay, share: float, count: int, now: float) -> float:
    age = max(now - one.sent_at, 0.0)
    return one.sent_at + one.curve.quantile_of_all(share, count, age)


def slept(seconds: float, counted: float) -> float:
    """For how long a machine was asleep, or 0.

    Args:
        seconds: What went by on the wall.
        counted: What its own steady clock counted meanwhile: that stands still in sleep.
    """
    away = seconds - counted
    return away if away > SLEPT else 0.0
