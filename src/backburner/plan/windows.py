"""Windows in time: when a lane is open, across nights on which the clock is changed.

A window opens once for each time that it names, whatever the clock does:

* A time in the **gap** (the hour that is skipped in spring) counts as the first moment after it. A
  window that lies in the gap as a whole opens there, and stays open for as long as on other days.
* A time in the **overlap** (the hour that comes twice in autumn) opens at its first coming and
  closes at its second.
* A cron expression with a fixed hour follows the same rule, and its length is counted in real time;
  one with a star for its minute or hour follows real time, as in Debian's cron.

Source: healthchecks/cronsim 2.8, README (Debian's cron, DST), read 2026-11-23.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from backburner.nouns.window import CronWindow, DailyWindow, Opening, Window

_LONGEST: Final = 8 * 24 * 3600.0
"""Seconds after which an opening is given as it is, though the next may follow without a gap: a
lane may be open all week."""

_LOOK_BACK: Final = 2
"""Days: a window that opened the day before yesterday can still be open, on a day of 25 hours."""

_CRON_FIELDS: Final = 5
_ANY_DAY: Final = datetime(2027, 1, 1, tzinfo=UTC)


def openings(windows: Sequence[Window], zone: str, since: float) -> Iterator[Opening]:
    """The times that any of the windows is open, from the one open at `since` on, in order.

    Those that touch or overlap are one. It never ends, unless no window opens any more.
    """
    where = ZoneInfo(zone)
    every = [_openings(window, where, since) for window in windows]
    yield from _joined(merge(*every, key=lambda one: one.since))


def opening(windows: Sequence[Window], zone: str, at: float) -> Opening | None:
    """The opening at a time, or the next one after it; None where no window opens any more."""
    return next(openings(windows, zone, at), None)


def missed(
    windows: Sequence[Window], zone: str, *, seen_at: float | None, waiting_since: float, now: float
) -> Opening | None:
    """The last opening that is over, that something waited for, and that nobody saw.

    Args:
        seen_at: When somebody last saw a window open.
    """
    last = None
    for one in openings(windows, zone, waiting_since):
        if one.until > now:
            break
        if seen_at is None or one.since > seen_at:
            last = one
    return last


def next_openings(
    windows: Sequence[Window], zone: str, at: float, count: int
) -> tuple[Opening, ...]:
    """The next few openings, the present one included."""
    return tuple(islice(openings(windows, zone, at), count))


def never_opens(cron: str) -> str | None:
    """What is wrong with a cron expression, in words; None where it is sound."""
    if len(cron.split()) != _CRON_FIELDS:
        return "five fields: minute, hour, day of the month, month, day of the week"
    try:
        found = next(iter(CronSim(cron, _ANY_DAY)), None)
    except CronSimError as error:
        return str(error).lower()
    return None if found is not None else "a day that comes"


def _openings(window: Window, zone: ZoneInfo, since: float) -> Iterator[Opening]:
    match window:
        case DailyWindow():
            every = _daily(window, zone, since)
        case CronWindow():
            every = _by_cron(window, zone, since)
    return (one for one in every if one.until > since)


def _daily(window: DailyWindow, zone: ZoneInfo, since: float) -> Iterator[Opening]:
    day = datetime.fromtimestamp(since, zone).date() - timedelta(days=_LOOK_BACK)
    while True:
        if day.weekday() in window.days:
            yield _on_day(window, zone, day)
        day += timedelta(days=1)


def _on_day(window: DailyWindow, zone: ZoneInfo, day: date) -> Opening:
    last = day if window.closes > window.opens else day + timedelta(days=1)
    opens = _moment(day, window.opens, zone, fold=0)
    closes = _moment(last, window.closes, zone, fold=1)
    if closes <= opens:
        # The gap swallowed it.
        closes = opens + window.minutes * 60.0
    return Opening(opens, closes)


def _moment(day: date, minutes: int, zone: ZoneInfo, *, fold: int) -> float:
    """A local time of a day in POSIX seconds; of one that is skipped, the moment after the gap."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001  # what a clock on the wall says
    while _is_skipped(wall, zone):
        wall += timedelta(minutes=1)
        fold = 0
    return wall.replace(tzinfo=zone, fold=fold).timestamp()


def _is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) != wall


def _by_cron(window: CronWindow, zone: ZoneInfo, since: float) -> Iterator[Opening]:
    # It gives what comes after a time: a second earlier, so that an end at `since` is no matter.
    before = datetime.fromtimestamp(since - window.seconds - 1, zone)
    for each in CronSim(window.cron, before):
        at = each.timestamp()
        yield Opening(at, at + window.seconds)


def _joined(every: Iterable[Opening]) -> Iterator[Opening]:
    present: Opening | None = None
    for one in every:
        if present is None:
            present = one
        elif one.since <= present.until and present.until - present.since < _LONGEST:
            present = Opening(present.since, max(present.until, one.until))
        else:
            yield present
            present = one
    if present is not None:
        yield present
