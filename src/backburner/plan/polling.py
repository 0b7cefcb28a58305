"""Polling: when to ask next."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

_SHORTEST: Final = 1.0
_LONGEST: Final = 60.0
_SHARE_OF_AGE: Final = 0.25
_BACKOFF_BASE: Final = 2.0
_SPREAD: Final = 0.2
"""The share by which looks of different installations part, so that they do not come together."""

_ABSENT_TIMES: Final = 5
_ABSENT_AGE: Final = 3600.0


def poll_wait(age: float, retry_after: float | None = None) -> float:
    """Seconds until a batch of this age is asked about again.

    A quarter of its age, 1 to 60 s, and never less than the upstream asked for: a young batch may
    be done at once, an old one loses little by waiting a minute more.
    """
    wait = min(max(age * _SHARE_OF_AGE, _SHORTEST), _LONGEST)
    return max(wait, retry_after or 0.0)


def jitter(seed: str) -> float:
    """A share from 0 to 1 that looks like chance, and is the same for the same seed."""
    return int.from_bytes(sha256(seed.encode()).digest()[:4]) / 2**32


def next_poll(
    sent_at: Iterable[float],
    polled_at: float | None,
    retry_after: float | None = None,
    share: float = 0.0,
) -> float | None:
    """When to list the batches in flight; None when none is.

    The youngest sets the pace, counted from the last look or from its sending; a stream of new
    ones cannot put the look off for more than a minute.

    Args:
        share: The jitter: up to a fifth earlier, but never earlier than the upstream asked for.
    """
    sooner = 1 - _SPREAD * share
    times = sorted(sent_at)
    if not times:
        return None
    last_look = times[0] if polled_at is None else polled_at
    youngest = times[-1]
    base = max(last_look, youngest)
    due = min(base + poll_wait(base - youngest) * sooner, last_look + _LONGEST * sooner)
    return max(due, last_look + (retry_after or 0.0) * (1 + _SPREAD * share))


def fault_wait(faults: int, retry_after: float | None = None, share: float = 0.0) -> float:
    """Seconds to wait after so many failed calls in a row, 1 to 60 s, or longer if told so.

    Args:
        share: The jitter: up to a fifth longer.
    """
    wait = min(_BACKOFF_BASE ** min(faults, 10), _LONGEST)
    return max(wait, retry_after or 0.0) * (1 + _SPREAD * share)


def is_gone(faults: int, age: float) -> bool:
    """Whether something that should be upstream is believed to be gone: absent often, for long.

    Args:
        faults: Failed calls in a row before this one.
        age: Seconds since it must have been there. What is new may not be shown for minutes.
    """
    return faults + 1 >= _ABSENT_TIMES and age >= _ABSENT_AGE
