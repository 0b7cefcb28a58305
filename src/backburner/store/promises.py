"""Statements about deadlines: which are over, and what still carries the requests."""

from typing import Final

from sqlalchemy import bindparam, func, select

from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.outcome import ExceptionState
from backburner.nouns.run import Run
from backburner.store.batches import batches_by_id
from backburner.store.engine import Transaction
from backburner.store.runs import run_update, runs_of, runs_query, runs_where
from backburner.store.schema import batch, exception, run

_OPEN = (
    run.c.deadline.is_not(None)
    & run.c.finished_at.is_(None)
    & run.c.missed_at.is_(None)
    & run.c.cancel_asked_at.is_(None)
)
_DUE: Final = runs_query(run.c.lane == bindparam("lane"), _OPEN, run.c.deadline <= bindparam("now"))
_NEXT: Final = select(func.min(run.c.deadline)).where(
    run.c.lane == bindparam("lane"), _OPEN, run.c.deadline > bindparam("now")
)


def promises_open(tx: Transaction) -> list[Run]:
    """The unfinished runs of every lane that have a deadline, also those that missed it."""
    has_deadline = run.c.deadline.is_not(None) & run.c.finished_at.is_(None)
    return runs_where(tx, has_deadline & run.c.cancel_asked_at.is_(None))


def promises_due(tx: Transaction, lane: str, now: float) -> list[Run]:
    """The unfinished runs of a lane whose deadline is over, and of which that was not noted yet."""
    return runs_of(tx, _DUE, lane=lane, now=now)


def promise_next(tx: Transaction, lane: str, now: float) -> float | None:
    """The earliest deadline of a lane that is still to come."""
    return tx.execute(_NEXT, {"lane": lane, "now": now}).scalar()


def promise_missed(tx: Transaction, run_id: str, at: float, cause: str) -> None:
    """Note that a deadline was missed, and by what."""
    run_update(tx, run_id, missed_at=at, miss_cause=cause)


def carriers_of(tx: Transaction, run_id: str) -> list[tuple[Batch, int]]:
    """The batches that still carry requests of a run, and how many each."""
    own = tx.execute(
        select(batch.c.id, batch.c.requests).where(
            batch.c.run == run_id, batch.c.state != BatchState.DONE
        )
    ).all()
    first = batch.alias("first")
    retried = tx.execute(
        select(exception.c.last_batch, func.count())
        .join(first, first.c.id == exception.c.batch)
        .where(first.c.run == run_id, exception.c.state == ExceptionState.TRAVELLING)
        .group_by(exception.c.last_batch)
    ).all()
    counts = {row[0]: row[1] for row in (*own, *retried)}
    return [(one, counts[one.id]) for one in batches_by_id(tx, list(counts))]
