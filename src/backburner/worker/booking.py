"""Booking: what answers used and cost, as rows of the ledger."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from backburner.errors import ModelUnknown
from backburner.nouns.batch import Batch
from backburner.nouns.budget import WorstCase, day_scope
from backburner.nouns.tariff import ModelPrice
from backburner.plan.budgets import demand, scopes_of
from backburner.store import Transaction
from backburner.store.budgets import (
    budget_book,
    budgets_in,
    day_of_batch,
    day_open,
    is_any_budget,
    reservations_end,
    reserve_anyway,
    worst_cases_put,
)
from backburner.store.ledger import LedgerRow, ledger_append
from backburner.store.runs import run_get
from backburner.worker.reading import Booking
from backburner.worker.tools import Tools


def ledger_rows(
    tools: Tools, batch: Batch, upstream_id: str, bookings: Iterable[Booking], now: float
) -> list[LedgerRow]:
    """A row for each run and model of what a batch upstream answered."""
    price_of = price_finder(tools)
    booked = list(bookings)
    with tools.store.read() as tx:
        runs = {one: run_get(tx, one) for one in {booking.run for booking in booked}}
    return [
        LedgerRow(
            batch=batch.id,
            upstream_id=upstream_id,
            run=booking.run,
            model=booking.model,
            day=tools.day(now),
            requests=booking.requests,
            input_tokens=booking.usage.input_tokens,
            output_tokens=booking.usage.output_tokens,
            cache_write_5m_tokens=booking.usage.cache_write_5m_tokens,
            cache_write_1h_tokens=booking.usage.cache_write_1h_tokens,
            cache_read_tokens=booking.usage.cache_read_tokens,
            web_searches=booking.usage.web_searches,
            paid=booking.charge.paid if booking.charge else None,
            sync_price=booking.charge.sync if booking.charge else None,
            uncached_price=booking.charge.uncached if booking.charge else None,
            price_date=_date(price_of(booking.model)),
            owner=runs[booking.run].owner,
            tags=runs[booking.run].tags,
        )
        for booking in booked
    ]


def _date(price: ModelPrice | None) -> str:
    return str(price.as_of) if price else ""


def book(tools: Tools, tx: Transaction, batch: Batch, rows: Sequence[LedgerRow]) -> None:
    """Book rows in the ledger, and under every budget that they fall under."""
    ledger_append(tx, rows)
    if not is_any_budget(tx):
        return
    day = _day_of(tools, tx, batch)
    paid: Counter[str] = Counter()
    for row in rows:
        for scope in scopes_of(run_get(tx, row.run), day, batch.via):
            paid[scope] += row.paid or 0
    for scope in sorted(budgets_in(tx, paid)):
        budget_book(tx, batch.id, scope, paid[scope])


def settle(tools: Tools, tx: Transaction, batch: Batch, rows: Sequence[LedgerRow]) -> None:
    """Book what a batch cost in place of what it has reserved."""
    book(tools, tx, batch, rows)
    reservations_end(tx, batch.id)


def keep_reserved(tools: Tools, tx: Transaction, batch: Batch, doubted: list[WorstCase]) -> None:
    """Keep what requests in doubt can have cost, once all else of their batch is settled."""
    worst_cases_put(tx, batch.id, doubted)
    if not is_any_budget(tx):
        return
    day = _day_of(tools, tx, batch)
    runs = {case.run: run_get(tx, case.run) for case in doubted}
    taken = demand(doubted, runs, {}, day, batch.via)
    for scope in sorted(budgets_in(tx, taken)):
        reserve_anyway(tx, batch.id, scope, taken[scope])


def _day_of(tools: Tools, tx: Transaction, batch: Batch) -> str:
    """The day of release; of a batch that has reserved for none, that of its sending."""
    reserved = day_of_batch(tx, batch.id)
    if reserved is not None:
        return reserved.partition(":")[2]
    day = tools.day(batch.sent_at or batch.armed_at or tools.clock.now())
    day_open(tx, day_scope(day), tools.clock.now())
    return day


def price_finder(tools: Tools) -> Callable[[str], ModelPrice | None]:
    """Gives the price of a model where it is known."""

    def price_of(model: str) -> ModelPrice | None:
        try:
            return tools.tariff([model]).price(model)
        except ModelUnknown:
            # An answer in hand is kept whatever it cost; its price is then unknown, never zero.
            return None

    return price_of
