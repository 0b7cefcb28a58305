"""Asking how a sent batch stands, and passing on a wish to cancel it."""

from typing import Any

from backburner.nouns.batch import Batch, BatchState, Hold
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.polling import is_gone, poll_wait
from backburner.store.batches import batches_held
from backburner.store.claimed_batches import batch_move, batch_rest
from backburner.store.lanes import lane_wake
from backburner.store.waiting_batches import batches_end_hold
from backburner.telemetry import BatchCanceled, BatchEnded
from backburner.upstream import RemoteBatch, Upstream
from backburner.worker.putting_off import put_off
from backburner.worker.times import posix
from backburner.worker.tools import Tools

_CANCEL_POLL = 2.0
_IN_PROGRESS = "in_progress"


def ask(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Look at a sent batch: it has ended, is to be canceled, or rests."""
    answer = upstream.retrieve(batch.upstream_id or "")
    now = tools.clock.now()
    if isinstance(answer, Fault):
        # Only an ended batch can be deleted; collecting tells for certain whether it was.
        age = now - (batch.sent_at or now)
        if answer.kind is FaultKind.ABSENT and is_gone(batch.faults, age):
            _ended(tools, batch, now, None)
        else:
            put_off(tools, batch, answer, "retrieve")
        return
    if answer.value.has_ended:
        _ended(tools, batch, now, _turnaround(answer.value))
        return
    if answer.value.processing_status == _IN_PROGRESS and batch.cancel_asked_at is not None:
        _cancel(tools, batch, upstream)
        return
    wait = poll_wait(now - (batch.sent_at or now), answer.retry_after)
    with tools.store.write() as tx:
        batch_rest(tx, batch, now + wait, faults=0)


def _turnaround(remote: RemoteBatch) -> float | None:
    """How long it took, by the clock of whoever did it: we may have looked much later."""
    created, ended = posix(remote.created_at), posix(remote.ended_at)
    return None if created is None or ended is None else max(ended - created, 0.0)


def _ended(tools: Tools, batch: Batch, now: float, turnaround: float | None) -> None:
    changes: dict[str, Any] = {"ended_at": now, "turnaround": turnaround}
    changes |= {"due_at": now, "lease_until": 0.0, "faults": 0}
    with tools.store.write() as tx:
        batch_move(tx, batch, BatchState.ENDED, changes)
        leads = bool(batch.run and batches_held(tx, batch.run, Hold.LEADERS))
        waits_for_room = batches_end_hold(tx, batch.lane, Hold.ROOM) or leads
        if waits_for_room or tools.lane_terms(batch.lane).queue_limit is not None:
            lane_wake(tx, batch.lane, now)
    tools.emit(BatchEnded(batch=batch.id, run=batch.run, upstream_id=batch.upstream_id or ""))


def _cancel(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    answer = upstream.cancel(batch.upstream_id or "")
    if isinstance(answer, Fault) and answer.kind is not FaultKind.REFUSED:
        put_off(tools, batch, answer, "cancel")
        return
    with tools.store.write() as tx:
        batch_rest(tx, batch, tools.clock.now() + _CANCEL_POLL)
    tools.emit(BatchCanceled(batch=batch.id, run=batch.run, upstream_id=batch.upstream_id or ""))
