"""`prices`: what each model costs, and the README's maths."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, session_of
from backburner.nouns.money import Money, usd

if TYPE_CHECKING:
    from backburner.nouns.tariff import ModelPrice, Rates, Tariff

Models = Annotated[
    list[str] | None, typer.Argument(metavar="[MODEL]...", help="These models; all if none")
]
Maths = Annotated[bool, typer.Option("--maths", help="Compute the figures of the README's maths")]

_MILLION: Final = 1_000_000
_HEADINGS: Final = ("model", "", "input", "output", "write 5m", "write 1h", "read")


def prices(
    context: typer.Context,
    models: Models = None,
    *,
    maths: Maths = False,
    home: Home = None,
    json: Json = False,
) -> int:
    """Show what each model costs, sync and in batches."""
    from backburner.cli.maths import maths_json, show_maths  # noqa: PLC0415  # not for --help

    page = Page(as_json=json)
    if maths:
        tariff = _tariff(context, home, None)
        show_maths(page, tariff)
        page.finish(maths_json(tariff))
        return 0
    tariff = _tariff(context, home, models)
    shown = [tariff.price(model) for model in models] if models else _in_order(tariff)
    page.line(f"US dollars for a million tokens, prices of {tariff.as_of} ({tariff.source}).")
    page.line()
    page.table(_HEADINGS, [row for price in shown for row in _rows(price)], "  rrrrr")
    notes = list(_notes(tariff, shown))
    if notes:
        page.line()
    for note in notes:
        page.line(note)
    page.finish(_json(tariff, shown))
    return 0


def _tariff(context: typer.Context, home: Path | None, models: Sequence[str] | None) -> "Tariff":
    from datetime import UTC, datetime  # noqa: PLC0415  # as above

    from backburner import prices as price_list  # noqa: PLC0415  # slow, not for --help
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above
    from backburner.config import price_terms, read_config  # noqa: PLC0415  # as above

    session = session_of(context)
    own = price_terms(read_config(session.environment, home)).own
    now = (session.clock or StoreClock()).now()
    return price_list.tariff(models or None, datetime.fromtimestamp(now, UTC), own)


def _in_order(tariff: "Tariff") -> "list[ModelPrice]":
    """The three models of the README first, then all others by their names."""
    from backburner.report.maths import TABLE_MODELS  # noqa: PLC0415  # as above

    first = [name for name in TABLE_MODELS if name in tariff.models]
    others = sorted(tariff.models.keys() - set(first))
    return [tariff.models[name] for name in (*first, *others)]


def _rows(price: "ModelPrice") -> Iterator[list[str]]:
    """Two lines a model, and two for each of its steps."""
    yield [price.model, "sync", *_amounts(price.sync)]
    yield ["", "batch", *_amounts(price.batch)]
    for step in price.steps:
        yield [f"  above {step.above_prompt_tokens:,}", "sync", *_amounts(step.sync)]
        yield ["", "batch", *_amounts(step.batch)]


def _amounts(rates: "Rates") -> list[str]:
    kinds = (
        rates.input,
        rates.output,
        rates.cache_write_5m,
        rates.cache_write_1h,
        rates.cache_read,
    )
    return [_exact(rate) for rate in kinds]


def _exact(rate: int) -> str:
    """Dollars for a million tokens: at least two decimals, and never rounded."""
    whole, _, rest = usd(rate * _MILLION).partition(".")
    return f"{whole}.{rest:0<2}"


def _notes(tariff: "Tariff", shown: "Sequence[ModelPrice]") -> Iterator[str]:
    from backburner.nouns.tariff import WEB_SEARCH  # noqa: PLC0415  # as above

    if any(price.steps for price in shown):
        yield "Above that many tokens of prompt, cached ones too, every token costs more."
    yield 'With inference_geo "us", a tenth more on every token (4.6 and newer).'
    searches = Money(picodollars=1_000 * WEB_SEARCH).show()
    yield f"Web searches cost {searches} for 1,000, in batches too."
    for price in shown:
        if price.source != tariff.source:
            yield f"{price.model}: prices of {price.as_of} ({price.source})."


def _json(tariff: "Tariff", shown: "Sequence[ModelPrice]") -> dict[str, Any]:
    from backburner.nouns.tariff import WEB_SEARCH  # noqa: PLC0415  # as above

    return {
        "price_date": tariff.as_of.isoformat(),
        "price_source": tariff.source,
        "web_search_usd": usd(WEB_SEARCH),
        "models": [
            {
                "model": price.model,
                "price_date": price.as_of.isoformat(),
                "price_source": price.source,
                "sync": _rates_json(price.sync),
                "batch": _rates_json(price.batch),
                "steps": [
                    {
                        "above_prompt_tokens": step.above_prompt_tokens,
                        "sync": _rates_json(step.sync),
                        "batch": _rates_json(step.batch),
                    }
                    for step in price.steps
                ],
            }
            for price in shown
        ],
    }


def _rates_json(rates: "Rates") -> dict[str, str]:
    """Rates as exact decimal strings of US dollars for a million tokens."""
    return {
        "input": usd(rates.input * _MILLION),
        "output": usd(rates.output * _MILLION),
        "cache_write_5m": usd(rates.cache_write_5m * _MILLION),
        "cache_write_1h": usd(rates.cache_write_1h * _MILLION),
        "cache_read": usd(rates.cache_read * _MILLION),
    }
