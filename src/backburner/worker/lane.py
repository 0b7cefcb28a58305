"""A lane's step: pack due retries, release what may go, list what is upstream."""

from dataclasses import dataclass, replace

from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.lanes import Allowance, LaneView, SealedBatch, lane_step
from backburner.plan.polling import fault_wait
from backburner.store.batches import batches_bring_forward, batches_release, batches_where
from backburner.store.exceptions import exceptions_next_due
from backburner.store.lanes import LaneRow, lane_fence, lane_rest
from backburner.telemetry import FaultSeen
from backburner.upstream import Upstream
from backburner.worker.retrying import pack_retries
from backburner.worker.stopping import stop_lane
from backburner.worker.tools import Tools

_PAGE = 1000
_ENDED = "ended"


def step_lane(tools: Tools, lane: LaneRow, allowance: Allowance) -> None:
    """Do a lane's step under its lease."""
    now = tools.clock.now()
    plan = lane_step(_view(tools, lane), allowance, now)
    if plan.pack_retries and pack_retries(tools, lane):
        plan = lane_step(_view(tools, lane), allowance, now)
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        batches_release(tx, plan.release, now)
    if not plan.list_upstream:
        _rest(tools, lane, plan.due_at, polled_at=lane.polled_at)
        return
    seen = _list(tools, lane, tools.connect(lane.name))
    if isinstance(seen, Fault):
        _put_off(tools, lane, seen)
        return
    view = replace(_view(tools, lane, polled_at=now), retry_after=seen.retry_after)
    plan = lane_step(view, allowance, now)
    _rest(tools, lane, plan.due_at, polled_at=now)


def _put_off(tools: Tools, lane: LaneRow, fault: Fault) -> None:
    tools.emit(FaultSeen(lane=lane.name, call="list", batch=None, fault=fault))
    due_at = tools.clock.now() + fault_wait(lane.faults, fault.retry_after)
    _rest(tools, lane, due_at, polled_at=lane.polled_at, faults=lane.faults + 1)
    if fault.kind is FaultKind.STOP:
        raise stop_lane(tools, lane.name, fault)


def _rest(
    tools: Tools, lane: LaneRow, due_at: float, *, polled_at: float | None, faults: int = 0
) -> None:
    with tools.store.write() as tx:
        lane_rest(tx, lane, due_at, polled_at=polled_at, faults=faults)


def _view(tools: Tools, lane: LaneRow, polled_at: float | None = None) -> LaneView:
    with tools.store.read() as tx:
        sealed = batches_where(tx, [lane.name], [BatchState.SEALED])
        sent = batches_where(tx, [lane.name], [BatchState.SENT])
        retry_due_at = exceptions_next_due(tx, lane.name)
    return LaneView(
        sealed=tuple(SealedBatch(id=one.id, run=one.run, due_at=one.due_at) for one in sealed),
        in_flight=tuple(one.sent_at for one in sent if one.sent_at is not None),
        retry_due_at=retry_due_at,
        polled_at=polled_at or lane.polled_at,
    )


@dataclass(frozen=True, slots=True)
class _Listed:
    """The list was read; `retry_after` is what the upstream asked to wait with that."""

    retry_after: float | None


def _list(tools: Tools, lane: LaneRow, upstream: Upstream) -> Fault | _Listed:
    """Bring forward what has ended, or is no longer listed."""
    with tools.store.read() as tx:
        ours = _by_upstream_id(batches_where(tx, [lane.name], [BatchState.SENT]))
    ready: list[str] = []
    after: str | None = None
    retry_after: float | None = None
    while ours:
        answer = upstream.page(limit=_PAGE, after=after)
        if isinstance(answer, Fault):
            return answer
        for remote in answer.value.data:
            listed = ours.pop(remote.id, None)
            if listed is not None and remote.processing_status == _ENDED:
                ready.append(remote.id)
        retry_after = answer.retry_after
        after = answer.value.last_id
        if not answer.value.has_more or after is None:
            break
    with tools.store.write() as tx:
        batches_bring_forward(tx, [*ready, *ours], tools.clock.now())
    return _Listed(retry_after)


def _by_upstream_id(batches: list[Batch]) -> dict[str, Batch]:
    return {one.upstream_id: one for one in batches if one.upstream_id is not None}
