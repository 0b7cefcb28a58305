"""Statements about runs."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, bindparam, exists, insert, select, update

from backburner.errors import NotFound
from backburner.nouns.run import Run
from backburner.store.engine import Transaction
from backburner.store.schema import batch, ledger, run

_COLUMNS = [run.c[field.name] for field in dataclasses.fields(Run)]


def runs_query(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Asks for the runs of which something holds, oldest first."""
    return select(*_COLUMNS).where(*conditions).order_by(run.c.created_at, run.c.id)


_UNWRITTEN: Final = run.c.output.is_not(None) & run.c.written_at.is_(None)
_COLLECTED: Final = runs_query(
    run.c.lane.in_(bindparam("lanes", expanding=True)),
    run.c.finished_at.is_(None) | _UNWRITTEN,
    ~exists().where(batch.c.run == run.c.id, batch.c.outcomes.is_(None)),
)


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    values["is_inbox"] = bool(values["is_inbox"])
    return Run(**{**values, "parts": json.loads(values["parts"])})


def run_insert(tx: Transaction, new: Run) -> None:
    """Add a run."""
    values = {field.name: getattr(new, field.name) for field in dataclasses.fields(Run)}
    values["is_inbox"] = int(new.is_inbox)
    tx.execute(insert(run).values({**values, "parts": json.dumps(dict(new.parts))}))


def run_get(tx: Transaction, run_id: str) -> Run:
    """One run.

    Raises:
        NotFound: There is none of that name.
    """
    row = tx.execute(select(*_COLUMNS).where(run.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run {run_id!r}", hint="`backburner status` lists the runs")
    return _run(row)


def _newest(tx: Transaction, condition: ColumnElement[bool]) -> Run | None:
    row = tx.execute(
        select(*_COLUMNS).where(condition).order_by(run.c.created_at.desc(), run.c.id)
    ).first()
    return _run(row) if row else None


def run_by_identity(tx: Transaction, identity: str) -> Run | None:
    """The newest run that asks the same thing, unless it was canceled."""
    return _newest(tx, (run.c.identity == identity) & run.c.cancel_asked_at.is_(None))


def run_by_output(tx: Transaction, output: str) -> Run | None:
    """The newest run whose output goes to a path."""
    return _newest(tx, run.c.output == output)


def run_by_name(tx: Transaction, lane: str, name: str) -> Run | None:
    """The newest run of a lane with that name."""
    return _newest(tx, (run.c.lane == lane) & (run.c.name == name))


def runs_all(tx: Transaction) -> list[Run]:
    """Every run, oldest first."""
    return [_run(row) for row in tx.execute(select(*_COLUMNS).order_by(run.c.created_at, run.c.id))]


def runs_of(tx: Transaction, query: Select[Any], **values: object) -> list[Run]:
    """The runs that such a query finds with these values."""
    return [_run(row) for row in tx.execute(query, values)]


def runs_where(tx: Transaction, condition: ColumnElement[bool]) -> list[Run]:
    """The runs of which something holds, oldest first."""
    return runs_of(tx, runs_query(condition))


def runs_shown(tx: Transaction, lane: str) -> list[Run]:
    """A lane's runs but those of tickets that are finished, oldest first."""
    shown = (run.c.lane == lane) & ((run.c.is_inbox == 0) | run.c.finished_at.is_(None))
    return runs_where(tx, shown)


def runs_of_tickets(tx: Transaction, lane: str) -> list[tuple[float, int, bool]]:
    """When each of a lane's runs of tickets was made, its requests, and whether it is finished."""
    rows = tx.execute(
        select(run.c.created_at, run.c.requests, run.c.finished_at.is_not(None))
        .where(run.c.lane == lane, run.c.is_inbox == 1)
        .order_by(run.c.created_at)
    )
    return [(created_at, requests, bool(is_over)) for created_at, requests, is_over in rows]


def runs_unfinished(tx: Transaction) -> list[Run]:
    """The runs of every lane that are not finished."""
    return runs_where(tx, run.c.finished_at.is_(None))


def runs_finished_since(tx: Transaction, since: float) -> list[Run]:
    """The runs of every lane that were finished at this time or later."""
    return runs_where(tx, run.c.finished_at >= since)


def runs_collected(tx: Transaction, lanes: tuple[str, ...]) -> list[Run]:
    """The runs of these lanes that were not closed, or whose output was not written yet.

    Only those of which every first attempt ended: the others are not over, whatever is retried.
    """
    return runs_of(tx, _COLLECTED, lanes=lanes)


def runs_booked(tx: Transaction, lane: str, most: int) -> list[Run]:
    """The newest runs of a lane whose answers are booked, and still there, newest first."""
    booked = select(ledger.c.run).distinct()
    query = select(*_COLUMNS).where(
        (run.c.lane == lane) & run.c.id.in_(booked) & run.c.pruned_at.is_(None)
    )
    return [_run(row) for row in tx.execute(query.order_by(run.c.created_at.desc()).limit(most))]


def batches_canceled(tx: Transaction, ids: Iterable[int]) -> set[int]:
    """Those of these batches whose run was canceled."""
    rows = tx.execute(
        select(batch.c.id)
        .join(run, run.c.id == batch.c.run)
        .where(batch.c.id.in_(set(ids)), run.c.cancel_asked_at.is_not(None))
    )
    return set(rows.scalars())


def batches_rescued(tx: Transaction, ids: Iterable[int]) -> set[int]:
    """Those of these batches whose run is being rescued, and was not canceled."""
    is_rescued = run.c.rescued_at.is_not(None) & run.c.cancel_asked_at.is_(None)
    rows = tx.execute(
        select(batch.c.id)
        .join(run, run.c.id == batch.c.run)
        .where(batch.c.id.in_(set(ids)), is_rescued)
    )
    return set(rows.scalars())


def run_update(tx: Transaction, run_id: str, **changes: Any) -> None:
    """Change a run's row."""
    tx.execute(update(run).where(run.c.id == run_id).values(**changes))
