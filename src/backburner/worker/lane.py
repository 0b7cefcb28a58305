"""A lane's step: seal the inbox, pack due retries, release what may go, list what is upstream."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from backburner.nouns.batch import FOR_BUDGET, QUEUED, Batch, BatchState, Via
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.actions import LaneStep
from backburner.plan.lanes import Allowance, LaneView, SealedBatch, lane_step
from backburner.plan.polling import fault_wait, jitter
from backburner.plan.sealing import Waiting
from backburner.store.batches import batches_where
from backburner.store.exceptions import exceptions_next_due
from backburner.store.inbox import inbox_waiting
from backburner.store.lanes import STOPPED, LaneRow, lane_rest
from backburner.store.promises import promise_next
from backburner.store.waiting_batches import batches_bring_forward
from backburner.telemetry import FaultSeen
from backburner.upstream import Answer, Page, Upstream
from backburner.worker.deleting import delete_collected
from backburner.worker.expiring import tell_expiring
from backburner.worker.following import let_follow, waves
from backburner.worker.forecasting import latest_releases
from backburner.worker.looking import Until, walk
from backburner.worker.looking_back import look_back
from backburner.worker.promises import note_misses
from backburner.worker.releasing import release
from backburner.worker.rescuing import rescue_promises
from backburner.worker.retrying import pack_retries
from backburner.worker.sealing import seal
from backburner.worker.stopping import stop_lane
from backburner.worker.times import posix
from backburner.worker.tools import Tools
from backburner.worker.windowing import make_up, missed_until, seen_by, window_at

_UNSENT: Final = (BatchState.SEALED, BatchState.HELD)


def step_lane(tools: Tools, lane: LaneRow, allowance: Allowance) -> None:
    """Do a lane's step under its lease."""
    now = tools.clock.now()
    late_at = rescue_promises(tools, lane)
    plan = lane_step(_view(tools, lane), allowance, now)
    if seal(tools, lane, plan.seal):
        plan = lane_step(_view(tools, lane), allowance, now)
    if plan.make_up:
        make_up(tools, lane, plan.make_up)
    packed = plan.pack_retries and pack_retries(tools, lane)
    if plan.follow:
        let_follow(tools, lane, plan.follow, now)
    if packed or plan.follow or plan.make_up:
        plan = lane_step(_view(tools, lane), allowance, now)
    again = _earliest(release(tools, lane, plan.release), late_at, delete_collected(tools, lane))
    if plan.look_back or plan.list_upstream:
        _look(tools, lane, plan, allowance, again)
        return
    note_misses(tools, lane)
    with tools.store.write() as tx:
        noted = seen_by(tools, lane, allowance)
        lane_rest(tx, lane, _earlier(plan.due_at, again), noted)


def _earliest(*times: float | None) -> float | None:
    return min((one for one in times if one is not None), default=None)


def _earlier(due_at: float, again: float | None) -> float:
    return due_at if again is None else min(due_at, again)


def _look(
    tools: Tools, lane: LaneRow, plan: LaneStep, allowance: Allowance, again: float | None
) -> None:
    """Look back and list as the step says, then rest until the next look."""
    now = tools.clock.now()
    upstream = tools.connect(lane.name)
    looked: dict[str, Any] = {}
    retry_after, ended = None, {}
    if plan.look_back:
        fault = look_back(tools, lane, upstream)
        if fault is not None:
            _put_off(tools, lane, fault)
            return
        looked["looked_back_at"] = now
    if plan.list_upstream:
        with tools.store.read() as tx:
            sent = batches_where(tx, [lane.name], [BatchState.SENT])
        tell_expiring(tools, lane, sent)
        seen = _list(tools, sent, upstream)
        if isinstance(seen, Fault):
            _put_off(tools, lane, seen)
            return
        looked["polled_at"], retry_after, ended = now, seen.retry_after, seen.ended
    note_misses(tools, lane, ended)
    view = _view(tools, replace(lane, **looked), retry_after)
    with tools.store.write() as tx:
        due_at = _earlier(lane_step(view, allowance, now).due_at, again)
        lane_rest(tx, lane, due_at, looked | seen_by(tools, lane, allowance))


