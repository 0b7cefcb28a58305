"""A window: when a lane may send, by a clock on a wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of days, in the order of `datetime.weekday`."""

MINUTES_A_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyWindow:
    """Opens and closes at local times of some days.

    Attributes:
        days: The days on which it opens; Monday is 0.
        opens: Minutes after midnight.
        closes: Minutes after midnight; of the next day, where it is not after `opens`.
    """

    days: tuple[int, ...]
    opens: int
    closes: int

    @property
    def minutes(self) -> int:
        """How long it is open on a day whose clock is not changed."""
        return (self.closes - self.opens - 1) % MINUTES_A_DAY + 1

    def in_words(self) -> str:
        """Such as `mon-fri 23:00-06:00`."""
        return f"{days_in_words(self.days)} {_time(self.opens)}-{_time(self.closes)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CronWindow:
    """Opens when a cron expression says, for a time.

    Attributes:
        seconds: How long it stays open.
    """

    cron: str
    seconds: int

    def in_words(self) -> str:
        """Such as `cron 0 23 * * 1-5 for 7h`."""
        hours, minutes = divmod(self.seconds // 60, 60)
        length = "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m")) if n)
        return f"cron {self.cron} for {length}"


Window = DailyWindow | CronWindow


@dataclass(frozen=True, slots=True)
class Opening:
    """One time that a window is open: from the first second to the one before `until`."""

    since: float
    until: float


def days_in_words(days: Sequence[int]) -> str:
    """Days as they are written in the file, such as `mon-fri` or `sat,sun`."""
    if len(days) == len(DAYS):
        return "every day"
    parts: list[list[int]] = []
    for day in sorted(days):
        if parts and parts[-1][-1] == day - 1:
            parts[-1].append(day)
        else:
            parts.append([day])
    return ",".join(_span(part) for part in parts)


def _span(part: Sequence[int]) -> str:
    if len(part) > 2:  # noqa: PLR2004  # two days are a list
        return f"{DAYS[part[0]]}-{DAYS[part[-1]]}"
    return ",".join(DAYS[day] for day in part)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
