"""Windows as times of cron, for whoever runs by cron instead of a worker."""

from collections.abc import Sequence
from typing import Final

from backburner.nouns.window import DAYS, CronWindow, DailyWindow, Window

NIGHTLY: Final = "0 23 * * *"
"""When a lane without windows sends, where a person names nothing else."""

COLLECTING: Final = "*/10 * * * *"
"""How often what has ended is collected."""


def opening_times(windows: Sequence[Window]) -> tuple[str, ...]:
    """When windows open, each as the five fields of a cron line."""
    return tuple(dict.fromkeys(map(_opening_time, windows))) or (NIGHTLY,)


def _opening_time(window: Window) -> str:
    match window:
        case CronWindow():
            return window.cron
        case DailyWindow():
            hour, minute = divmod(window.opens, 60)
            return f"{minute} {hour} * * {_days(window.days)}"


def _days(days: Sequence[int]) -> str:
    """Days by cron's numbers, in which Monday is 1 and Sunday 0."""
    if len(set(days)) == len(DAYS):
        return "*"
    return ",".join(str(day) for day in sorted((day + 1) % len(DAYS) for day in set(days)))
