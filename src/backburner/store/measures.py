"""Statements that measure: how much there is of everything, for monitoring."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select

from backburner.nouns.budget import ReservationState
from backburner.nouns.outcome import ExceptionState
from backburner.store.engine import Transaction
from backburner.store.schema import batch, exception, inbox, ledger, notice, reservation, run

_PART: Final = 10**6
"""Sums are made of two parts: SQLite's overflow, and fetching each booking takes too long.

They are whole numbers, by `//`: of `/` SQLAlchemy makes a division of floats.
"""


def batches_counted(tx: Transaction) -> Iterator[tuple[str, str, int, int]]:
    """Lane, state, batches and their requests."""
    rows = tx.execute(
        select(batch.c.lane, batch.c.state, func.count(), func.sum(batch.c.requests))
        .group_by(batch.c.lane, batch.c.state)
        .order_by(batch.c.lane, batch.c.state)
    )
    yield from rows


def exceptions_waiting(tx: Transaction) -> Iterator[tuple[str, str, int]]:
    """Lane, state and requests that wait for another attempt, or for a person."""
    states = (ExceptionState.WAITING, ExceptionState.HELD)
    rows = tx.execute(
        select(batch.c.lane, exception.c.state, func.count())
        .join(batch, batch.c.id == exception.c.batch)
        .where(exception.c.state.in_(states))
        .group_by(batch.c.lane, exception.c.state)
    )
    yield from rows


def inbox_counted(tx: Transaction) -> dict[str, int]:
    """How many single requests wait in each lane's inbox."""
    rows = tx.execute(select(inbox.c.lane, func.count()).group_by(inbox.c.lane))
    return {row.lane: row[1] for row in rows}


def paid_by_lane(tx: Transaction) -> dict[str, int]:
    """Picodollars that each lane has cost so far."""
    whole, rest = func.sum(ledger.c.paid // _PART), func.sum(ledger.c.paid % _PART)
    rows = tx.execute(
        select(run.c.lane, whole, rest)
        .join(run, run.c.id == ledger.c.run)
        .where(ledger.c.paid.is_not(None))
        .group_by(run.c.lane)
    )
    return {lane: whole * _PART + rest for lane, whole, rest in rows}


def reserved_in_all(tx: Transaction) -> int:
    """Picodollars that batches under way have reserved: of each, what it took of its largest."""
    held = reservation.c.state == ReservationState.RESERVED
    rows = tx.execute(
        select(func.max(reservation.c.amount)).where(held).group_by(reservation.c.batch)
    )
    return sum(rows.scalars())


def runs_open(tx: Transaction) -> dict[str, int]:
    """How many runs of each lane are not finished."""
    open_ = select(run.c.lane, func.count()).where(run.c.finished_at.is_(None))
    return {row.lane: row[1] for row in tx.execute(open_.group_by(run.c.lane))}


def notices_counted(tx: Transaction) -> tuple[int, int]:
    """Notices that wait to be delivered, and those that were given up."""
    pending = notice.c.delivered_at.is_(None) & notice.c.given_up_at.is_(None)
    return (
        tx.execute(select(func.count()).select_from(notice).where(pending)).scalar_one(),
        tx.execute(
            select(func.count()).select_from(notice).where(notice.c.given_up_at.is_not(None))
        ).scalar_one(),
    )
