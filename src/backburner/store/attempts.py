"""Statements about attempts: what came of each travel of a request that needed more than one."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, exists, func, insert, select

from backburner.nouns.attempt import Attempt
from backburner.nouns.outcome import ExceptionState, Outcome
from backburner.store.engine import Transaction
from backburner.store.schema import attempt, batch, exception

_COLUMNS = [attempt.c[name] for name in Attempt.__struct_fields__]
_CHUNK = 500
_same_request = (attempt.c.batch == exception.c.batch) & (
    attempt.c.position == exception.c.position
)


def _attempt(row: Row[Any]) -> Attempt:
    values = {name: getattr(row, name) for name in Attempt.__struct_fields__}
    return Attempt(**{**values, "outcome": Outcome(values["outcome"])})


def _travelling(batch_id: int) -> ColumnElement[bool]:
    return (exception.c.last_batch == batch_id) & (exception.c.state == ExceptionState.TRAVELLING)


def attempts_add(tx: Transaction, rows: Iterable[Attempt]) -> None:
    """Add attempts. A second row for the same one breaks the primary key."""
    values = [msgspec.structs.asdict(row) for row in rows]
    if values:
        tx.execute(insert(attempt), values)


def attempts_travelling(tx: Transaction, batch_id: int) -> dict[int, list[Attempt]]:
    """The earlier attempts of the requests that travel in a batch, by their position there."""
    rows = tx.execute(
        select(exception.c.last_position, *_COLUMNS)
        .join(exception, _same_request)
        .where(_travelling(batch_id))
        .order_by(exception.c.last_position, attempt.c.attempt)
    )
    found: dict[int, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row.last_position, []).append(_attempt(row))
    return found


def attempts_travelled(tx: Transaction, batch_id: int) -> dict[int, list[Attempt]]:
    """The attempts that were collected in a batch, by their position there, after earlier ones."""
    last = attempt.alias("last")
    earlier = (
        (attempt.c.batch == last.c.batch)
        & (attempt.c.position == last.c.position)
        & (attempt.c.attempt <= last.c.attempt)
    )
    rows = tx.execute(
        select(last.c.in_position.label("there"), *_COLUMNS)
        .join(last, earlier)
        .where(last.c.in_batch == batch_id)
        .order_by(last.c.in_position, attempt.c.attempt)
    )
    found: dict[int, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row.there, []).append(_attempt(row))
    return found


def attempts_refused_since(
    tx: Transaction, batch_id: int, error_types: Iterable[str]
) -> dict[int, float]:
    """When those that travel in a batch first failed with one of these errors, by position."""
    rows = tx.execute(
        select(exception.c.last_position, func.min(batch.c.ended_at))
        .select_from(attempt)
        .join(exception, _same_request)
        .join(batch, batch.c.id == attempt.c.in_batch)
        .where(_travelling(batch_id), attempt.c.error_type.in_(list(error_types)))
        .group_by(exception.c.last_position)
    )
    return {position: at for position, at in rows if at is not None}


def attempts_of_batch(tx: Transaction, batch_id: int) -> Iterator[tuple[int, list[Attempt]]]:
    """The attempts of a batch's own requests, by position, in order."""
    rows = tx.execute(
        select(*_COLUMNS)
        .where(attempt.c.batch == batch_id)
        .order_by(attempt.c.position, attempt.c.attempt)
    )
    attempts = map(_attempt, rows.yield_per(_CHUNK))
    for position, group in groupby(attempts, key=lambda one: one.position):
        yield position, list(group)


def attempts_followed(
    tx: Transaction, of_run: str | None = None
) -> Iterator[tuple[str, list[Attempt]]]:
    """The attempts of each request that had more than one, in order, with its run."""
    later = attempt.alias("later")
    follows = exists().where(
        later.c.batch == attempt.c.batch,
        later.c.position == attempt.c.position,
        later.c.attempt > 1,
    )
    query = (
        select(batch.c.run, *_COLUMNS)
        .join(batch, batch.c.id == attempt.c.batch)
        .where(follows)
        .order_by(attempt.c.batch, attempt.c.position, attempt.c.attempt)
    )
    if of_run is not None:
        query = query.where(batch.c.run == of_run)
    rows = tx.execute(query).yield_per(_CHUNK)
    for (of, _, _), group in groupby(rows, key=lambda row: (row.run, row.batch, row.position)):
        yield of, [_attempt(row) for row in group]


def attempts_of(tx: Transaction, batch_id: int, position: int) -> list[Attempt]:
    """The attempts of one request, in order."""
    rows = tx.execute(
        select(*_COLUMNS)
        .where(attempt.c.batch == batch_id, attempt.c.position == position)
        .order_by(attempt.c.attempt)
    )
    return [_attempt(row) for row in rows]


def attempts_missing(tx: Transaction, batch_id: int) -> int:
    """How many requests that needed another attempt had no line in a batch."""
    lost = (attempt.c.in_batch == batch_id) & (attempt.c.outcome == Outcome.MISSING)
    return tx.execute(select(func.count()).select_from(attempt).where(lost)).scalar_one()
