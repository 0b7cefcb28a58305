"""Statements about doubts: who is known upstream, what was ruled out, what was paid twice."""

from collections.abc import Iterable

from sqlalchemy import insert, select

from backburner.nouns.batch import BatchId
from backburner.store.engine import Transaction
from backburner.store.schema import batch, duplicate, rejected


def upstream_ids_known(tx: Transaction, upstream_ids: Iterable[str]) -> set[str]:
    """Those of these batches upstream that are ours: one of the store's, or a known duplicate."""
    asked = list(upstream_ids)
    known = tx.execute(select(batch.c.upstream_id).where(batch.c.upstream_id.in_(asked))).scalars()
    twice = tx.execute(
        select(duplicate.c.upstream_id).where(duplicate.c.upstream_id.in_(asked))
    ).scalars()
    return {*(one for one in known if one is not None), *twice}


def duplicates_of(tx: Transaction, batch_id: BatchId) -> dict[str, str]:
    """The tries under which a batch was accepted a second time, by its id upstream."""
    rows = tx.execute(
        select(duplicate.c.upstream_id, duplicate.c.attempt_try)
        .where(duplicate.c.batch == batch_id)
        .order_by(duplicate.c.found_at, duplicate.c.upstream_id)
    )
    return {row.upstream_id: row.attempt_try for row in rows}


def candidate_reject(tx: Transaction, batch_id: BatchId, upstream_id: str) -> None:
    """Note that a batch upstream does not bear this batch's nonce."""
    tx.execute(insert(rejected).values(batch=batch_id, upstream_id=upstream_id))


def candidates_rejected(tx: Transaction, batch_id: BatchId) -> set[str]:
    """The batches upstream that were ruled out for a batch."""
    rows = tx.execute(select(rejected.c.upstream_id).where(rejected.c.batch == batch_id))
    return set(rows.scalars())


def duplicate_note(
    tx: Transaction, upstream_id: str, batch_id: BatchId, attempt_try: str, now: float
) -> None:
    """Note that a batch upstream is a second one of a batch of ours."""
    size = select(batch.c.requests).where(batch.c.id == batch_id).scalar_subquery()
    tx.execute(
        insert(duplicate).values(
            upstream_id=upstream_id,
            batch=batch_id,
            attempt_try=attempt_try,
            requests=size,
            found_at=now,
        )
    )
