"""Statements about exceptions: the sparse rows of requests that need more than one attempt."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, bindparam, case, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert

from backburner.errors import LeaseLost
from backburner.nouns.batch import BatchState, Via
from backburner.nouns.outcome import ExceptionRow, ExceptionState, Outcome
from backburner.nouns.policy import ACCOUNT_ERRORS
from backburner.store.engine import Transaction
from backburner.store.schema import attempt, batch, exception
from backburner.store.schema import run as run_table

_FIELDS = tuple(ExceptionRow.__struct_fields__)
_COLUMNS = [exception.c[name] for name in _FIELDS]
_CHUNK = 500
_HELD_FOR_ACCOUNT = (exception.c.state == ExceptionState.HELD) & exists().where(
    attempt.c.batch == exception.c.batch,
    attempt.c.position == exception.c.position,
    attempt.c.attempt == exception.c.attempts,
    attempt.c.error_type.in_(ACCOUNT_ERRORS),
)
"""As `plan.stopping.is_for_account` says it of the newest attempt."""

# What every step asks is built once: that takes longer than asking does.
_FOR_ACCOUNT: Final = _HELD_FOR_ACCOUNT.label("for_account")
_COUNTED: Final = (
    select(exception.c.state, exception.c.outcome, _FOR_ACCOUNT, func.count())
    .join(batch, batch.c.id == exception.c.batch)
    .where(batch.c.run == bindparam("run"))
    .group_by(exception.c.state, exception.c.outcome, _FOR_ACCOUNT)
)
_NEXT_DUE: Final = (
    select(func.min(exception.c.due_at))
    .join(batch, batch.c.id == exception.c.batch)
    .where(batch.c.lane == bindparam("lane"), exception.c.state == ExceptionState.WAITING)
)
_own, _carrier = batch.alias("own"), batch.alias("carrier")
_IN_STATE: Final = (
    select(func.count())
    .select_from(exception)
    .join(_own, _own.c.id == exception.c.batch)
    .join(_carrier, _carrier.c.id == exception.c.last_batch)
    .where(
        _own.c.run == bindparam("run"),
        exception.c.state == ExceptionState.TRAVELLING,
        _carrier.c.state.in_(bindparam("states", expanding=True)),
    )
)


def _exception(row: Row[Any]) -> ExceptionRow:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    values |= {
        "state": ExceptionState(values["state"]),
        "outcome": Outcome(values["outcome"]),
        "via": Via(values["via"]),
    }
    return ExceptionRow(**values)


def exceptions_put(tx: Transaction, rows: Iterable[ExceptionRow]) -> None:
    """Add exceptions, or replace those of the same requests."""
    values = [msgspec.structs.asdict(row) for row in rows]
    if not values:
        return
    statement = insert(exception)
    fresh = {
        name: statement.excluded[name] for name in _FIELDS if name not in ("batch", "position")
    }
    tx.execute(
        statement.on_conflict_do_update(index_elements=["batch", "position"], set_=fresh), values
    )


def exceptions_due(tx: Transaction, lane: str, now: float, limit: int) -> list[ExceptionRow]:
    """The exceptions of a lane whose next attempt is due, in the order of their last lines."""
    rows = tx.execute(
        select(*_COLUMNS)
        .join(batch, batch.c.id == exception.c.batch)
        .where(
            batch.c.lane == lane,
            exception.c.state == ExceptionState.WAITING,
            exception.c.due_at <= now,
        )
        .order_by(batch.c.betas, exception.c.last_batch, exception.c.last_position)
        .limit(limit)
    )
    return [_exception(row) for row in rows]


def exceptions_next_due(tx: Transaction, lane: str) -> float | None:
    """When the next attempt of any exception of a lane is due."""
    return tx.execute(_NEXT_DUE, {"lane": lane}).scalar()


def exceptions_send_off(
    tx: Transaction, rows: Iterable[tuple[ExceptionRow, str | None]], batch_id: int
) -> None:
    """Note that these exceptions travel in a batch, in this order, each with its change.

    Raises:
        LeaseLost: One of them no longer waits, such as after a cancel.
    """
    for position, (row, change) in enumerate(rows):
        values = {
            "state": ExceptionState.TRAVELLING,
            "last_batch": batch_id,
            "last_position": position,
            "change": change,
        }
        if tx.execute(update(exception).where(_waits(row)).values(values)).rowcount != 1:
            raise LeaseLost(f"request {row.position} of batch {row.batch} no longer waits")


def exceptions_give_up(tx: Transaction, rows: Iterable[tuple[ExceptionRow, str]]) -> None:
    """End those of these exceptions that still wait; each has why nothing could be changed."""
    for row, code in rows:
        values = {"state": ExceptionState.FINAL, "change": code}
        tx.execute(update(exception).where(_waits(row)).values(values))


def _waits(row: ExceptionRow) -> ColumnElement[bool]:
    own = (exception.c.batch == row.batch) & (exception.c.position == row.position)
    return own & (exception.c.state == ExceptionState.WAITING)


def exceptions_travelling(tx: Transaction, batch_id: int) -> dict[int, ExceptionRow]:
    """The exceptions that travel in a batch, by their position there."""
    rows = tx.execute(
        select(*_COLUMNS).where(
            exception.c.last_batch == batch_id, exception.c.state == ExceptionState.TRAVELLING
        )
    )
    return {row.last_position: row for row in map(_exception, rows)}


def exceptions_of_batch(tx: Transaction, batch_id: int) -> Iterator[ExceptionRow]:
    """The exceptions of a batch's own requests, by position."""
    rows = tx.execute(
        select(*_COLUMNS).where(exception.c.batch == batch_id).order_by(exception.c.position)
    )
    return map(_exception, rows.yield_per(_CHUNK))


