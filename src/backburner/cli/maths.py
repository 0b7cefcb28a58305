"""The README's maths on the page."""

from typing import Any

from backburner.cli.output import Page
from backburner.nouns.money import Money
from backburner.nouns.tariff import Tariff
from backburner.report.maths import (
    DRAFT,
    DRAFTS,
    MATHS_MODEL,
    MOVED_PERCENTS,
    PREFIX_TOKENS,
    SHARERS,
    CachedPrefix,
    SharedPrefix,
    drafts,
    percent_more,
    price_table,
    saved_percent,
    shared_prefix,
)


def show_maths(page: Page, tariff: Tariff) -> None:
    """Every figure, in the README's order."""
    page.line(f"US dollars for a million tokens, prices of {tariff.as_of} ({tariff.source}):")
    page.line()
    rows = [
        (
            row.model,
            *_shown(row.sync_input, row.sync_output, row.batch_input, row.batch_output),
        )
        for row in price_table(tariff)
    ]
    headings = ("model", "sync input", "sync output", "batch input", "batch output")
    page.table(headings, rows, " rrrr")
    _show_drafts(page, tariff)
    _show_prefix(page, shared_prefix(tariff))
    _show_moved(page, tariff)


def _show_drafts(page: Page, tariff: Tariff) -> None:
    one = drafts(tariff)
    page.line()
    page.line(
        f"{DRAFTS:,} drafts on {MATHS_MODEL}, {DRAFT.input_tokens} tokens in and "
        f"{DRAFT.output_tokens} out each:"
    )
    page.line()
    page.facts([("sync", one.sync.show()), ("batch", one.batch.show())])


def _show_prefix(page: Page, shared: SharedPrefix) -> None:
    page.line()
    page.line(f"{SHARERS} requests on {MATHS_MODEL} share a prompt of {PREFIX_TOKENS:,} tokens.")
    page.line("What its input costs, without the rest of each request:")
    page.line()
    page.facts(
        [
            ("sync", shared.plain.sync.show()),
            ("in a batch", shared.plain.batch.show()),
            (
                "as often promised",
                f"{shared.ideal.show()}, if one paid that price and all others read it",
            ),
        ]
    )
    page.line()
    page.line("In a batch with a cache mark on every request, and against a batch without:")
    page.line()
    rows = [_prefix_row(shared, one) for one in (*shared.cached, shared.floor)]
    page.table(("requests that read it", "5-minute mark", "", "1-hour mark", ""), rows, " rrrr")


def _prefix_row(shared: SharedPrefix, one: CachedPrefix) -> tuple[str, ...]:
    share = f"{one.hits / SHARERS:.0%}".replace("%", " %")
    label = "all but the first" if one is shared.floor else f"{one.hits} of {SHARERS}, {share}"
    cells = []
    for money in (one.five_minutes, one.hour):
        cells += [money.show(), f"{percent_more(money, shared.plain.batch):+d} %"]
    return label, *cells


def _show_moved(page: Page, tariff: Tariff) -> None:
    page.line()
    page.line("Of all spend, the share that moves to batches, and what that saves of all:")
    page.line()
    page.facts(
        [
            (f"{moved} % moved", f"{saved_percent(tariff, moved)} % saved")
            for moved in MOVED_PERCENTS
        ]
    )


def maths_json(tariff: Tariff) -> dict[str, Any]:
    """The same as JSON values; money as exact decimal strings of US dollars."""
    one, shared = drafts(tariff), shared_prefix(tariff)
    return {
        "price_date": tariff.as_of.isoformat(),
        "price_source": tariff.source,
        "per_million_tokens": [
            {
                "model": row.model,
                "sync_input_usd": row.sync_input.usd(),
                "sync_output_usd": row.sync_output.usd(),
                "batch_input_usd": row.batch_input.usd(),
                "batch_output_usd": row.batch_output.usd(),
            }
            for row in price_table(tariff)
        ],
        "drafts": {"sync_usd": one.sync.usd(), "batch_usd": one.batch.usd()},
        "shared_prompt": {
            "sync_usd": shared.plain.sync.usd(),
            "batch_usd": shared.plain.batch.usd(),
            "ideal_usd": shared.ideal.usd(),
            "floor": _prefix_json(shared.floor),
            "cached": [_prefix_json(one) for one in shared.cached],
        },
        "moved": [
            {"moved_percent": moved, "saved_percent": saved_percent(tariff, moved)}
            for moved in MOVED_PERCENTS
        ],
    }


def _prefix_json(one: CachedPrefix) -> dict[str, object]:
    return {
        "hits": one.hits,
        "five_minutes_usd": one.five_minutes.usd(),
        "one_hour_usd": one.hour.usd(),
    }


def _shown(*amounts: Money) -> tuple[str, ...]:
    return tuple(money.show() for money in amounts)
