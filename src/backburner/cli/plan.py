"""`backburner plan`: what a run would do and cost, side by side with what else it could be."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli import options
from backburner.cli.check import checked_json, show_checked
from backburner.cli.choosing import choose_model
from backburner.cli.input_options import takes_input
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.words import many
from backburner.errors import InputError

if TYPE_CHECKING:
    from backburner.client.planning import Planned, Setting
    from backburner.plan.estimating import Estimate
    from backburner.plan.ranges import PriceRange, TokenRange

Offline = Annotated[bool, typer.Option("--offline", help="Send nothing, not even to be counted")]


@takes_input
def plan(
    context: typer.Context,
    *,
    wanted: Wanted,
    batch_size: options.BatchSize = None,
    offline: Offline = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Say what a run would do and cost; keep nothing.

    With a key, about twenty requests are counted by Anthropic, which is free; --offline sends none.
    """
    from backburner.client.planning import plan as plan_input  # noqa: PLC0415  # not for --help

    session, page = session_of(context), Page(as_json=json)
    setting, rules = _setting(session, home, lane, batch_size, offline=offline)
    if wanted.allow_unknown_price:
        setting = replace(setting, terms=replace(setting.terms, allow_unknown=True))
    usual = setting.defaults
    wanted, model = wanted.over(usual), wanted.model or ""
    if wanted.is_table and not model:
        model = usual.model or choose_model(session, page, _tariff(setting))
    planned = plan_input(wanted.options(model), setting, session.stdin)
    if planned.estimate is None:
        show_checked(page, wanted, planned.checked)
    else:
        _show(page, wanted, planned, planned.estimate)
    if rules:
        told = many(rules, "route rule")
        page.line(f"As it is asked: `run` applies {told}, shows what they change, and asks.")
    page.finish(_json(planned))
    return InputError.exit_code if planned.checked.fault_count else 0


def _setting(
    session: Session, home: Any, lane: str, batch_size: int | None, *, offline: bool
) -> "tuple[Setting, int]":
    """Where the plan is made, and how many route rules there are, which it does not apply."""
    from backburner.client.access import access_from, within_queue  # noqa: PLC0415  # as above
    from backburner.client.planning import Setting, counter  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above
    from backburner.plan.packing import PackLimits  # noqa: PLC0415  # as above

    access = access_from(session.client, session.environment, home)
    settings, lane_terms = access.settings, access.settings.lane_terms(lane)
    setting = Setting(
        home=settings.home,
        lane=lane,
        base_url=access.address(lane_terms),
        clock=session.clock or StoreClock(),
        limits=within_queue(options.pack_limits(batch_size) or PackLimits(), lane_terms),
        defaults=lane_terms.defaults,
        terms=settings.prices,
        upstream=None if offline else counter(access, lane_terms),
    )
    return setting, len(settings.routes)


def _tariff(setting: "Setting") -> Any:
    from datetime import UTC, datetime  # noqa: PLC0415  # as above

    from backburner import prices  # noqa: PLC0415  # as above

    return prices.tariff(None, datetime.fromtimestamp(setting.clock.now(), UTC), setting.terms.own)


def _show(page: Page, wanted: Wanted, planned: "Planned", estimate: "Estimate") -> None:
    from backburner.cli.planning import (  # noqa: PLC0415  # not for --help
        answers_in_words,
        batches_in_words,
        cache_facts,
        field_facts,
        files_facts,
        named,
        requests_in_words,
        where_facts,
    )

    checked = planned.checked
    shown = requests_in_words(
        checked.rows, checked.requests, is_table=wanted.is_table, packs=checked.packed
    )
    page.facts(
        [
            ("input", f"{named(wanted.source)}: {shown}"),
            *where_facts(wanted.where, checked.left_out),
            ("model", ", ".join(checked.models)),
            *field_facts(checked.fields, checked.cache),
            ("batches", batches_in_words(checked.batches or 0)),
            ("input tokens", f"{_tokens(estimate.input_tokens)}, {_how(planned, estimate)}"),
            ("output tokens", _tokens(estimate.output_tokens)),
            ("answers", answers_in_words(estimate)),
            *files_facts(estimate),
            *cache_facts(checked.cache),
            *(("warning", f"{warning}; {warning.hint}") for warning in checked.warnings),
        ]
    )
    page.line()
    rows = [(name, *_figures(price)) for name, price in _compared(planned, estimate)]
    page.table(("US dollars", "at least", "about", "at most"), rows, " rrr")
    page.line()
    page.line(f"Prices of {estimate.price_date}. Nothing was kept, and no request was sent.")


def _compared(planned: "Planned", estimate: "Estimate") -> "Iterator[tuple[str, PriceRange]]":
    """What is set side by side: as it would be sent, and other ways."""
    if estimate.cached:
        yield "as planned", estimate.price
        yield "batch, no cache", estimate.uncached
    else:
        yield "batch", estimate.price
    for rate, price in estimate.cached:
        yield f"batch + cache, {rate:.0%} read".replace("%", " %"), price
    yield "the same calls sync", estimate.sync
    for model, other in planned.cheaper:
        yield f"batch with {model}", other.price


def _figures(price: "PriceRange") -> tuple[str, str, str]:
    return (price.low.show(), price.expected.show(), price.high.show())


def _tokens(tokens: "TokenRange") -> str:
    return f"{tokens.low:,} to {tokens.high:,}, about {tokens.expected:,}"


def _how(planned: "Planned", estimate: "Estimate") -> str:
    counts = planned.counts
    by_fit = "by a fit to counted text of many kinds"
    if estimate.counted:
        counted = f"by counting {many(estimate.counted, 'request')}"
        return counted if not (counts and counts.why_not) else f"{counted}; {counts.why_not}"
    return by_fit if not (counts and counts.why_not) else f"{by_fit}: {counts.why_not}"


def _json(planned: "Planned") -> dict[str, Any]:
    from backburner.cli.plan_json import estimate_json, price_json  # noqa: PLC0415  # as above

    checked = checked_json(planned.checked)
    estimate = planned.estimate
    if estimate is None:
        return checked
    return {
        **checked,
        "estimate": estimate_json(estimate),
        "uncached": price_json(estimate.uncached),
        "cached": [{"hit_rate": rate, **price_json(price)} for rate, price in estimate.cached],
        "cheaper": [
            {"model": model, **price_json(other.price)} for model, other in planned.cheaper
        ],
        "why_not_counted": planned.counts.why_not if planned.counts else "",
    }
