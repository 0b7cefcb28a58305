"""Releasing batches: each takes what it can cost of every budget that it falls under, or waits.

Reserving and releasing are one commit, so that no death in between leaves the one without the
other.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from backburner.nouns.batch import Batch, BatchId, BatchState, Via
from backburner.nouns.budget import DAY, BudgetMode, WorstCase, day_scope, is_day
from backburner.plan.budgets import (
    Need,
    Paid,
    demand,
    has_no_bound,
    next_day_at,
    scopes_of,
    shortfalls,
)
from backburner.plan.turns import places
from backburner.store import Transaction
from backburner.store.batches import batches_by_id
from backburner.store.budgets import (
    budgets_in,
    day_open,
    is_any_budget,
    paid_of_run,
    reserve,
    runs_in_batch,
    worst_cases_of,
)
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.runs import run_get
from backburner.store.waiting_batches import (
    batch_hold,
    batches_place,
    batches_releasable,
    batches_release,
    batches_unhold,
)
from backburner.telemetry import BudgetHeld
from backburner.worker.tools import Tools
from backburner.worker.weighing import weigh_some

_NOTHING: Final = Need(taken={})


def release(tools: Tools, lane: LaneRow, ids: Sequence[BatchId]) -> float | None:
    """Let batches go as far as their budgets allow; when to try the others again, if that is known.

    Raises:
        LeaseLost: Another worker has the lane.
    """
    if not ids:
        return None
    now = tools.clock.now()
    with tools.store.read() as tx:
        limited = batches_releasable(tx, ids) if is_any_budget(tx) else []
        limited = [one for one in limited if _is_limited(tx, one, tools.day(now))]
    weigh_some(tools, limited)
    held: list[tuple[Batch, Need]] = []
    again: list[float] = []
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        if is_any_budget(tx):
            day_open(tx, day_scope(tools.day(now)), now)
            for batch in batches_releasable(tx, ids):
                asked = _release_one(tx, batch, tools.day(now), now)
                if asked is None:
                    again.append(now)
                    continue
                if _is_news(batch, asked):
                    held.append((batch, asked))
                again += _next_day(tools, asked, now)
        else:
            # A budget that was lifted holds nobody any more.
            batches_unhold(tx, ids)
            batches_release(tx, ids, now)
        _take_turns(tx, ids, now)
    for event in _events(held):
        tools.emit(event)
    return min(again, default=None)


def _take_turns(tx: Transaction, ids: Sequence[BatchId], now: float) -> None:
    """Let the batches that were just released go in an order that is fair to their runs."""
    released = [one for one in batches_by_id(tx, ids) if one.state is BatchState.RELEASED]
    batches_place(tx, places(released, now))


def _release_one(tx: Transaction, batch: Batch, day: str, now: float) -> Need | None:
    """Reserve for a batch and let it go, or hold it; None where it has to be weighed first."""
    if not _is_limited(tx, batch, day):
        _go(tx, batch, now)
        return _NOTHING
    cases = worst_cases_of(tx, batch.id)
    if not cases:
        return None
    asked = ask_for(tx, cases, day, batch.via)
    if asked.hold is None and reserve(tx, batch.id, asked.taken):
        _go(tx, batch, now)
    elif asked.hold is not None and asked.hold != batch.hold:
        batch_hold(tx, batch, asked.hold)
    return asked


def _go(tx: Transaction, batch: Batch, now: float) -> None:
    batches_unhold(tx, [batch.id])
    batches_release(tx, [batch.id], now)


def ask_for(tx: Transaction, cases: Sequence[WorstCase], day: str, via: Via) -> Need:
    """What a batch would take of its budgets, and which of them have too little left."""
    runs = {case.run: run_get(tx, case.run) for case in cases}
    likely = [one.id for one in runs.values() if one.budget_mode == BudgetMode.EXPECTED]
    paid = {run: Paid(*paid_of_run(tx, run)) for run in likely}
    taken = demand(cases, runs, paid, day, via)
    budgets = budgets_in(tx, taken)
    return Need(
        taken={scope: taken[scope] for scope in budgets},
        shorts=tuple(shortfalls(taken, budgets)),
        has_no_bound=has_no_bound(cases, runs),
    )


def _is_limited(tx: Transaction, batch: Batch, day: str) -> bool:
    """Whether a batch falls under any budget."""
    scopes = {DAY}
    for run in runs_in_batch(tx, batch.id):
        scopes.update(scopes_of(run_get(tx, run), day, batch.via))
    return bool(budgets_in(tx, scopes))


def _is_news(batch: Batch, asked: Need) -> bool:
    """Whether a batch waits for a budget that did not before."""
    return asked.hold is not None and (batch.state, batch.hold) != (BatchState.HELD, asked.hold)


def _events(held: Iterable[tuple[Batch, Need]]) -> list[BudgetHeld]:
    """One event for all batches of a run that wait for the same."""
    requests: dict[tuple[str | None, str, tuple[str, ...]], list[int]] = {}
    for batch, asked in held:
        scopes = tuple(short.budget.scope for short in asked.shorts)
        requests.setdefault((batch.run, str(asked.hold), scopes), []).append(batch.requests)
    return [
        BudgetHeld(run=run, batches=len(each), requests=sum(each), hold=hold, scopes=scopes)
        for (run, hold, scopes), each in requests.items()
    ]


def _next_day(tools: Tools, asked: Need, now: float) -> list[float]:
    """When the next day begins, where all that is lacking is more of a day's budget."""
    days = bool(asked.shorts) and all(is_day(short.budget.scope) for short in asked.shorts)
    return [next_day_at(tools.day, now)] if days else []
