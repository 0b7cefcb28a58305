"""Deadlines: when a batch has to leave so that its answers are there in time.

A batch costs half, whenever it leaves; so it is always worth a batch first while there is time for
one, and nothing is gained by giving up early. Waiting gains something only where a window gathers
more work: a window that still keeps the promise wins, and what it would break leaves at the latest
safe moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from backburner.plan.turnaround import Curve

LATE: Final = 0.95
"""What share of batches a promise is reckoned with."""

MEDIAN: Final = 0.5

COLLECTING: Final = 180.0
"""Seconds from the end of a batch to its answers: a look a minute, a download, an output."""

_SHARE_OF_SLACK: Final = 0.1
_LEAST_SHARD: Final = 2_000
_MOST_SHARD: Final = 5_000
_PER_MINUTE: Final = 1_000.0
"""Sync calls a minute that an account is trusted with before any was measured: tier 2.

Source: platform.claude.com api/rate-limits, 2026-08-22.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """By when a number of batches have to be back.

    Attributes:
        deadline: POSIX seconds.
        batches: How many have to be.
        margin: Seconds before the deadline at which the last of them has to have ended: time to
            collect it, or to rescue what is missing.
    """

    deadline: float
    batches: int = 1
    margin: float = COLLECTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is to be expected of a promise.

    Attributes:
        sent_at: When its batches leave.
        late_at: When 95 of 100 such would be back.
        ended_by: When they have to have ended; what has not then is rescued, if it may be.
        chance: That all are back in time.
        basis: What this rests on, in words.
    """

    deadline: float
    sent_at: float
    late_at: float
    ended_by: float
    chance: float
    basis: str

    @property
    def is_safe(self) -> bool:
        """Whether the promise can be given."""
        return self.chance >= LATE


def latest_release(promise: Promise, curve: Curve) -> float:
    """The last moment at which 95 of 100 such would be back in time."""
    late = curve.quantile_of_all(LATE, promise.batches)
    return promise.deadline - promise.margin - late


def release_at(promise: Promise, curve: Curve, *, opens_at: float | None, now: float) -> float:
    """When batches leave: with the window if that is safe, else at the latest safe moment, or now.

    Args:
        opens_at: When the lane's window opens, now or earlier if it is open; None where no window
            is known to come.
    """
    latest = latest_release(promise, curve)
    if opens_at is not None and opens_at <= latest:
        return max(opens_at, now)
    return max(latest, now)


def outlook(promise: Promise, curve: Curve, sent_at: float) -> Outlook:
    """What is to be expected of batches that leave at a time."""
    left = promise.deadline - promise.margin - sent_at
    late = curve.quantile_of_all(LATE, promise.batches)
    return Outlook(
        deadline=promise.deadline,
        sent_at=sent_at,
        late_at=sent_at + late + min(promise.margin, COLLECTING),
        ended_by=promise.deadline - promise.margin,
        chance=curve.done_by(left) ** promise.batches,
        basis=curve.basis(),
    )


def warning(one: Outlook, when: Callable[[float], str]) -> str | None:
    """Why a promise is unsafe, in words; None where it is safe.

    Args:
        when: Writes a moment as local time.
    """
    if one.is_safe:
        return None
    chance = int(one.chance * 100)
    return (
        f"95 of 100 such runs are back by {when(one.late_at)}, and the deadline is "
        f"{when(one.deadline)}: it is kept in {chance} of 100 ({one.basis})"
    )


def shard_size(slack: float, per_minute: float = _PER_MINUTE) -> int:
    """The most requests in a batch of a run with a deadline.

    A batch tells nothing before its end, and what it has not done is asked sync in a rescue: so
    doing one shard over takes a tenth of the time that there is, at the most.

    Args:
        slack: Seconds to the deadline.
        per_minute: Sync calls a minute that the account allows.
    """
    drained = per_minute / 60.0 * max(slack, 0.0) * _SHARE_OF_SLACK
    return int(min(max(drained, _LEAST_SHARD), _MOST_SHARD))
