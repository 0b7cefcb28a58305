"""`windows` of a lane: days and local times, or a cron expression and a length."""

import re
from typing import Final

from backburner.config.table import ConfigTable
from backburner.nouns.window import DAYS, MINUTES_A_DAY, CronWindow, DailyWindow, Window
from backburner.plan.windows import never_opens

_TIME: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_LENGTH: Final = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?")
_EVERY: Final = frozenset({"", "daily", "every day", "all"})


def windows_of(lane: ConfigTable) -> tuple[Window, ...]:
    """The windows of a lane, as its table has them.

    Raises:
        ConfigError: One of them cannot be understood.
    """
    return tuple(_window(one) for one in lane.rows("windows"))


def _window(one: ConfigTable) -> Window:
    return _by_cron(one) if "cron" in one.values else _daily(one)


def _by_cron(one: ConfigTable) -> CronWindow:
    one.only(("cron", "length"))
    cron, length = one.text("cron"), one.text("length")
    wrong = never_opens(cron)
    if wrong is not None:
        raise one.wrong("cron", cron, f"a cron expression such as 0 23 * * 1-5 ({wrong})")
    match = _LENGTH.fullmatch(length.replace(" ", ""))
    hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0)
    if not hours and not minutes:
        raise one.wrong("length", length, "a time such as 7h, 90m or 1h30m")
    return CronWindow(cron=" ".join(cron.split()), seconds=(hours * 60 + minutes) * 60)


def _daily(one: ConfigTable) -> DailyWindow:
    one.only(("days", "from", "until", "cron", "length"))
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
