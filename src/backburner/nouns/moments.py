"""Moments as people say them."""

from datetime import UTC, datetime, tzinfo
from typing import Final

_NEAR: Final = 6 * 86_400.0
"""Seconds within which a day of the week names one day."""


def clock_time(at: float, now: float, zone: tzinfo | None) -> str:
    """A time, no longer than it must be: `23:00`, `Tue 23:00`, `2026-11-22 23:00`.

    Args:
        at: POSIX seconds.
        now: When it is said.
        zone: Whose clock is meant; the machine's own if None.
    """
    there, here = (datetime.fromtimestamp(one, UTC).astimezone(zone) for one in (at, now))
    if there.date() == here.date():
        return f"{there:%H:%M}"
    return f"{there:%a %H:%M}" if abs(at - now) < _NEAR else f"{there:%Y-%m-%d %H:%M}"
