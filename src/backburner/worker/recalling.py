"""Recalling what would be late, as far as its rescue may cost.

A batch that was not sent is asked directly at once. One that is away is canceled first, and keeps
room in the rescue's budget for what it may leave over. What there is no room for stays a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backburner.nouns.batch import Batch, BatchId, BatchState, Via
from backburner.nouns.budget import WorstCase, rescue_scope
from backburner.nouns.run import Run
from backburner.plan.budgets import has_no_bound
from backburner.plan.rescuing import Price, affordable
from backburner.store import Transaction
from backburner.store.batches import batch_get, batches_by_id
from backburner.store.budgets import budgets_in, reserve
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.rescues import (
    batch_redirect,
    exceptions_redirect,
    exceptions_unpacked,
    rescue_open,
    rescue_pass_over,
)
from backburner.store.runs import run_update
from backburner.store.waiting_batches import batches_ask_cancel
from backburner.telemetry import RescueShort, RescueStarted
from backburner.worker.tools import Tools
from backburner.worker.weighing import weighed


@dataclass(frozen=True, slots=True)
class _Late:
    """A batch that is to be given up, and what its requests can cost when asked directly."""

    batch: Batch
    cases: tuple[WorstCase, ...]

    @property
    def worst(self) -> int:
        return sum(case.amount for case in self.cases)


def recall(
    tools: Tools, lane: LaneRow, run: Run, batches: Sequence[Batch], unasked: Sequence[BatchId]
) -> list[BatchId]:
    """Recall batches as far as the rescue may cost; gives those that can be asked at once.

    Args:
        unasked: Batches of the run that are to be asked directly already.

    Raises:
        LeaseLost: Another worker has the lane.
    """
    left = _left(tools, lane, run, unasked)
    late = [_Late(one, tuple(weighed(tools, one, via=Via.DIRECT))) for one in batches]
    prices = [_price(run, one) for one in late]
    found = affordable(prices, left)
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        now, chosen = tools.clock.now(), [one for one in late if one.batch.id in found.taken]
        recalled = [one.batch for one in chosen if _recall(tx, run, one, now)]
        for price in prices:
            if price.id not in found.taken:
                rescue_pass_over(tx, price.id, rescue_scope(run.id))
        if recalled:
            _mark(tx, run, now)
    for one, price in zip(batches, prices, strict=True):
        if one.id not in found.taken:
            tools.emit(_short(run, one, price, found.left))
    if recalled:
        tools.emit(_started(run, recalled))
    return [one.id for one in recalled if one.state is not BatchState.SENT]


def recall_waiting(tools: Tools, lane: LaneRow, run: Run) -> None:
    """Let a run's requests that wait for another attempt be asked directly, now.

    Raises:
        LeaseLost: Another worker has the lane.
    """
    now = tools.clock.now()
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        rescue_open(tx, run, now)
        if exceptions_redirect(tx, run.id, now):
            _mark(tx, run, now)


def _left(tools: Tools, lane: LaneRow, run: Run, unasked: Sequence[BatchId]) -> int:
    """What a rescue may still cost, less what will be asked directly and has reserved nothing."""
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        scope = rescue_open(tx, run, tools.clock.now())
        left = budgets_in(tx, [scope])[scope].left
        sealed = [one for one in batches_by_id(tx, unasked) if one.state is not BatchState.RELEASED]
        waiting = exceptions_unpacked(tx, run.id)
        carriers = batches_by_id(tx, list(waiting))
    cases = [case for one in sealed for case in weighed(tools, one)]
    for one in carriers:
        cases += weighed(tools, one, only=waiting[one.id], via=Via.DIRECT)
    return left - sum(case.amount for case in cases if case.run == run.id)


def _price(run: Run, late: _Late) -> Price:
    is_bounded = not has_no_bound(late.cases, {run.id: run})
    return Price(id=late.batch.id, amount=late.worst if is_bounded else None)


def _recall(tx: Transaction, run: Run, late: _Late, now: float) -> bool:
    """Recall a batch; whether that could be, and nobody moved it on meanwhile."""
    one = late.batch
    if one.state is not BatchState.SENT:
        return batch_redirect(tx, one, late.cases, now)
    is_away = batch_get(tx, one.id).state is BatchState.SENT
    if not is_away or not reserve(tx, one.id, {rescue_scope(run.id): late.worst}):
        return False
    batches_ask_cancel(tx, [one.id], now)
    return True


def _mark(tx: Transaction, run: Run, now: float) -> None:
    if run.rescued_at is None:
        run_update(tx, run.id, rescued_at=now)


def _short(run: Run, one: Batch, price: Price, left: int) -> RescueShort:
    return RescueShort(
        run=run.id, batch=one.id, requests=one.requests, needed=price.amount, left=left
    )


def _started(run: Run, recalled: Sequence[Batch]) -> RescueStarted:
    return RescueStarted(
        run=run.id,
        batches=len(recalled),
        requests=sum(one.requests for one in recalled),
        deadline=run.deadline or 0.0,
    )
