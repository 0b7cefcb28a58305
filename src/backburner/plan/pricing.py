"""What usage costs. Integers throughout: no figure is ever rounded."""

from backburner.nouns.batch import Via
from backburner.nouns.money import Charge
from backburner.nouns.tariff import WEB_SEARCH, ModelPrice, Rates, Tariff
from backburner.nouns.usage import Usage


def rates_for(tariff: Tariff, model: str, prompt_tokens: int, via: Via) -> Rates:
    """The rates of one request, by its whole prompt: cached tokens count towards a price step.

    Raises:
        ModelUnknown: The tariff has no such model.
    """
    return tariff.price(model).rates(prompt_tokens, via)


def cost(tariff: Tariff, model: str, usage: Usage, via: Via) -> int:
    """Picodollars that one answer costs.

    Linear within a price step. The usage of several answers may be summed first only where the
    model has no steps.

    Raises:
        ModelUnknown: The tariff has no such model.

    Source: platform.claude.com pricing (batch processing, prompt caching), 2026-08-21.
    """
    return priced(rates_for(tariff, model, usage.prompt_tokens, via), usage)


def charge(price: ModelPrice, usage: Usage, via: Via) -> Charge:
    """What one answer costs, and the two prices that its savings are measured against.

    Web searches cost the same whatever the call travels by, so they stand in all three alike.
    """
    prompt_tokens = usage.prompt_tokens
    rates = price.rates(prompt_tokens, via)
    sync = rates if via is Via.DIRECT else price.rates(prompt_tokens, Via.DIRECT)
    return Charge(
        paid=priced(rates, usage),
        uncached=_uncached(rates, usage),
        sync=_uncached(sync, usage),
    )


def priced(rates: Rates, usage: Usage) -> int:
    """Picodollars of this usage at these rates."""
    return (
        usage.input_tokens * rates.input
        + usage.output_tokens * rates.output
        + usage.cache_write_5m_tokens * rates.cache_write_5m
        + usage.cache_write_1h_tokens * rates.cache_write_1h
        + usage.cache_read_tokens * rates.cache_read
        + usage.web_searches * WEB_SEARCH
    )


def _uncached(rates: Rates, usage: Usage) -> int:
    return (
        usage.prompt_tokens * rates.input
        + usage.output_tokens * rates.output
        + usage.web_searches * WEB_SEARCH
    )
