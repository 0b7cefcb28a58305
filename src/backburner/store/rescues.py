"""Statements about rescues: whose promises may be rescued, what is given up, how fast calls are."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, func, select, update

from backburner.nouns.batch import FOR_BUDGET, Batch, BatchId, BatchState, Hold, Via
from backburner.nouns.budget import WorstCase, rescue_scope
from backburner.nouns.outcome import ExceptionState
from backburner.nouns.run import Run
from backburner.store.budgets import (
    budget_book,
    budget_put,
    budgets_in,
    reservations_end,
    room_made,
    worst_cases_put,
)
from backburner.store.engine import Transaction
from backburner.store.runs import runs_of, runs_query
from backburner.store.schema import batch, exception, reservation, run

_NEWEST: Final = 20
"""As many of the newest batches tell how fast calls and cancels are."""

_UNSENT: Final = (BatchState.SEALED, BatchState.RELEASED)
_MAY_GO: Final = (Hold.LEADERS, *FOR_BUDGET)
"""Holds that end by themselves; all others wait for a person."""

_TO_RESCUE: Final = runs_query(
    run.c.lane == bindparam("lane"),
    run.c.finished_at.is_(None),
    run.c.cancel_asked_at.is_(None),
    run.c.deadline.is_not(None),
    run.c.rescue.is_not(None),
)


def runs_to_rescue(tx: Transaction, lane: str) -> list[Run]:
    """The open runs of a lane that have a deadline, and may spend something on keeping it."""
    return runs_of(tx, _TO_RESCUE, lane=lane)


def is_unsent(one: Batch, now: float) -> bool:
    """Whether a batch waits to be sent, in nobody's hands, and for no person."""
    if one.state in _UNSENT:
        return one.lease_until <= now
    return one.state is BatchState.HELD and one.hold in _MAY_GO


def batch_redirect(tx: Transaction, unsent: Batch, cases: Iterable[WorstCase], now: float) -> bool:
    """Let a batch that was not sent be asked directly; whether nobody took it meanwhile.

    Args:
        cases: What it can cost then: twice as much as before.
    """
    waits = (batch.c.state == unsent.state) & (batch.c.epoch == unsent.epoch)
    changed = tx.execute(
        update(batch)
        .where(batch.c.id == unsent.id, waits, batch.c.lease_until <= now)
        .values(
            via=Via.DIRECT,
            state=BatchState.SEALED,
            hold=None,
            epoch=batch.c.epoch + 1,
            due_at=func.min(batch.c.due_at, now),
        )
    )
    if not changed.rowcount:
        return False
    reservations_end(tx, unsent.id)
    worst_cases_put(tx, unsent.id, cases)
    return True


def exceptions_waiting(tx: Transaction, of_run: str, via: Via) -> int:
    """How many of a run's requests wait for another attempt that travels so."""
    return tx.execute(
        select(func.count())
        .select_from(exception)
        .join(batch, batch.c.id == exception.c.batch)
        .where(batch.c.run == of_run, exception.c.via == via)
        .where(exception.c.state == ExceptionState.WAITING)
    ).scalar_one()


def exceptions_unpacked(tx: Transaction, of_run: str) -> dict[BatchId, set[int]]:
    """Where a run's requests that wait for another attempt travelled last: positions, by batch."""
    found: dict[BatchId, set[int]] = defaultdict(set)
    rows = tx.execute(
        select(exception.c.last_batch, exception.c.last_position)
        .join(batch, batch.c.id == exception.c.batch)
        .where(batch.c.run == of_run, exception.c.state == ExceptionState.WAITING)
    )
    for last_batch, position in rows:
        found[BatchId(last_batch)].add(position)
    return found


def exceptions_redirect(tx: Transaction, of_run: str, now: float) -> int:
    """Let all of a run's requests that wait for another attempt be asked directly, now."""
    of_it = exception.c.batch.in_(select(batch.c.id).where(batch.c.run == of_run))
    waiting = (exception.c.state == ExceptionState.WAITING) & (exception.c.via == Via.BATCH)
    return tx.execute(
        update(exception)
        .where(of_it, waiting)
        .values(via=Via.DIRECT, due_at=func.min(exception.c.due_at, now))
    ).rowcount


def rescue_open(tx: Transaction, of: Run, now: float) -> str:
    """Make sure that a run's rescue has its budget; gives the scope."""
    scope = rescue_scope(of.id)
    if not budgets_in(tx, [scope]):
        budget_put(tx, scope, of.rescue or 0, now)
    return scope


def rescue_renew(tx: Transaction, of: Run, amount: int, now: float) -> None:
    """Give a rescue that has begun another amount; any other takes that of its run."""
    scope = rescue_scope(of.id)
    if budgets_in(tx, [scope]):
        budget_put(tx, scope, amount, now)
        room_made(tx, [scope])


def rescue_pass_over(tx: Transaction, batch_id: BatchId, scope: str) -> None:
    """Note that a batch stays one, since its rescue has too little left."""
    budget_book(tx, batch_id, scope, 0)


def rescue_considered(tx: Transaction, scope: str) -> set[int]:
    """The batches of which a rescue was decided, for or against."""
    return set(
        tx.execute(select(reservation.c.batch).where(reservation.c.scope == scope)).scalars()
    )


def calls_measured(tx: Transaction, lane: str) -> tuple[int, float]:
    """How many direct calls the newest batches of a lane made, and in how many seconds."""
    rows = tx.execute(
        select(batch.c.requests, batch.c.ended_at - batch.c.sent_at)
        .where(batch.c.lane == lane, batch.c.via == Via.DIRECT, batch.c.state == BatchState.DONE)
        .where(batch.c.sent_at.is_not(None), batch.c.ended_at.is_not(None))
        .order_by(batch.c.id.desc())
        .limit(_NEWEST)
    ).all()
    return sum(requests for requests, _ in rows), sum(seconds for _, seconds in rows)


def longest_cancel(tx: Transaction, lane: str) -> float:
    """Seconds that a cancel took at most, of the newest; 0 where none was seen."""
    newest = (
        select((batch.c.ended_at - batch.c.cancel_asked_at).label("seconds"))
        .where(batch.c.lane == lane, batch.c.upstream_id.is_not(None))
        .where(batch.c.cancel_asked_at.is_not(None), batch.c.ended_at.is_not(None))
        .order_by(batch.c.id.desc())
        .limit(_NEWEST)
        .subquery()
    )
    return tx.execute(select(func.max(newest.c.seconds))).scalar() or 0.0
