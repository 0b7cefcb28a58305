"""Rescuing promises: what a batch would bring too late is recalled, and asked directly.

A batch is canceled first, and its end waited for: what it answered is kept, and only the rest is
asked again. So no request is ever in a batch and asked directly at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backburner.nouns.batch import Batch, BatchId, BatchState, Via
from backburner.nouns.budget import BudgetMode, rescue_scope
from backburner.nouns.run import Run
from backburner.plan.rescuing import (
    Pace,
    RescueView,
    Rest,
    cancel_seconds,
    first_look,
    last_moment,
    rescue,
)
from backburner.store import Transaction
from backburner.store.batches import batch_get, batches_of_run
from backburner.store.budgets import budgets_in, reserve
from backburner.store.exceptions import batches_shared
from backburner.store.lanes import STOPPED, LaneRow, lane_fence
from backburner.store.outbox import outbox_counted
from backburner.store.rescues import (
    batch_redirect,
    calls_measured,
    exceptions_redirect,
    exceptions_waiting,
    is_unsent,
    longest_cancel,
    rescue_considered,
    rescue_open,
    rescue_pass_over,
    runs_to_rescue,
)
from backburner.store.runs import run_update
from backburner.store.waiting_batches import batches_ask_cancel
from backburner.telemetry import RescueShort, RescueStarted
from backburner.worker.releasing import release
from backburner.worker.tools import Tools
from backburner.worker.weighing import weighed


@dataclass(frozen=True, slots=True)
class _Open:
    """What of a run is open: as the plan sees it, and the batches themselves."""

    view: RescueView
    batches: dict[BatchId, Batch]
    waiting: int
    unasked: tuple[BatchId, ...]


def rescue_promises(tools: Tools, lane: LaneRow) -> float | None:
    """Give up what would be late, as far as it may cost; when to look again, if that is known.

    Raises:
        LeaseLost: Another worker has the lane.
    """
    if lane.state == STOPPED:
        return None
    now = tools.clock.now()
    with tools.store.read() as tx:
        looks = [(run, _first_look(tools, run)) for run in runs_to_rescue(tx, lane.name)]
        found = [(run, _open(tools, tx, run)) for run, at in looks if at <= now]
    times = [at for _, at in looks if at > now]
    for run, seen in found:
        plan = rescue(seen.view, now)
        if plan.look_at is not None:
            times.append(plan.look_at)
        unasked = list(seen.unasked)
        if plan.give_up:
            unasked += _give_up(tools, lane, run, [seen.batches[one] for one in plan.give_up])
        if seen.waiting:
            at = last_moment(seen.view, seen.view.asking + seen.waiting)
            if at <= now or plan.give_up:
                _redirect_waiting(tools, lane, run)
            else:
                times.append(at)
        if unasked:
            again = release(tools, lane, unasked)
            times += [] if again is None else [again]
    return min(times, default=None)


def _first_look(tools: Tools, run: Run) -> float:
    """When a run may first have to be rescued; one whose rescue has begun is always looked at."""
    if run.rescued_at is not None or run.deadline is None:
        return 0.0
    # Each request may have to be asked, and be waiting for its retry, at once.
    return first_look(run.deadline, 2 * run.requests, tools.terms.concurrency)


def _open(tools: Tools, tx: Transaction, run: Run) -> _Open:
    now = tools.clock.now()
    batches = [*batches_of_run(tx, run.id), *_own_retries(tx, run)]
    considered = rescue_considered(tx, rescue_scope(run.id))
    rests: dict[BatchId, Rest] = {}
    asking = exceptions_waiting(tx, run.id, Via.DIRECT)
    unasked = []
    for one in batches:
        if one.via is Via.DIRECT:
            asking += one.requests - outbox_counted(tx, one.id)[1] if _is_open(one) else 0
            unasked += [one.id] if is_unsent(one, now) and run.rescued_at is not None else []
        elif one.state is BatchState.SENT and one.cancel_asked_at is not None:
            asking += one.requests
        elif one.id not in considered and (one.state is BatchState.SENT or is_unsent(one, now)):
            rests[one.id] = Rest(id=one.id, requests=one.requests, away_since=one.sent_at)
    calls, seconds = calls_measured(tx, run.lane)
    view = RescueView(
        deadline=run.deadline or 0.0,
        rests=tuple(rests.values()),
        asking=asking,
        pace=Pace(concurrency=tools.terms.concurrency, calls=calls, seconds=seconds),
        canceling=cancel_seconds(longest_cancel(tx, run.lane)),
    )
    return _Open(
        view=view,
        batches={one.id: one for one in batches if one.id in rests},
        waiting=exceptions_waiting(tx, run.id, Via.BATCH),
        unasked=tuple(unasked),
    )


def _own_retries(tx: Transaction, run: Run) -> list[Batch]:
    """The batches of retries that carry requests of this run alone: no other loses by a cancel."""
    shared = batches_shared(tx, run.id)
    return [batch_get(tx, BatchId(one)) for one, is_shared in shared.items() if not is_shared]


def _is_open(one: Batch) -> bool:
    return one.state not in (BatchState.ENDED, BatchState.DONE)


def _give_up(tools: Tools, lane: LaneRow, run: Run, batches: Sequence[Batch]) -> list[BatchId]:
    """Recall batches as far as the rescue may cost; gives those that can be asked at once."""
    recalled = []
    for one in batches:
        needed = _worst_case(tools, run, one)
        with tools.store.write() as tx:
            lane_fence(tx, lane)
            scope = rescue_open(tx, run, tools.clock.now())
            left = budgets_in(tx, [scope])[scope].left
            is_affordable = needed is not None and needed <= left
            if not is_affordable:
                rescue_pass_over(tx, one.id, scope)
            elif _recall(tx, one, scope, needed or 0, tools.clock.now()):
                _mark(tx, run, tools.clock.now())
                recalled.append(one)
        if not is_affordable:
            tools.emit(_short(run, one, needed, left))
    if recalled:
        tools.emit(
            RescueStarted(
                run=run.id,
                batches=len(recalled),
                requests=sum(one.requests for one in recalled),
                deadline=run.deadline or 0.0,
            )
        )
    return [one.id for one in recalled if one.state is not BatchState.SENT]


def _recall(tx: Transaction, one: Batch, scope: str, needed: int, now: float) -> bool:
    """Recall a batch; whether that could be, and nobody moved it on meanwhile.

    One that has to be canceled keeps room in the rescue's budget for what it may leave over.
    """
    if one.state is not BatchState.SENT:
        return batch_redirect(tx, one, now)
    is_away = batch_get(tx, one.id).state is BatchState.SENT
    if not is_away or not reserve(tx, one.id, {scope: needed}):
        return False
    batches_ask_cancel(tx, [one.id], now)
    return True


def _short(run: Run, one: Batch, needed: int | None, left: int) -> RescueShort:
    return RescueShort(run=run.id, batch=one.id, requests=one.requests, needed=needed, left=left)


def _worst_case(tools: Tools, run: Run, batch: Batch) -> int | None:
    """The most that all of a batch can cost when asked directly; None where nothing bounds it."""
    cases = weighed(tools, batch, via=Via.DIRECT)
    if run.budget_mode != BudgetMode.EXPECTED and any(case.unbounded for case in cases):
        return None
    return sum(case.amount for case in cases)


def _redirect_waiting(tools: Tools, lane: LaneRow, run: Run) -> None:
    now = tools.clock.now()
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        rescue_open(tx, run, now)
        if exceptions_redirect(tx, run.id, now):
            _mark(tx, run, now)


def _mark(tx: Transaction, run: Run, now: float) -> None:
    if run.rescued_at is None:
        run_update(tx, run.id, rescued_at=now)