def exception_of(tx: Transaction, batch_id: int, position: int) -> ExceptionRow | None:
    """The exception of one request, if it has one."""
    own = (exception.c.batch == batch_id) & (exception.c.position == position)
    row = tx.execute(select(*_COLUMNS).where(own)).first()
    return _exception(row) if row else None


def exceptions_counted(
    tx: Transaction, run: str
) -> list[tuple[ExceptionState, Outcome, bool, int]]:
    """How many of a run's exceptions are in each state with each outcome.

    The third value tells whether they are held because the account was at fault.
    """
    rows = tx.execute(_COUNTED, {"run": run})
    return [
        (ExceptionState(state), Outcome(outcome), bool(account), count)
        for state, outcome, account, count in rows
    ]


def exceptions_given_up(tx: Transaction, run: str) -> int:
    """How many of a run's requests ended as canceled after an attempt that had failed."""
    newest = (
        (attempt.c.batch == exception.c.batch)
        & (attempt.c.position == exception.c.position)
        & (attempt.c.attempt == exception.c.attempts)
    )
    return tx.execute(
        select(func.count())
        .select_from(exception)
        .join(batch, batch.c.id == exception.c.batch)
        .join(attempt, newest)
        .where(
            batch.c.run == run,
            exception.c.state == ExceptionState.FINAL,
            exception.c.outcome == Outcome.CANCELED,
            attempt.c.outcome != Outcome.CANCELED,
        )
    ).scalar_one()


def exceptions_end_waiting(tx: Transaction, run: str) -> int:
    """Make a canceled run's exceptions final, as canceled, that wait for a time or an account."""
    first = select(batch.c.id).where(batch.c.run == run)
    waiting = (exception.c.state == ExceptionState.WAITING) | _HELD_FOR_ACCOUNT
    return tx.execute(
        update(exception)
        .where(exception.c.batch.in_(first), waiting)
        .values(state=ExceptionState.FINAL, outcome=Outcome.CANCELED)
    ).rowcount


def exceptions_hold_waiting(tx: Transaction, lane: str) -> int:
    """Let a person decide on all of a lane's exceptions that wait for another attempt."""
    of_lane = select(batch.c.id).where(batch.c.lane == lane)
    return tx.execute(
        update(exception)
        .where(exception.c.batch.in_(of_lane), exception.c.state == ExceptionState.WAITING)
        .values(state=ExceptionState.HELD)
    ).rowcount


def exceptions_resume(tx: Transaction, lane: str, now: float) -> int:
    """Make a lane's exceptions due that the account was at fault for; gives their number."""
    first = select(batch.c.id).where(batch.c.lane == lane)
    return tx.execute(
        update(exception)
        .where(exception.c.batch.in_(first), _HELD_FOR_ACCOUNT)
        .values(state=ExceptionState.WAITING, due_at=now)
    ).rowcount


def exceptions_follow(tx: Transaction, old: int, first: int, new: int) -> None:
    """Note that what travels in a batch from a position on travels in another from its start."""
    moved = (exception.c.last_batch == old) & (exception.c.last_position >= first)
    tx.execute(
        update(exception)
        .where(moved, exception.c.state == ExceptionState.TRAVELLING)
        .values(last_batch=new, last_position=exception.c.last_position - first)
    )


def exceptions_end_unsent(tx: Transaction, batch_id: int) -> int:
    """Make the exceptions final, as canceled, whose batch of retries never travelled."""
    return tx.execute(
        update(exception)
        .where(exception.c.last_batch == batch_id, exception.c.state == ExceptionState.TRAVELLING)
        .values(state=ExceptionState.FINAL, outcome=Outcome.CANCELED)
    ).rowcount


def exceptions_in_state(tx: Transaction, of_run: str, states: Iterable[BatchState]) -> int:
    """How many of a run's exceptions travel in batches that are in one of these states."""
    return tx.execute(_IN_STATE, {"run": of_run, "states": list(states)}).scalar_one()


def batches_shared(tx: Transaction, run: str) -> dict[int, bool]:
    """The batches of retries that carry a run's requests, and whether others travel in them too.

    What was canceled itself has no say in whether a batch goes on.
    """
    own = exception.alias("own")
    other_batch = batch.alias("origin")
    travelling = (
        select(exception.c.last_batch)
        .join(batch, batch.c.id == exception.c.batch)
        .where(batch.c.run == run, exception.c.state == ExceptionState.TRAVELLING)
        .distinct()
    )
    is_other = (other_batch.c.run != run) & run_table.c.cancel_asked_at.is_(None)
    others = func.count(case((is_other, 1)))
    rows = tx.execute(
        select(own.c.last_batch, others)
        .join(other_batch, other_batch.c.id == own.c.batch)
        .join(run_table, run_table.c.id == other_batch.c.run)
        .where(own.c.last_batch.in_(travelling), own.c.state == ExceptionState.TRAVELLING)
        .group_by(own.c.last_batch)
    )
    return {batch_id: count > 0 for batch_id, count in rows}
