"""Prices that are typed by hand, in the proportions of the real ones."""

from datetime import date

from backburner.nouns.tariff import ModelPrice, Rates, Step

DAY = date(2026, 10, 14)


def rates(base: int, *, output: int = 5) -> Rates:
    """Rates in nanodollars per token of plain input, with the usual cache factors."""
    return Rates(
        input=base * 1_000,
        output=base * output * 1_000,
        cache_write_5m=base * 1_250,
        cache_write_1h=base * 2_000,
        cache_read=base * 100,
    )


def model_price(model: str, base: int, steps: tuple[Step, ...] = ()) -> ModelPrice:
    """A model whose plain input costs so much sync, and half of it in a batch."""
    return ModelPrice(
        model=model,
        sync=rates(base),
        batch=rates(base // 2),
        steps=steps,
        as_of=DAY,
        source="typed by hand",
    )
