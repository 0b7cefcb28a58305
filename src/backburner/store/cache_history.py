"""What came of the cache marks of earlier runs: tokens read and written, batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from backburner.nouns.tariff import undated
from backburner.store.engine import Transaction
from backburner.store.schema import batch, ledger, run

MOST_BATCHES: Final = 500
"""Of each model; older batches count next to nothing beside so many newer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What one batch of a run with cache marks read and wrote.

    Attributes:
        plan: What was decided for the run, as JSON.
        first_request: The number of its first request in the run; None of a batch of retries.
        at: When it ended upstream, in POSIX seconds.
        requests: Answers that were billed.
        input_tokens: Of their prompts, neither read from the cache nor written to it.
    """

    plan: str
    first_request: int | None
    at: float
    model: str
    requests: int
    input_tokens: int
    read_tokens: int
    written_tokens: int


def cache_uses(tx: Transaction, model: str) -> Iterator[CacheUse]:
    """The newest batches of a model whose run had something decided for the prompt cache.

    Answers name a model by its dated id where it has one, whatever they were asked by.
    """
    alias = undated(model)
    is_ours = (ledger.c.model == alias) | ledger.c.model.startswith(f"{alias}-20", autoescape=True)
    rows = tx.execute(
        select(
            run.c.cache,
            batch.c.first_request,
            batch.c.origins,
            batch.c.ended_at,
            ledger.c.model,
            ledger.c.requests,
            ledger.c.input_tokens,
            ledger.c.cache_read_tokens,
            (ledger.c.cache_write_5m_tokens + ledger.c.cache_write_1h_tokens).label("written"),
        )
        .join(batch, batch.c.id == ledger.c.batch)
        .join(run, run.c.id == ledger.c.run)
        .where(is_ours, run.c.cache != "", batch.c.ended_at.is_not(None))
        .order_by(batch.c.id.desc())
        .limit(MOST_BATCHES)
    )
    for row in rows:
        yield CacheUse(
            plan=row.cache,
            first_request=row.first_request if row.origins is None else None,
            at=row.ended_at,
            model=row.model,
            requests=row.requests,
            input_tokens=row.input_tokens,
            read_tokens=row.cache_read_tokens,
            written_tokens=row.written,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPlan:
    """What was decided for a run, whether anything of it is back or not."""

    plan: str
    created_at: float


def past_plans(tx: Transaction) -> Iterator[PastPlan]:
    """The newest runs that had something decided for the prompt cache."""
    rows = tx.execute(
        select(run.c.cache, run.c.created_at)
        .where(run.c.cache != "")
        .order_by(run.c.created_at.desc())
        .limit(MOST_BATCHES)
    )
    for row in rows:
        yield PastPlan(plan=row.cache, created_at=row.created_at)
