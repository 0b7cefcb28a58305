"""Urgency: when a request has to travel, and by when its answer was promised."""

from dataclasses import dataclass
from enum import StrEnum

from backburner.nouns.batch import Via


class Urgency(StrEnum):
    """How soon somebody needs an answer.

    `now` is asked sync, at full price, since somebody waits. `soon` goes with the next batch,
    whatever the lane's windows. `window` waits for the lane's next window; a lane without windows
    is always open. `deadline` has a time by which the answer is there, from which follows when it
    travels.
    """

    NOW = "now"
    SOON = "soon"
    WINDOW = "window"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a run or a ticket has to travel.

    Attributes:
        deadline: POSIX seconds by which its answers were promised; None where nothing was.
        rescue: What may be spent at most on asking sync for what would be late, in picodollars
            beyond the run's budget; None where nothing may.
    """

    urgency: Urgency = Urgency.WINDOW
    deadline: float | None = None
    rescue: int | None = None


def via_of(urgency: str) -> Via:
    """How a request of an urgency travels at first, by which its price goes."""
    return Via.DIRECT if urgency == Urgency.NOW else Via.BATCH
