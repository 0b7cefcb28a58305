"""Statements about doubts: who is known upstream, what was ruled out, what was paid twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, insert, select

from backburner.nouns.batch import BatchId, BatchState
from backburner.nouns.outcome import Outcome
from backburner.store.engine import Transaction
from backburner.store.schema import (
    attempt,
    batch,
    duplicate,
    exception,
    outbox,
    rejected,
    worst_case,
)


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


@dataclass(frozen=True, slots=True)
class Doubted:
    """Requests of a run of which nobody knows whether they were paid.

    Attributes:
        since: When that began, in POSIX seconds.
        amount: The most that they cost, in picodollars, but for the `unbounded` ones.
    """

    run: str
    since: float
    requests: int
    unbounded: int
    amount: int


_gone = (
    (batch.c.state == BatchState.DONE)
    & batch.c.upstream_id.is_not(None)
    & batch.c.results.is_(None)
)
_in_doubt = batch.c.state.in_((BatchState.ARMED, BatchState.UNKNOWN))


def doubted(tx: Transaction) -> Iterator[Doubted]:
    """What may have been paid: batches in doubt, given up or without results, and lost lines."""
    since = func.coalesce(batch.c.armed_at, batch.c.created_at)
    found = select(batch.c.id, batch.c.run, batch.c.requests, since).where(_in_doubt | _gone)
    for number, run, requests, at in tx.execute(found):
        cases = tx.execute(select(worst_case).where(worst_case.c.batch == number)).all()
        if cases:
            yield from (Doubted(c.run, at, c.requests, c.unbounded, c.amount) for c in cases)
        elif run is not None:
            yield Doubted(run, at, requests, requests, 0)
        else:
            yield from _retries(tx, number, at)
    yield from _lost_lines(tx)
    yield from _unanswered(tx)


def _unanswered(tx: Transaction) -> Iterator[Doubted]:
    """Direct calls of collected batches to which no answer came: they alone are weighed by then."""
    armed_at = func.min(outbox.c.armed_at)
    found = (
        select(worst_case, armed_at.label("since"))
        .join(batch, batch.c.id == worst_case.c.batch)
        .join(outbox, outbox.c.batch == batch.c.id)
        .where(batch.c.state == BatchState.DONE)
        .group_by(worst_case.c.batch, worst_case.c.run)
    )
    for case in tx.execute(found):
        yield Doubted(case.run, case.since, case.requests, case.unbounded, case.amount)


def _retries(tx: Transaction, batch_id: int, since: float) -> Iterator[Doubted]:
    """What a batch of retries holds of each run."""
    first = batch.alias("first")
    rows = tx.execute(
        select(first.c.run, func.count())
        .select_from(exception)
        .join(first, first.c.id == exception.c.batch)
        .where(exception.c.last_batch == batch_id)
        .group_by(first.c.run)
    )
    for run, count in rows:
        yield Doubted(run, since, count, count, 0)


def _lost_lines(tx: Transaction) -> Iterator[Doubted]:
    """Requests that a collected batch held, and of which no download served a line."""
    first = batch.alias("first")
    at = func.min(batch.c.ended_at)
    rows = tx.execute(
        select(first.c.run, at, func.count())
        .select_from(attempt)
        .join(batch, batch.c.id == attempt.c.in_batch)
        .join(first, first.c.id == attempt.c.batch)
        .where(
            attempt.c.outcome == Outcome.MISSING,
            attempt.c.error_type == "",
            batch.c.results.is_not(None),
        )
        .group_by(first.c.run, batch.c.id)
    )
    for run, since, count in rows:
        yield Doubted(run, since or 0.0, count, count, 0)
