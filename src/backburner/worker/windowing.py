"""A lane's windows as its step sees them, and making up for one that was missed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import Batch, BatchId
from backburner.nouns.lane import LaneTerms
from backburner.nouns.urgency import Urgency
from backburner.plan.lanes import Allowance, ReleaseAll, ReleaseDue
from backburner.plan.windows import missed, opening
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.waiting_batches import batches_hurry
from backburner.telemetry import WindowMissed
from backburner.worker.tools import Tools


@dataclass(frozen=True, slots=True)
class WindowNow:
    """Whether a lane may send now, and from when if not; None where no window opens any more."""

    is_open: bool
    opens_at: float | None


_ALWAYS: Final = WindowNow(is_open=True, opens_at=None)


def window_at(terms: LaneTerms, now: float) -> WindowNow:
    """How a lane's windows stand; one without any is always open."""
    if not terms.windows or terms.zone is None:
        return _ALWAYS
    found = opening(terms.windows, terms.zone, now)
    if found is None:
        return WindowNow(is_open=False, opens_at=None)
    return _ALWAYS if found.since <= now else WindowNow(is_open=False, opens_at=found.since)


def missed_until(
    terms: LaneTerms, seen_at: float | None, waiting: Iterable[Batch], now: float
) -> float | None:
    """When the last window closed in which something waited and nobody looked.

    Args:
        seen_at: When somebody last saw a window open.
    """
    since = [one.created_at for one in waiting if one.run and one.urgency == Urgency.WINDOW]
    if not terms.windows or terms.zone is None or not since:
        return None
    found = missed(terms.windows, terms.zone, seen_at=seen_at, waiting_since=min(since), now=now)
    return found.until if found is not None else None


def make_up(tools: Tools, lane: LaneRow, ids: Sequence[BatchId]) -> None:
    """Let batches go with the next: their window is over, and nobody was there.

    Raises:
        LeaseLost: Another worker has the lane.
    """
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        requests = batches_hurry(tx, ids)
    tools.emit(WindowMissed(lane=lane.name, batches=len(ids), requests=requests))


def seen_by(tools: Tools, lane: LaneRow, allowance: Allowance) -> dict[str, float]:
    """What a step notes of the window: that somebody who may send saw it open."""
    terms, now = tools.lane_terms(lane.name), tools.clock.now()
    may_send = isinstance(allowance, ReleaseAll | ReleaseDue)
    if not may_send or not terms.windows or not window_at(terms, now).is_open:
        return {}
    return {"window_seen_at": now}
