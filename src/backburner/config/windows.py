"""`windows` of a lane: days and local times."""

import re
from typing import Final

from backburner.config.table import ConfigTable
from backburner.nouns.window import DAYS, MINUTES_A_DAY, DailyWindow, Window

_TIME: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_EVERY: Final = frozenset({"", "daily", "every day", "all"})


def windows_of(lane: ConfigTable) -> tuple[Window, ...]:
    """The windows of a lane, as its table has them.

    Raises:
        ConfigError: One of them cannot be understood.
    """
    return tuple(_daily(one) for one in lane.rows("windows"))


def _daily(one: ConfigTable) -> DailyWindow:
    one.only(("days", "from", "until"))
    opens, closes = _minutes(one, "from"), _minutes(one, "until")
    if opens == MINUTES_A_DAY:
        raise one.wrong("from", "24:00", "a time at which a day begins to be open, such as 00:00")
    return DailyWindow(days=_days(one), opens=opens, closes=closes)


def _minutes(one: ConfigTable, key: str) -> int:
    text = one.text(key)
    match = _TIME.fullmatch(text.strip())
    minutes = int(match[1]) * 60 + int(match[2]) if match else MINUTES_A_DAY + 1
    if minutes > MINUTES_A_DAY:
        raise one.wrong(key, text, "a time such as 23:00")
    return minutes


def _days(one: ConfigTable) -> tuple[int, ...]:
    """Such as `mon-fri`, `sat,sun`, or a span over the end of the week."""
    text = one.text("days").strip().lower()
    if text in _EVERY:
        return tuple(range(len(DAYS)))
    days: set[int] = set()
    for part in re.split(r"[\s,]+", text):
        first, _, last = part.partition("-")
        begin, end = _day(one, text, first), _day(one, text, last or first)
        days.update((begin + n) % len(DAYS) for n in range((end - begin) % len(DAYS) + 1))
    return tuple(sorted(days))


def _day(one: ConfigTable, text: str, word: str) -> int:
    short = word[:3]
    if short not in DAYS or len(word) < len(short):
        raise one.wrong("days", text, "days such as mon-fri or sat,sun")
    return DAYS.index(short)
