"""Statements about batches: adding them, and finding them."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, func, insert, select

from backburner.errors import NotFound
from backburner.nouns.batch import UNSENT, Batch, BatchId, BatchState, Via
from backburner.store.engine import Transaction
from backburner.store.schema import batch

BATCH_COLUMNS = [batch.c[field.name] for field in dataclasses.fields(Batch)]

# What every step asks is built once: that takes longer than asking does.
_OF_RUN: Final = (
    select(*BATCH_COLUMNS).where(batch.c.run == bindparam("run")).order_by(batch.c.first_request)
)
_OUTCOMES_OF_RUN: Final = select(batch.c.outcomes).where(
    batch.c.run == bindparam("run"), batch.c.outcomes.is_not(None)
)
_IN_STATES: Final = (
    select(*BATCH_COLUMNS)
    .where(
        batch.c.lane.in_(bindparam("lanes", expanding=True)),
        batch.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(batch.c.id)
)


def batch_of(row: Row[Any]) -> Batch:
    """The batch of a row of its columns."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    values |= {"state": BatchState(values["state"]), "via": Via(values["via"])}
    return Batch(**values)


def batch_insert(tx: Transaction, values: dict[str, Any]) -> BatchId:
    """Add a batch that was just sealed; its segment must be in the vault already."""
    row = {
        "attempt_try": "0",
        "state": BatchState.SEALED,
        "hold": None,
        "via": Via.BATCH,
        "origins": None,
        "first_request": 0,
        "run": None,
        "owner": None,
        "epoch": 0,
        "lease_until": 0.0,
        "downloads": 0,
        "faults": 0,
        "misses": 0,
        **values,
    }
    result = tx.execute(insert(batch).values(row))
    return BatchId(result.inserted_primary_key[0])  # type: ignore[index]


def batch_get(tx: Transaction, batch_id: BatchId) -> Batch:
    """One batch.

    Raises:
        NotFound: There is none with that number.
    """
    row = tx.execute(select(*BATCH_COLUMNS).where(batch.c.id == batch_id)).first()
    if row is None:
        raise NotFound(f"there is no batch {batch_id}")
    return batch_of(row)


def batch_by_nonce(tx: Transaction, nonce: str) -> Batch | None:
    """The batch whose custom_ids begin with `nonce`."""
    row = tx.execute(select(*BATCH_COLUMNS).where(batch.c.nonce == nonce)).first()
    return batch_of(row) if row else None


def batches_by_id(tx: Transaction, ids: Iterable[int]) -> list[Batch]:
    """The batches with these numbers, oldest first."""
    query = select(*BATCH_COLUMNS).where(batch.c.id.in_(set(ids))).order_by(batch.c.id)
    return [batch_of(row) for row in tx.execute(query)]


def batches_of_run(tx: Transaction, run: str) -> list[Batch]:
    """The batches of a run's first attempts, in the order of its requests."""
    return [batch_of(row) for row in tx.execute(_OF_RUN, {"run": run})]


def batches_of_retries(tx: Transaction, lane_name: str) -> list[Batch]:
    """A lane's batches of retries, oldest first."""
    rows = tx.execute(
        select(*BATCH_COLUMNS)
        .where(batch.c.lane == lane_name, batch.c.origins.is_not(None))
        .order_by(batch.c.id)
    )
    return [batch_of(row) for row in rows]


def batches_such(tx: Transaction, which: ColumnElement[bool]) -> list[Batch]:
    """The batches of which something holds, oldest first."""
    return [
        batch_of(row)
        for row in tx.execute(select(*BATCH_COLUMNS).where(which).order_by(batch.c.id))
    ]


def batches_where(
    tx: Transaction, lanes: Sequence[str], states: Iterable[BatchState]
) -> list[Batch]:
    """The batches of these lanes that are in one of these states, oldest first."""
    rows = tx.execute(_IN_STATES, {"lanes": lanes, "states": list(states)})
    return [batch_of(row) for row in rows]


def batches_held(tx: Transaction, run: str, hold: str) -> int:
    """How many of a run's batches are held for a cause."""
    held = (batch.c.run == run) & (batch.c.state == BatchState.HELD) & (batch.c.hold == hold)
    return tx.execute(select(func.count()).select_from(batch).where(held)).scalar_one()


def batches_unsent_of_run(tx: Transaction, run: str) -> dict[int, int]:
    """A run's batches of first attempts that never travelled, and how many requests each holds."""
    return batches_unsent(tx, batch.c.run == run)


def batches_unsent_among(tx: Transaction, ids: Iterable[int]) -> dict[int, int]:
    """Those of some batches that never travelled, and how many requests each holds."""
    return batches_unsent(tx, batch.c.id.in_(list(ids)))


def batches_unsent(tx: Transaction, which: ColumnElement[bool]) -> dict[int, int]:
    """Batches that never travelled and are to, and how many requests each holds."""
    rows = tx.execute(select(batch.c.id, batch.c.requests).where(which, batch.c.state.in_(UNSENT)))
    return {batch_id: size for batch_id, size in rows}  # noqa: C416  # rows are no pairs to mypy


def batch_outcomes(tx: Transaction, batch_id: BatchId) -> bytes | None:
    """The packed outcomes of a batch, zstd-compressed; None before its collection."""
    outcomes: bytes | None = tx.execute(
        select(batch.c.outcomes).where(batch.c.id == batch_id)
    ).scalar_one()
    return outcomes


def batches_answered(tx: Transaction, lane_name: str, betas: str, since: float) -> list[Batch]:
    """A lane's batches of first attempts that travelled and ended since then, newest first."""
    answered = (batch.c.state == BatchState.DONE) & batch.c.results.is_not(None)
    answered &= batch.c.pruned_at.is_(None)
    travelled = batch.c.run.is_not(None) & batch.c.upstream_id.is_not(None)
    rows = tx.execute(
        select(*BATCH_COLUMNS)
        .where(batch.c.lane == lane_name, batch.c.betas == betas, answered, travelled)
        .where(batch.c.ended_at >= since)
        .order_by(batch.c.ended_at.desc(), batch.c.id.desc())
    )
    return [batch_of(row) for row in rows]


def outcomes_of_run(tx: Transaction, run: str) -> list[bytes]:
    """The packed outcomes of those of a run's first-attempt batches that were collected."""
    return list(tx.execute(_OUTCOMES_OF_RUN, {"run": run}).scalars())
