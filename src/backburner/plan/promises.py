"""Promises: what a person means by `--by 07:00` and `--within 6h`.

Local times are those of a zone. A time that the clocks skip, on the night when summer time begins,
means the first moment after the gap; one that they show twice means the first time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from backburner.errors import InputError, ZoneNeeded
from backburner.nouns.budget import amount_of
from backburner.nouns.model import BATCH_ONLY_BETAS
from backburner.nouns.spans import span_of
from backburner.nouns.urgency import Timing, Urgency

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_FURTHEST: Final = timedelta(days=3_650)
"""How far away a deadline may be: farther, some times cannot be told in every zone."""

_HINT: Final = "write a time such as 07:00, or a day with it: 2026-11-24T07:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person said of the time, as it was said.

    Attributes:
        by: A local time, a day and a time, or a datetime.
        within: A span such as `6h`, or a timedelta.
        urgency: `now`, `soon` or `window`.
        rescue: The most that may be spent on what would be late, in US dollars.
    """

    by: str | datetime | None = None
    within: str | timedelta | None = None
    urgency: str | None = None
    rescue: str | float | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the time was not mentioned."""
        return (self.by, self.within, self.urgency, self.rescue) == (None, None, None, None)


def timing_of(asked: Said, now: float, zone: tzinfo | None) -> Timing:
    """When a run has to travel.

    Args:
        zone: That of local times; None where none is known.

    Raises:
        InputError: It is none of the forms, lies in the past, or contradicts itself.
        ZoneNeeded: It is a local time, and no zone is known.
    """
    deadline = _deadline(asked, now, zone)
    rescue = None if asked.rescue is None else amount_of(str(asked.rescue))
    if deadline is None:
        if rescue is not None:
            raise InputError(
                "a rescue needs a deadline to rescue", hint="add --by 07:00 or --within 6h"
            )
        return Timing(urgency=_urgency(asked.urgency))
    if asked.urgency is not None:
        raise InputError(
            f"a deadline says when to send, and urgency {asked.urgency} says it again",
            hint="give the deadline, or the urgency",
        )
    return Timing(urgency=Urgency.DEADLINE, deadline=deadline, rescue=rescue)


def check_may_be_sync(timing: Timing | None, betas: Iterable[str]) -> None:
    """Make sure that what may have to be asked sync can be.

    Raises:
        InputError: One of its betas only works in batches.
    """
    batch_only = sorted(BATCH_ONLY_BETAS.intersection(betas))
    if timing is None or not batch_only:
        return
    if timing.urgency is Urgency.NOW:
        raise InputError(
            f"urgency now asks sync, and the beta {batch_only[0]} only works in batches",
            hint="choose urgency soon, or leave the beta out",
        )
    if timing.rescue is not None:
        raise InputError(
            f"a rescue asks sync, and the beta {batch_only[0]} only works in batches",
            hint="leave out the rescue, or the beta",
        )


def _urgency(word: str | None) -> Urgency:
    chosen = word or Urgency.WINDOW
    if chosen not in (Urgency.NOW, Urgency.SOON, Urgency.WINDOW):
        raise InputError(
            f"{chosen!r} is no urgency of a run",
            hint="there is now, soon and window; or give --by",
        )
    return Urgency(chosen)


def _deadline(asked: Said, now: float, zone: tzinfo | None) -> float | None:
    if asked.by is not None and asked.within is not None:
        raise InputError("there are two deadlines", hint="give --by or --within")
    if asked.within is not None:
        deadline, said = now + _span(asked.within).total_seconds(), f"--within {asked.within}"
    elif asked.by is not None:
        deadline, said = moment_by(asked.by, now, zone), f"--by {asked.by}"
    else:
        return None
    if deadline <= now:
        raise InputError(f"{said} is in the past", hint=_HINT)
    if deadline > now + _FURTHEST.total_seconds():
        raise InputError(
            f"{said} is over {_FURTHEST.days:,} days away", hint="give one that is nearer"
        )
    return deadline


def _span(within: str | timedelta) -> timedelta:
    return within if isinstance(within, timedelta) else span_of(within, "--within")


def moment_by(said: str | datetime, now: float, zone: tzinfo | None) -> float:
    """POSIX seconds of a time as people say it; of a time without a day, the next such.

    Raises:
        InputError: It is no time.
        ZoneNeeded: It is a local time, and no zone is known.
    """
    if isinstance(said, str):
        return _written(said, now, zone)
    if not isinstance(said, datetime):
        raise InputError(f"--by {said!r} is no time", hint=_HINT)
    return _moment(said, zone, str(said))


def _written(text: str, now: float, zone: tzinfo | None) -> float:
    match = _TIME.fullmatch(text.strip())
    if match is not None:
        return _next(int(match[1]), int(match[2]), now, _known(zone, text))
    try:
        there = datetime.fromisoformat(text.strip())
    except ValueError:
        there = None
    if there is None or len(text.strip()) <= len("2026-11-24"):
        raise InputError(f"--by {text} is no time", hint=_HINT)
    return _moment(there, zone, text)


def _moment(there: datetime, zone: tzinfo | None, text: str) -> float:
    return there.timestamp() if there.tzinfo is not None else moment(there, _known(zone, text))


def _known(zone: tzinfo | None, text: str) -> tzinfo:
    if zone is None:
        raise ZoneNeeded(
            f"--by {text} is a local time, and nothing says in which zone",
            hint='set TZ, or zone = "Europe/Berlin" in backburner.toml',
        )
    return zone


def _next(hour: int, minute: int, now: float, zone: tzinfo) -> float:
    today = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
    for day in range(2):
        there = (today + timedelta(days=day)).replace(hour=hour, minute=minute, second=0)
        at = moment(there.replace(microsecond=0), zone)
        if at > now:
            return at
    # Today's time lay before now, and tomorrow's cannot.
    raise AssertionError(f"{hour}:{minute:02d} does not come after {now}")


def moment(local: datetime, zone: tzinfo) -> float:
    """POSIX seconds of a local time, also of one that the clocks skip or show twice."""
    first = local.replace(tzinfo=zone, fold=0)
    at = first.timestamp()
    if datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0) == local.replace(fold=0):
        return at
    # Read by the clock from after the gap it lies before it, and the other way round.
    return _leap(local.replace(tzinfo=zone, fold=1).timestamp(), at, zone)


def _leap(before: float, after: float, zone: tzinfo) -> float:
    """The moment between two at which the clocks change."""
    old = _offset(before, zone)
    low, high = int(before), int(after)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == old:
            low = middle
        else:
            high = middle
    return float(high)


def _offset(at: float, zone: tzinfo) -> timedelta:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset() or timedelta()
