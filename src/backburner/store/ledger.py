"""Statements about the ledger: append-only tokens and money, one row per batch, run and model."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import Row, func, insert, select

from backburner.nouns.batch import Via
from backburner.store.engine import Transaction
from backburner.store.schema import batch, duplicate, lane, ledger, run


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """What one batch cost one run with one model, in tokens and picodollars.

    Attributes:
        upstream_id: The batch upstream that was paid; not the batch's own for a duplicate. Empty
            for what was asked directly.
        paid: None where the model has no known price, like the two that follow it.
        day: The local day of collection, as YYYY-MM-DD.
        sync_price: The same tokens at sync rates, had none of them been cached.
        uncached_price: The same tokens at the rates paid, had none of them been cached.
        price_date: The date of the price used; empty where none is known.
    """

    batch: int
    upstream_id: str
    run: str
    model: str
    day: str
    requests: int
    input_tokens: int
    output_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cache_read_tokens: int
    paid: int | None
    sync_price: int | None
    uncached_price: int | None
    price_date: str
    web_searches: int = 0
    owner: str = ""
    tags: str = ""

    @property
    def is_direct(self) -> bool:
        """Whether it was asked directly: then there is no batch upstream."""
        return not self.upstream_id


_COLUMNS = [ledger.c[name] for name in LedgerRow.__slots__]


def _row(row: Row[Any]) -> LedgerRow:
    return LedgerRow(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


def ledger_append(tx: Transaction, rows: Iterable[LedgerRow]) -> None:
    """Book rows. A batch upstream is booked once: a second booking breaks the primary key."""
    values = [asdict(row) for row in rows]
    if values:
        tx.execute(insert(ledger), values)


def ledger_duplicates(tx: Transaction, run: str) -> list[LedgerRow]:
    """What was booked for a run's batches that were accepted a second time."""
    late = select(duplicate.c.upstream_id)
    found = (ledger.c.run == run) & ledger.c.upstream_id.in_(late)
    return [_row(row) for row in tx.execute(select(*_COLUMNS).where(found))]


def ledger_of_run(tx: Transaction, run: str) -> list[LedgerRow]:
    """All that was booked for a run. Sums are made in Python: SQLite's overflow."""
    return [_row(row) for row in tx.execute(select(*_COLUMNS).where(ledger.c.run == run))]


@dataclass(frozen=True, slots=True)
class Booked:
    """A row of the ledger, and what the money went on.

    Attributes:
        is_retry: Whether its batch held attempts after the first.
        is_duplicate: Whether its batch was accepted a second time.
    """

    row: LedgerRow
    is_retry: bool
    is_duplicate: bool


def ledger_booked(tx: Transaction, of_run: str | None = None) -> list[Booked]:
    """All that was booked, or all of a run, in the order in which the runs were made."""
    query = (
        select(*_COLUMNS, batch.c.origins, duplicate.c.upstream_id.label("twice"))
        .join(run, run.c.id == ledger.c.run)
        .join(batch, batch.c.id == ledger.c.batch)
        .outerjoin(duplicate, duplicate.c.upstream_id == ledger.c.upstream_id)
        .order_by(run.c.created_at, run.c.id, ledger.c.batch)
    )
    if of_run is not None:
        query = query.where(ledger.c.run == of_run)
    return [
        Booked(
            LedgerRow(**{name: getattr(one, name) for name in LedgerRow.__slots__}),
            one.origins is not None,
            one.twice is not None,
        )
        for one in tx.execute(query)
    ]


def ledger_of_batch(tx: Transaction, batch_id: int) -> list[LedgerRow]:
    """All that was booked for a batch."""
    return [_row(row) for row in tx.execute(select(*_COLUMNS).where(ledger.c.batch == batch_id))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A booking with the time at which its batch had ended upstream.

    Attributes:
        workspace: The one that its lane is pinned to; None where no answer told it.
        at: POSIX seconds; of a duplicate, when it was found.
        tokens: All its tokens, of whatever kind.
        paid: Picodollars; None where the model has no known price.
    """

    workspace: str | None
    at: float
    requests: int
    tokens: int
    paid: int | None


_TOKENS = reduce(add, (column for column in ledger.c if column.name.endswith("_tokens")))


def ledger_ended(tx: Transaction, since: float, until: float) -> list[Ended]:
    """What was booked for batches that ended within a time, `until` not included.

    Without direct calls: Anthropic's account cannot tell them from those of other programs.
    """
    at = func.coalesce(duplicate.c.found_at, batch.c.ended_at)
    found = (
        select(lane.c.workspace, at, ledger.c.requests, _TOKENS, ledger.c.paid)
        .join(batch, batch.c.id == ledger.c.batch)
        .join(lane, lane.c.name == batch.c.lane)
        .outerjoin(duplicate, duplicate.c.upstream_id == ledger.c.upstream_id)
        .where(at >= since, at < until, batch.c.via == Via.BATCH)
    )
    return [
        Ended(workspace=workspace, at=at, requests=requests, tokens=tokens, paid=paid)
        for workspace, at, requests, tokens, paid in tx.execute(found)
    ]
