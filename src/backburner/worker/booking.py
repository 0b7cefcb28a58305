"""Booking: what answers used and cost, as rows of the ledger."""

from collections.abc import Callable, Iterable

from backburner.errors import ModelUnknown
from backburner.nouns.batch import Batch
from backburner.nouns.tariff import ModelPrice
from backburner.store.ledger import LedgerRow
from backburner.worker.reading import Booking
from backburner.worker.tools import Tools


def ledger_rows(
    tools: Tools, batch: Batch, upstream_id: str, bookings: Iterable[Booking], now: float
) -> list[LedgerRow]:
    """A row for each run and model of what a batch upstream answered."""
    price_of = price_finder(tools)
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
        )
        for booking in bookings
    ]


def _date(price: ModelPrice | None) -> str:
    return str(price.as_of) if price else ""


def price_finder(tools: Tools) -> Callable[[str], ModelPrice | None]:
    """Gives the price of a model where it is known."""

    def price_of(model: str) -> ModelPrice | None:
        try:
            return tools.tariff([model]).price(model)
        except ModelUnknown:
            # An answer in hand is kept whatever it cost; its price is then unknown, never zero.
            return None

    return price_of
