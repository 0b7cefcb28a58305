"""Budgets as a person sets them, and how they stand."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from backburner.errors import ConfigError, NotFound
from backburner.nouns.batch import FOR_BUDGET, Batch, BatchState
from backburner.nouns.budget import DAY, RESCUE, Billing, Budget, day_scope, is_day
from backburner.nouns.lane import LaneTerms
from backburner.nouns.run import Run
from backburner.plan.budgets import demand, scopes_of
from backburner.store import Transaction
from backburner.store.batches import batches_by_id, batches_where
from backburner.store.budgets import (
    ON_THEIR_WAY,
    budget_book,
    budget_drop,
    budget_put,
    budgets_all,
    budgets_in,
    day_open,
    paid_of_batches,
    reserve_anyway,
    room_made,
    runs_in_batch,
    worst_cases_of,
)
from backburner.store.lanes import lanes_all
from backburner.store.runs import run_get, run_update
from backburner.worker import Tools
from backburner.worker.releasing import ask_for
from backburner.worker.weighing import weigh

_OF_A_RUN: Final = ("run:", f"{RESCUE}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStanding:
    """A budget, and how many requests wait for it.

    Attributes:
        budget: Of `day`, with what is reserved and spent of today.
    """

    budget: Budget
    waiting: int


def set_budget(tools: Tools, scope: str, amount: int) -> Budget:
    """Limit what a scope may cost from now on, or change its limit, as a person says.

    Raises:
        NotFound: There is no such run.
        ConfigError: It is a lane's, and the file names it.
    """
    _check_free(tools, scope)
    return limit(tools, scope, amount)


def limit(tools: Tools, scope: str, amount: int) -> Budget:
    """Limit what a scope may cost from now on, or change its limit.

    What is on its way already is reserved at once, as far as it has a bound. The budgets of a run
    and of its rescue count all that was ever paid under them.

    Raises:
        NotFound: There is no such run.
    """
    if scope.startswith(_OF_A_RUN):
        with tools.store.read() as tx:
            run_get(tx, scope.partition(":")[2])
    while (found := _set(tools, scope, amount)) is None:
        # Something was released meanwhile that nobody has weighed.
        pass
    return found


def _set(tools: Tools, scope: str, amount: int) -> Budget | None:
    now = tools.clock.now()
    with tools.store.read() as tx:
        is_new = scope not in budgets_in(tx, [scope])
        unweighed = _unweighed(tx, scope) if is_new else []
    for batch in unweighed:
        weigh(tools, batch)
    with tools.store.write() as tx:
        is_new = scope not in budgets_in(tx, [scope])
        if is_new and _unweighed(tx, scope):
            return None
        budget_put(tx, scope, amount, now)
        if is_new:
            _take_over(tools, tx, scope, now)
        room_made(tx, [scope])
        return budgets_in(tx, [scope])[scope]


def remove_budget(tools: Tools, scope: str) -> None:
    """Lift a limit; what waited for it alone goes with the next step.

    Raises:
        NotFound: The scope has none.
        ConfigError: It is a lane's, and the file names it.
    """
    _check_free(tools, scope)
    with tools.store.write() as tx:
        if not budget_drop(tx, scope):
            raise NotFound(f"{scope} has no budget", hint="`backburner budget` lists them")
        room_made(tx)


def bill(tools: Tools, run: Run, billing: Billing) -> None:
    """Give a run that is there already the budget and the mode that a person named now."""
    if billing.mode is not None and billing.mode != run.budget_mode:
        with tools.store.write() as tx:
            run_update(tx, run.id, budget_mode=billing.mode)
            room_made(tx)
    if billing.amount is not None:
        limit(tools, f"run:{run.id}", billing.amount)


def named_in_file(tools: Tools, scope: str) -> LaneTerms | None:
    """The lane whose budget this is, where the file names that."""
    kind, _, name = scope.partition(":")
    terms = tools.lane_terms(name) if kind == "lane" else None
    return terms if terms is not None and terms.budget is not None else None


def _check_free(tools: Tools, scope: str) -> None:
    """Refuse to change a lane's budget that is the file's again as soon as the lane is opened."""
    terms = named_in_file(tools, scope)
    if terms is not None:
        raise ConfigError(
            f"{terms.file}: {terms.budget_key} is the budget of the lane {terms.name}",
            hint="change it there, or take it out there first",
        )


def budgets(tools: Tools) -> list[BudgetStanding]:
    """Every budget that still limits something, by scope; days that are over and settled do not."""
    now = tools.clock.now()
    today = day_scope(tools.day(now))
    with tools.store.read() as tx:
        found = {one.scope: one for one in budgets_all(tx)}
        waiting = _waiting(tools, tx, now)
    current = found.pop(today, None)
    if DAY in found and current is not None:
        found[DAY] = _as_day(found[DAY], current)
        waiting[DAY] = waiting[today]
    return [
        BudgetStanding(budget=one, waiting=waiting[scope])
        for scope, one in found.items()
        if not is_day(scope) or one.reserved
    ]


def _as_day(every: Budget, today: Budget) -> Budget:
    return Budget(
        scope=DAY,
        amount=every.amount,
        reserved=today.reserved,
        spent=today.spent,
        set_at=every.set_at,
    )


def held_batches(tx: Transaction, lanes: Iterable[str]) -> list[Batch]:
    """The batches of these lanes that wait for a budget."""
    held = batches_where(tx, list(lanes), [BatchState.HELD])
    return [one for one in held if one.hold in FOR_BUDGET]


def _waiting(tools: Tools, tx: Transaction, now: float) -> Counter[str]:
    """How many requests wait for each scope."""
    waiting: Counter[str] = Counter()
    for batch in held_batches(tx, (lane.name for lane in lanes_all(tx))):
        asked = ask_for(tx, worst_cases_of(tx, batch.id), tools.day(now), batch.via)
        scopes: Any = asked.taken if asked.has_no_bound else [s.budget.scope for s in asked.shorts]
        waiting.update(dict.fromkeys(scopes, batch.requests))
    return waiting


def _unweighed(tx: Transaction, scope: str) -> list[Batch]:
    """Batches on their way under a scope that nobody has weighed."""
    return [one for one in _under(tx, scope) if not worst_cases_of(tx, one.id)]


def _under(tx: Transaction, scope: str) -> list[Batch]:
    on_their_way = batches_where(tx, [lane.name for lane in lanes_all(tx)], ON_THEIR_WAY)
    if scope == DAY:
        return on_their_way
    return [one for one in on_their_way if _is_under(tx, one, scope)]


def _is_under(tx: Transaction, batch: Batch, scope: str) -> bool:
    runs = (run_get(tx, run) for run in runs_in_batch(tx, batch.id))
    return any(scope in scopes_of(run, "", batch.via) for run in runs)


def _take_over(tools: Tools, tx: Transaction, scope: str, now: float) -> None:
    """Reserve for what is on its way, and book what a run has paid."""
    for batch in _under(tx, scope):
        day = tools.day(batch.sent_at or batch.armed_at or now)
        day_open(tx, day_scope(day), now)
        cases = worst_cases_of(tx, batch.id)
        runs = {case.run: run_get(tx, case.run) for case in cases}
        taken = demand(cases, runs, {}, day, batch.via)
        wanted = day_scope(day) if scope == DAY else scope
        if taken.get(wanted):
            reserve_anyway(tx, batch.id, wanted, taken[wanted])
    if scope.startswith(_OF_A_RUN):
        _book_paid(tx, scope)


def _book_paid(tx: Transaction, scope: str) -> None:
    """Book what a run has paid under its own budget, or under that of its rescue."""
    run = run_get(tx, scope.partition(":")[2])
    paid = paid_of_batches(tx, run.id)
    for batch in batches_by_id(tx, paid):
        if scope in scopes_of(run, "", batch.via):
            budget_book(tx, batch.id, scope, paid[batch.id])
