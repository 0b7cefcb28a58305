"""Counts, sizes, spans and times, as a person reads them."""

from datetime import UTC, datetime, tzinfo
from typing import Final

from backburner.nouns.moments import clock_time
from backburner.nouns.money import Money

_MEGABYTE: Final = 1_000_000
_DAY: Final = 86400

_zone: tzinfo | None = None


def many(count: int, noun: str) -> str:
    """A count with its noun: `1 batch`, `2,000 requests`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('ch') else 's'}"


def either(count: int, one: str, several: str) -> str:
    """A word by a count: `waits` of one, `wait` of several."""
    return one if count == 1 else several


def price(amount: Money | None) -> str:
    """An amount, or that it is not known."""
    return "unknown" if amount is None else amount.show()


def size(count: int) -> str:
    """Bytes: `0.3 MB`, `64 MB`."""
    if count < _MEGABYTE // 10:
        return f"{max(count, 100) / 1000:.1f} kB"
    return f"{count / _MEGABYTE:,.1f} MB"


def show_times_in(zone: tzinfo | None) -> None:
    """Show the times of this process in a zone from now on; in the machine's if None."""
    global _zone  # noqa: PLW0603  # a process shows all times in one zone, threads and all
    _zone = zone


def local(at: float) -> datetime:
    """POSIX seconds as local time."""
    return datetime.fromtimestamp(at, UTC).astimezone(_zone)


def when(at: float, now: float) -> str:
    """A time, no longer than it must be: `22:41`, `Tue 09:14`, `2026-11-22 09:14`."""
    return clock_time(at, now, _zone)


def outcomes(counts: "dict[str, int]") -> str:
    """Counts by outcome: `1,999 ok, 1 refused`."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
