"""When followers may go: after their leaders have ended, or when waiting helps no more."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import BatchState, Hold
from backburner.plan.caching.cadence import LONGEST_GAP

LOOK_AGAIN: Final = 600.0
"""Seconds after which a lane looks at waiting followers anew, should nothing wake it."""

_OVER: Final = frozenset({BatchState.ENDED, BatchState.DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderBatch:
    """A batch of leaders, as far as its followers care.

    Attributes:
        sent_at: When it was sent, or may have been.
    """

    state: BatchState
    hold: str | None
    sent_at: float | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it: an entry is there, or never will be."""
        return self.state in _OVER or (self.state is BatchState.HELD and self.hold == Hold.PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingWave:
    """A run whose followers wait for its leaders."""

    run: str
    leaders: tuple[LeaderBatch, ...]


def goes_on_at(leaders: Iterable[LeaderBatch], now: float) -> float | None:
    """When followers may go: now, at a later time, or None where no leader was sent yet.

    They go when all leaders are over. They go at the latest when the first entry may be about to
    die: an hour after its leader was sent, less a margin. Whoever waits longer has nothing to read;
    the marks stay as they are, since the entries of leaders that end late are still new.
    """
    every = list(leaders)
    if all(one.is_over for one in every):
        return now
    sent = [one.sent_at for one in every if one.sent_at is not None]
    return min(sent) + LONGEST_GAP if sent else None
