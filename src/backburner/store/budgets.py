"""Statements about budgets: limits, what is reserved under them, and what was spent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert

from backburner.nouns.batch import BatchState, Hold
from backburner.nouns.budget import DAY, MOST, RESCUE, Budget, ReservationState, WorstCase, is_day
from backburner.store.engine import Transaction
from backburner.store.schema import batch, budget, exception, lane, ledger, reservation, worst_case

ON_THEIR_WAY: Final = (
    BatchState.RELEASED,
    BatchState.ARMED,
    BatchState.UNKNOWN,
    BatchState.SENT,
    BatchState.ENDED,
)
"""States of batches that have reserved, and that will be refused or settled."""

_COLUMNS = [budget.c[name] for name in Budget.__slots__]
_RESERVED = reservation.c.state == ReservationState.RESERVED
_IS_ANY: Final = select(exists().where(budget.c.scope.is_not(None)))


def _budget(row: Row[Any]) -> Budget:
    return Budget(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


def is_any_budget(tx: Transaction) -> bool:
    """Whether anything is limited at all."""
    return bool(tx.execute(_IS_ANY).scalar())


def budgets_all(tx: Transaction) -> list[Budget]:
    """Every budget, by scope; each day that anything was released on is one."""
    return [_budget(row) for row in tx.execute(select(*_COLUMNS).order_by(budget.c.scope))]


def budgets_in(tx: Transaction, scopes: Iterable[str]) -> dict[str, Budget]:
    """The budgets of these scopes, where they have one."""
    rows = tx.execute(select(*_COLUMNS).where(budget.c.scope.in_(list(scopes))))
    return {one.scope: one for one in map(_budget, rows)}


def budget_put(tx: Transaction, scope: str, amount: int, now: float) -> bool:
    """Set a scope's limit; whether it had none before. That of `day` is every day's."""
    fresh = {"scope": scope, "amount": amount, "reserved": 0, "spent": 0, "set_at": now}
    changed = tx.execute(update(budget).where(budget.c.scope == scope).values(amount=amount))
    if scope == DAY:
        days = budget.c.scope.startswith(f"{DAY}:")
        tx.execute(update(budget).where(days).values(amount=amount))
    if changed.rowcount:
        return False
    tx.execute(insert(budget).values(fresh))
    return True


def budget_drop(tx: Transaction, scope: str) -> bool:
    """Lift a limit, with all that was reserved under it; whether there was one."""
    whole = budget.c.scope == scope
    of_it = reservation.c.scope == scope
    if scope == DAY:
        whole |= budget.c.scope.startswith(f"{DAY}:")
        of_it |= reservation.c.scope.startswith(f"{DAY}:")
    tx.execute(delete(reservation).where(of_it))
    return tx.execute(delete(budget).where(whole)).rowcount > 0


def day_open(tx: Transaction, scope: str, now: float) -> None:
    """Make sure that a day has its budget, where days have one."""
    every = tx.execute(select(budget.c.amount).where(budget.c.scope == DAY)).scalar()
    if every is not None:
        fresh = {"scope": scope, "amount": every, "reserved": 0, "spent": 0, "set_at": now}
        tx.execute(insert(budget).values(fresh).on_conflict_do_nothing())


def reserve(tx: Transaction, batch_id: int, taken: Mapping[str, int]) -> bool:
    """Reserve for a batch under every scope that has a budget, or under none; whether it fits."""
    done: list[str] = []
    for scope in sorted(taken):
        if not _take(tx, scope, taken[scope]):
            for other in done:
                _give_back(tx, other, taken[other])
            return False
        done.append(scope)
    for scope in done:
        reservation_add(tx, batch_id, scope, taken[scope])
    return True


def _take(tx: Transaction, scope: str, amount: int) -> bool:
    fits = budget.c.amount - budget.c.reserved - budget.c.spent >= amount
    statement = update(budget).where(budget.c.scope == scope, fits)
    return tx.execute(statement.values(reserved=budget.c.reserved + amount)).rowcount == 1


def reserve_anyway(tx: Transaction, batch_id: int, scope: str, amount: int) -> None:
    """Reserve for a batch that is on its way already, whether it fits or not."""
    _add(tx, scope, reserved=amount)
    reservation_add(tx, batch_id, scope, amount)


def reservation_add(tx: Transaction, batch_id: int, scope: str, amount: int) -> None:
    """Note what a batch has reserved; what it has already, and still may cost, is kept on top."""
    statement = insert(reservation).values(
        batch=batch_id, scope=scope, state=ReservationState.RESERVED, amount=amount, paid=0
    )
    kept = _plus(reservation.c.amount, statement.excluded.amount)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["batch", "scope"],
            set_={"state": ReservationState.RESERVED, "amount": kept},
        )
    )


def _add(tx: Transaction, scope: str, *, reserved: int = 0, spent: int = 0) -> None:
    changes = {
        "reserved": _plus(budget.c.reserved, reserved),
        "spent": _plus(budget.c.spent, spent),
    }
    tx.execute(update(budget).where(budget.c.scope == scope).values(changes))


def _plus(column: ColumnElement[int], more: int | ColumnElement[int]) -> ColumnElement[int]:
    """A sum that is never more than can be counted: SQLite would make a float of it."""
    return func.min(column, MOST - more) + more


def _give_back(tx: Transaction, scope: str, amount: int) -> None:
    """Take from what is reserved; where that is the most, only its parts say what is left."""
    is_exact = (budget.c.scope == scope) & (budget.c.reserved < MOST)
    less = {"reserved": budget.c.reserved - amount}
    if tx.execute(update(budget).where(is_exact).values(less)).rowcount:
        return
    parts = select(reservation.c.amount).where(reservation.c.scope == scope, _RESERVED)
    left = {"reserved": min(sum(tx.execute(parts).scalars()), MOST)}
    tx.execute(update(budget).where(budget.c.scope == scope).values(left))


def reservations_end(tx: Transaction, batch_id: int) -> int:
    """Give back what a batch has reserved: it was refused, or it is settled; gives the scopes."""
    of_batch = (reservation.c.batch == batch_id) & _RESERVED
    rows = tx.execute(select(reservation.c.scope, reservation.c.amount).where(of_batch)).all()
    if rows:
        settled = {"state": ReservationState.SETTLED, "amount": 0}
        tx.execute(update(reservation).where(of_batch).values(settled))
        for row in rows:
            _give_back(tx, row.scope, row.amount)
        room_made(tx, [row.scope for row in rows])
    return len(rows)


def budget_book(tx: Transaction, batch_id: int, scope: str, paid: int) -> None:
    """Book under a scope what was paid for a batch, reserved before or not."""
    statement = insert(reservation).values(
        batch=batch_id, scope=scope, state=ReservationState.SETTLED, amount=0, paid=paid
    )
    total = {"paid": _plus(reservation.c.paid, statement.excluded.paid)}
    tx.execute(statement.on_conflict_do_update(index_elements=["batch", "scope"], set_=total))
    _add(tx, scope, spent=paid)


def room_made(tx: Transaction, scopes: Iterable[str] = ()) -> None:
    """Let be tried again what waits for a budget, as there may be room for it under these scopes.

    A rescue looks anew at the batches that it passed over.
    """
    passed = _passed_over_forget(tx, [one for one in scopes if one.startswith(f"{RESCUE}:")])
    held = (batch.c.state == BatchState.HELD) & (batch.c.hold == Hold.BUDGET)
    waiting = select(batch.c.lane).where(held | batch.c.id.in_(passed))
    tx.execute(update(lane).where(lane.c.name.in_(waiting)).values(due_at=0.0))


def _passed_over_forget(tx: Transaction, rescues: Sequence[str]) -> Sequence[int]:
    """Forget which batches rescues passed over; gives them."""
    nothing = (reservation.c.amount == 0) & (reservation.c.paid == 0)
    passed = reservation.c.scope.in_(rescues) & (reservation.c.state == ReservationState.SETTLED)
    statement = delete(reservation).where(passed, nothing).returning(reservation.c.batch)
    return tx.execute(statement).scalars().all()


def day_of_batch(tx: Transaction, batch_id: int) -> str | None:
    """The scope of the day on which a batch was released last, where it has reserved for one."""
    rows = tx.execute(
        select(reservation.c.scope)
        .where(reservation.c.batch == batch_id)
        .order_by(reservation.c.state, reservation.c.scope.desc())
    )
    return next((scope for scope in rows.scalars() if is_day(scope)), None)


def worst_cases_put(tx: Transaction, batch_id: int, cases: Iterable[WorstCase]) -> None:
    """Keep what the requests of a batch can cost, by run."""
    tx.execute(delete(worst_case).where(worst_case.c.batch == batch_id))
    values = [
        {"batch": batch_id, **{name: getattr(case, name) for name in WorstCase.__slots__}}
        for case in cases
    ]
    if values:
        tx.execute(insert(worst_case), values)


def worst_cases_forget(tx: Transaction, batch_id: int) -> None:
    """Forget what a batch can cost: it holds other requests now, or prices have changed."""
    tx.execute(delete(worst_case).where(worst_case.c.batch == batch_id))


def worst_cases_of(tx: Transaction, batch_id: int) -> list[WorstCase]:
    """What the requests of a batch can cost, by run; empty where nobody has asked yet."""
    columns = [worst_case.c[name] for name in WorstCase.__slots__]
    rows = tx.execute(
        select(*columns).where(worst_case.c.batch == batch_id).order_by(worst_case.c.run)
    )
    return [WorstCase(**row._mapping) for row in rows]  # noqa: SLF001  # as above


def runs_in_batch(tx: Transaction, batch_id: int) -> set[str]:
    """The runs whose requests a batch holds: its own, or those of the retries that travel in it."""
    own = tx.execute(select(batch.c.run).where(batch.c.id == batch_id)).scalar_one()
    if own is not None:
        return {own}
    first = batch.alias("first")
    rows = tx.execute(
        select(first.c.run)
        .join(exception, exception.c.batch == first.c.id)
        .where(exception.c.last_batch == batch_id)
        .distinct()
    )
    return {run for run in rows.scalars() if run is not None}


def paid_of_run(tx: Transaction, run: str) -> tuple[int, int]:
    """Answered requests of a run, and what was paid for them."""
    rows = tx.execute(select(ledger.c.requests, ledger.c.paid).where(ledger.c.run == run)).all()
    return sum(row.requests for row in rows), sum(row.paid or 0 for row in rows)


def paid_of_batches(tx: Transaction, run: str) -> dict[int, int]:
    """What was paid for a run, by batch."""
    paid: dict[int, int] = {}
    for row in tx.execute(select(ledger.c.batch, ledger.c.paid).where(ledger.c.run == run)):
        paid[row.batch] = paid.get(row.batch, 0) + (row.paid or 0)
    return paid


def moving_under(tx: Transaction, scope: str) -> int:
    """What is reserved under a scope for batches that will be settled, as far as is known."""
    rows = tx.execute(
        select(reservation.c.amount)
        .join(batch, batch.c.id == reservation.c.batch)
        .where(reservation.c.scope == scope, _RESERVED, batch.c.state.in_(ON_THEIR_WAY))
    )
    return sum(rows.scalars())
