"""Statements about pruning: which texts belong to a run, and that they are gone."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, select, union, update

from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.run import Run
from backburner.store.batches import batches_such
from backburner.store.engine import Transaction
from backburner.store.objects import objects_retire
from backburner.store.runs import run_update, runs_where
from backburner.store.schema import attempt, batch, duplicate, exception, object_, run

_TEXTS: Final = ("segment", "results", "keys")


def runs_over(tx: Transaction, before: float) -> list[Run]:
    """Runs that were finished before a time, their output written, and not pruned since."""
    is_written = run.c.output.is_(None) | run.c.written_at.is_not(None)
    is_over = (run.c.finished_at < before) & is_written & run.c.pruned_at.is_(None)
    return runs_where(tx, is_over)


def carriers_of_retries(tx: Transaction) -> dict[int, set[str]]:
    """The runs whose requests each batch of retries carries, pruned ones left out."""
    first, carrier = batch.alias("first"), batch.alias("carrier")
    places = union(
        select(attempt.c.batch.label("own"), attempt.c.in_batch.label("carried")),
        select(exception.c.batch, exception.c.last_batch),
    ).subquery()
    rows = tx.execute(
        select(places.c.carried, first.c.run)
        .join(first, first.c.id == places.c.own)
        .join(carrier, carrier.c.id == places.c.carried)
        .where(carrier.c.run.is_(None), carrier.c.pruned_at.is_(None), first.c.run.is_not(None))
        .distinct()
    )
    found: dict[int, set[str]] = {}
    for carried, of in rows:
        found.setdefault(carried, set()).add(of)
    return found


def objects_of(tx: Transaction, pruned: Run, carriers: Iterable[int]) -> list[str]:
    """The objects that hold texts of a run, or of batches of retries.

    Where the requests of such a batch come from is no text, and stays.
    """
    is_own = (batch.c.run == pruned.id) | batch.c.id.in_(list(carriers))
    rows = tx.execute(select(*(batch.c[name] for name in _TEXTS)).where(is_own)).all()
    own = (pruned.spec, pruned.source, pruned.row_map, pruned.moved, *_orphans(tx, is_own))
    return [name for name in (*own, *(one for row in rows for one in row)) if name]


def _orphans(tx: Transaction, is_own: ColumnElement[bool]) -> list[str]:
    """The objects that hold result lines of some batches that belong to no request of theirs.

    All lines are there of one that was kept aside before its list was known.
    """
    names = tx.execute(select(batch.c.nonce, batch.c.upstream_id).where(is_own)).all()
    kept = tx.execute(select(object_.c.name).where(object_.c.name.like("orphans/%"))).scalars()
    begins = tuple(f"orphans/{one}" for nonce, id_ in names for one in (f"{nonce}-", f"{id_}."))
    return [name for name in kept if name.startswith(begins)]


def duplicates_among(tx: Transaction, of_run: str, carriers: Iterable[int]) -> Sequence[str]:
    """The batches upstream whose second answers are kept, of a run or of batches of retries."""
    is_own = (batch.c.run == of_run) | batch.c.id.in_(list(carriers))
    rows = tx.execute(
        select(duplicate.c.upstream_id).join(batch, batch.c.id == duplicate.c.batch).where(is_own)
    )
    return rows.scalars().all()


def run_prune(
    tx: Transaction,
    of_run: str,
    names: Sequence[str],
    carriers: Iterable[int],
    *,
    kept: str,
    now: float,
) -> None:
    """Note that a run's texts are gone: the objects do not count any more."""
    objects_retire(tx, names)
    is_own = (batch.c.run == of_run) | batch.c.id.in_(list(carriers))
    tx.execute(update(batch).where(is_own).values(pruned_at=now))
    run_update(tx, of_run, pruned_at=now, kept=kept)


def batches_to_delete(tx: Transaction, lane: str) -> list[Batch]:
    """A lane's batches that we made, that are collected, and that the upstream still has."""
    ours = batch.c.upstream_id.is_not(None) & batch.c["keys"].is_(None)
    is_collected = (batch.c.state == BatchState.DONE) & batch.c.results.is_not(None)
    return batches_such(
        tx, (batch.c.lane == lane) & ours & is_collected & batch.c.deleted_at.is_(None)
    )


def batch_deleted(tx: Transaction, batch_id: int, now: float) -> None:
    """Note that the upstream does not know a batch any more."""
    tx.execute(update(batch).where(batch.c.id == batch_id).values(deleted_at=now))
