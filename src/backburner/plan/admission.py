"""Admission: what to do when the upstream takes no more for now.

A create is refused with 429 for the calls of a minute as for a full queue of requests, and no field
tells which. The queue empties as our own batches end; so while one is under way, waiting for it is
right in both cases. With none under way, the batch may be larger than the queue will ever take.

Source: platform.claude.com api/rate-limits (batch limits by tier), 2026-08-22.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import Hold
from backburner.nouns.fault import Fault

LONGEST_WAIT: Final = 600.0
"""Seconds that a batch waits for another to end, at most: the queue empties before that."""

_HALVE_AFTER: Final = 3
_RAMP: Final = "ramp_limit_exceeded"
"""The code of a 429 that is certainly not for the queue, but for growing too fast.

Source: anthropic 2.12.0, error codes.
"""


@dataclass(frozen=True, slots=True)
class AwaitRoom:
    """Wait until another batch of the lane ends."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """Wait a while, and try the whole again."""


@dataclass(frozen=True, slots=True)
class Halve:
    """Make two batches of it: it may be larger than the queue."""


Admission = AwaitRoom | TryLater | Halve


def after_throttle(fault: Fault, *, requests: int, refusals: int, others_away: bool) -> Admission:
    """What follows from a create that was refused for now.

    Args:
        refusals: How often in a row the batch was refused with none of its lane under way, this
            time included.
        others_away: Whether another batch of the lane is under way upstream.
    """
    if fault.code == _RAMP:
        return TryLater()
    if others_away:
        return AwaitRoom()
    return Halve() if requests > 1 and refusals >= _HALVE_AFTER else TryLater()


def fitting(sizes: Iterable[int], *, limit: int, queued: int) -> int:
    """How many of the next batches the lane's own limit has room for.

    They go in their order, so that a large one is not overtaken for ever. One that is larger than
    the limit goes alone.

    Args:
        sizes: The requests of each.
        queued: Requests that are with the upstream, or on their way.
    """
    count = 0
    for size in sizes:
        if queued and queued + size > limit:
            break
        queued += size
        count += 1
    return count


def goes_at(due_at: float, hold: str | None, *, others_away: bool) -> float:
    """When a sealed batch may be tried."""
    return due_at + LONGEST_WAIT if hold == Hold.ROOM and others_away else due_at
