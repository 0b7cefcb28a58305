"""Deleting batches upstream whose results are booked here, and making sure that they are gone."""

from typing import Final

from backburner.nouns.batch import Batch
from backburner.nouns.fault import Fault, FaultKind
from backburner.nouns.outcome import CODES, Outcome
from backburner.plan.polling import fault_wait
from backburner.store.attempts import attempts_missing
from backburner.store.batches import batch_outcomes
from backburner.store.lanes import LaneRow, lane_get, lane_wake
from backburner.store.pruning import batch_deleted, batches_to_delete
from backburner.telemetry import BatchDeleted, FaultSeen
from backburner.upstream import Upstream
from backburner.vault.frames import unpack
from backburner.worker.tools import Tools
from backburner.worker.workspaces import check_workspace

_AT_ONCE: Final = 20
"""Batches that are deleted in one step, so that others have their turn."""

_AGAIN: Final = 60.0
"""Seconds after which one that is still there is deleted once more."""


def wake_to_delete(tools: Tools, batch: Batch) -> None:
    """Have the lane delete a batch that was just collected."""
    if tools.terms.retention.delete_after_collect:
        with tools.store.write() as tx:
            lane_wake(tx, batch.lane, tools.clock.now())


def delete_collected(tools: Tools, lane: LaneRow) -> float | None:
    """Delete what is collected upstream, if that is wanted; gives when there is more to do.

    Only batches that we made go, and only such of which every line was read: where a line is
    missing, the upstream has the only evidence.
    """
    if not tools.terms.retention.delete_after_collect:
        return None
    with tools.store.read() as tx:
        collected = batches_to_delete(tx, lane.name)
        whole = [
            one
            for one in collected
            if not unpack(batch_outcomes(tx, one.id) or b"").count(CODES[Outcome.MISSING])
            and not attempts_missing(tx, one.id)
        ]
    if not whole:
        return None
    upstream = tools.connect(lane.name)
    for batch in whole[:_AT_ONCE]:
        fault = _delete(tools, batch, upstream)
        if fault is not None:
            tools.emit(FaultSeen(lane=lane.name, call="delete", batch=batch.id, fault=fault))
            return tools.clock.now() + max(_AGAIN, fault_wait(lane.faults, fault.retry_after))
    return tools.clock.now() if len(whole) > _AT_ONCE else None


def delete_left(tools: Tools, lane: str) -> None:
    """The same at the end of a run, for whoever comes back no more.

    It needs no lease: what somebody else has deleted is only noted.
    """
    with tools.store.read() as tx:
        row = lane_get(tx, lane)
    if row is not None:
        delete_collected(tools, row)


def _delete(tools: Tools, batch: Batch, upstream: Upstream) -> Fault | None:
    """Delete one, and note it once the upstream does not know it any more."""
    upstream_id = batch.upstream_id or ""
    fault = upstream.delete(upstream_id)
    if fault is not None and fault.kind is not FaultKind.ABSENT:
        return fault
    if fault is not None:
        # A key that acts in another workspace finds nothing either.
        page = upstream.page(limit=1)
        if isinstance(page, Fault):
            return page
        check_workspace(tools, batch.lane, page.workspace)
    left = upstream.retrieve(upstream_id)
    if not isinstance(left, Fault):
        return Fault(kind=FaultKind.REFUSED, what=f"{upstream_id} is still there after its delete")
    if left.kind is not FaultKind.ABSENT:
        return left
    with tools.store.write() as tx:
        batch_deleted(tx, batch.id, tools.clock.now())
    tools.emit(BatchDeleted(batch=batch.id, run=batch.run, upstream_id=upstream_id))
    return None
