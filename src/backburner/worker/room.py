"""Waiting for room upstream: for an own batch to end, for a while, or in two halves."""

from backburner.nouns.batch import Batch, BatchState, Hold, Via
from backburner.nouns.fault import Fault
from backburner.plan.admission import AwaitRoom, Halve, after_throttle
from backburner.plan.polling import fault_wait
from backburner.store.batches import batches_where
from backburner.store.claimed_batches import batch_move
from backburner.store.lanes import lane_wake
from backburner.store.waiting_batches import batches_call_back
from backburner.telemetry import FaultSeen
from backburner.worker.halving import halve
from backburner.worker.tools import Tools


def wait_for_room(tools: Tools, batch: Batch, fault: Fault) -> None:
    """Put a batch off whose create was refused for now; it was not an attempt.

    The lane's other batches would be refused alike, each after a whole upload: they wait too, and
    the oldest is tried first.
    """
    now = tools.clock.now()
    due_at = now + fault_wait(batch.faults, fault.retry_after)
    with tools.store.write() as tx:
        sent = batches_where(tx, [batch.lane], [BatchState.SENT])
        away = any(one.via is Via.BATCH for one in sent)
        refusals = 0 if away else batch.faults + 1
        follows = after_throttle(
            fault, requests=batch.requests, refusals=refusals, others_away=away
        )
        hold = Hold.ROOM if isinstance(follows, AwaitRoom) else None
        changes = {"due_at": due_at, "lease_until": 0.0, "faults": refusals, "hold": hold}
        sealed = batch_move(tx, batch, BatchState.SEALED, changes)
        # Direct calls have limits of their own, and take no room in the queue.
        batches_call_back(tx, batch.lane, via=Via.BATCH, due_at=due_at, hold=hold, free_since=now)
        lane_wake(tx, batch.lane, now)
    tools.emit(FaultSeen(lane=batch.lane, call="create", batch=batch.id, fault=fault))
    if isinstance(follows, Halve):
        halve(tools, sealed)
