"""Letting followers go once their leaders have ended."""

from collections.abc import Iterable, Sequence

from backburner.nouns.batch import Batch, Hold
from backburner.plan.caching.following import LeaderBatch, WaitingWave
from backburner.store import Transaction
from backburner.store.batches import batches_of_run
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.waiting_batches import batches_release_held
from backburner.telemetry import BatchFollows
from backburner.worker.tools import Tools


def waves(tx: Transaction, held: Iterable[Batch]) -> tuple[WaitingWave, ...]:
    """The runs of which some of these batches wait for their leaders."""
    runs = dict.fromkeys(one.run for one in held if one.hold == Hold.LEADERS and one.run)
    return tuple(WaitingWave(run=run, leaders=_leaders(tx, run)) for run in runs)


def _leaders(tx: Transaction, run: str) -> tuple[LeaderBatch, ...]:
    """A run's leaders: those of its batches that did not have to wait."""
    return tuple(_leader(one) for one in batches_of_run(tx, run) if one.hold != Hold.LEADERS)


def _leader(batch: Batch) -> LeaderBatch:
    sent_at = batch.sent_at if batch.sent_at is not None else batch.armed_at
    return LeaderBatch(state=batch.state, hold=batch.hold, sent_at=sent_at)


def let_follow(tools: Tools, lane: LaneRow, runs: Sequence[str], now: float) -> None:
    """Seal the followers of these runs; the lane's step releases them like any other batch."""
    released: list[Batch] = []
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        for run in runs:
            released += batches_release_held(tx, run, Hold.LEADERS, now)
    for one in released:
        tools.emit(BatchFollows(batch=one.id, run=one.run, requests=one.requests))