def _put_off(tools: Tools, lane: LaneRow, fault: Fault) -> None:
    tools.emit(FaultSeen(lane=lane.name, call="list", batch=None, fault=fault))
    note_misses(tools, lane)
    due_at = tools.clock.now() + fault_wait(
        lane.faults, fault.retry_after, jitter(f"{tools.owner} {lane.name}")
    )
    with tools.store.write() as tx:
        lane_rest(tx, lane, due_at, faults=lane.faults + 1)
    if fault.kind is FaultKind.STOP:
        raise stop_lane(tools, lane.name, fault)


def _view(tools: Tools, lane: LaneRow, retry_after: float | None = None) -> LaneView:
    with tools.store.read() as tx:
        batches = batches_where(tx, [lane.name], [*_UNSENT, *QUEUED])
        unsent = [one for one in batches if one.state in _UNSENT]
        away = [one for one in batches if one.state not in _UNSENT]
        sent = [one for one in away if one.state is BatchState.SENT]
        waiting = waves(tx, [one for one in unsent if one.state is BatchState.HELD])
        retry_due_at = exceptions_next_due(tx, lane.name)
        inbox = tuple(
            Waiting(urgency=urgency, due_at=due_at)
            for urgency, _, due_at in inbox_waiting(tx, lane.name)
        )
        deadline = promise_next(tx, lane.name, tools.clock.now())
    terms, now = tools.lane_terms(lane.name), tools.clock.now()
    window = window_at(terms, now)
    latest = latest_releases(tools, lane.name, unsent)
    return LaneView(
        sealed=tuple(
            _sealed(one, latest.get(one.id))
            for one in unsent
            if one.state is BatchState.SEALED or one.hold in FOR_BUDGET
        ),
        in_flight=tuple(
            one.sent_at for one in sent if one.sent_at is not None and one.via is Via.BATCH
        ),
        retry_due_at=retry_due_at,
        polled_at=lane.polled_at,
        looked_back_at=lane.looked_back_at,
        retry_after=retry_after,
        jitter=jitter(f"{tools.owner} {lane.name}"),
        is_stopped=lane.state == STOPPED,
        waves=waiting,
        inbox=inbox,
        deadline=deadline,
        window_is_open=window.is_open,
        window_opens_at=window.opens_at,
        missed_until=missed_until(terms, lane.window_seen_at, unsent, now),
        queue_limit=terms.queue_limit,
        queued=sum(one.requests for one in away if one.via is not Via.DIRECT),
    )


def _sealed(one: Batch, latest_at: float | None) -> SealedBatch:
    return SealedBatch(
        id=one.id,
        run=one.run,
        due_at=one.due_at,
        hold=one.hold,
        via=one.via,
        requests=one.requests,
        urgency=one.urgency,
        deadline=one.deadline,
        latest_at=latest_at,
        created_at=one.created_at,
    )


@dataclass(frozen=True, slots=True)
class _Listed:
    """The list was read.

    Attributes:
        retry_after: What the upstream asked to wait with that.
        ended: When those of ours ended that it showed so.
    """

    retry_after: float | None
    ended: dict[str, float | None]


def _list(tools: Tools, sent: Iterable[Batch], upstream: Upstream) -> Fault | _Listed:
    """Bring forward what has ended, or is no longer listed."""
    ours = _by_upstream_id(sent)
    ended: dict[str, float | None] = {}
    retry_after: float | None = None

    def turned(page: Answer[Page]) -> None:
        nonlocal retry_after
        retry_after = page.retry_after

    for remote in walk(upstream, Until(), turned) if ours else ():
        if isinstance(remote, Fault):
            return remote
        listed = ours.pop(remote.id, None)
        if listed is not None and remote.has_ended:
            ended[remote.id] = posix(remote.ended_at)
        if not ours:
            break
    if ended or ours:
        with tools.store.write() as tx:
            batches_bring_forward(tx, [*ended, *ours], tools.clock.now())
    return _Listed(retry_after, ended)


def _by_upstream_id(batches: Iterable[Batch]) -> dict[str, Batch]:
    return {one.upstream_id: one for one in batches if one.upstream_id is not None}
