"""`backburner plan`: what a run would do and cost, side by side with what else it could be."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from backburner.cli import options
from backburner.cli.check import checked_json, show_checked
from backburner.cli.input_options import takes_input
from backburner.cli.looking import Look, look_of, part_facts, parts_json
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, session_of
from backburner.cli.words import many
from backburner.errors import InputError
from backburner.nouns.urgency import Urgency

if TYPE_CHECKING:
    from backburner.client.planning import Planned, Setting
    from backburner.client.routing import Part
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

    Route rules are applied as `run` applies them. With a key, about twenty requests are counted by
    Anthropic, which is free; --offline sends none.
    """
    from backburner.client.planning import plan as plan_input  # noqa: PLC0415  # not for --help

    page = Page(as_json=json)
    look = look_of(session_of(context), page, home, lane)
    wanted = wanted.over(look.access.settings.lane_terms(lane).defaults)

    def see(part: "Part", stdin: Callable[[], BinaryIO]) -> "Planned":
        setting = _setting(look, part.lane, wanted, batch_size, offline=offline)
        return plan_input(part.options, setting, stdin, part.content)

    parts = look.at_parts(wanted, see)
    for number, (part, planned) in enumerate(parts):
        if number:
            page.line()
        _show(page, wanted, part, planned, among=len(parts))
    _show_end(page, [planned for _, planned in parts])
    page.finish(parts_json([(part, one.checked.requests, _json(one)) for part, one in parts]))
    return InputError.exit_code if any(one.checked.fault_count for _, one in parts) else 0


def _setting(
    look: Look, lane: str, wanted: Wanted, batch_size: int | None, *, offline: bool
) -> "Setting":
    """Where a part is planned that travels in a lane."""
    from backburner.client.access import within_queue  # noqa: PLC0415  # as above
    from backburner.client.planning import Setting, counter  # noqa: PLC0415  # as above
    from backburner.plan.packing import PackLimits  # noqa: PLC0415  # as above

    access = look.access
    terms = access.settings.lane_terms(lane)
    return Setting(
        home=access.settings.home,
        lane=lane,
        base_url=access.address(terms),
        clock=look.clock,
        limits=within_queue(options.pack_limits(batch_size) or PackLimits(), terms),
        terms=look.prices(wanted),
        upstream=None if offline else counter(access, terms),
    )


def _show(page: Page, wanted: Wanted, part: "Part", planned: "Planned", *, among: int) -> None:
    if planned.estimate is None:
        show_checked(page, wanted, part, planned.checked, among=among)
    else:
        _show_estimate(page, wanted, part, planned, planned.estimate, among=among)


def _show_end(page: Page, planned: "Sequence[Planned]") -> None:
    """The sum of several parts, and what was not done."""
    estimates = [one.estimate for one in planned if one.estimate is not None]
    if not estimates:
        return
    page.line()
    whole = reduce(add, estimates)
    if len(planned) > 1 and len(estimates) == len(planned):
        rows = [("all together", *_figures(whole.price)), ("all of it sync", *_figures(whole.sync))]
        page.table(("US dollars", "at least", "about", "at most"), rows, " rrr")
        page.line()
    page.line(f"Prices of {whole.price_date}. Nothing was kept, and no request was sent.")


def _show_estimate(
    page: Page,
    wanted: Wanted,
    part: "Part",
    planned: "Planned",
    estimate: "Estimate",
    *,
    among: int,
) -> None:
    from backburner.cli.planning import (  # noqa: PLC0415  # not for --help
        answers_in_words,
        cache_facts,
        field_facts,
        files_facts,
        named,
        requests_in_words,
        travel_fact,
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
            *part_facts(part, checked.requests, among),
            ("model", ", ".join(checked.models)),
            *field_facts(checked.fields, checked.cache),
            travel_fact(part.urgency, checked.requests, checked.batches or 0),
            ("input tokens", f"{_tokens(estimate.input_tokens)}, {_how(planned, estimate)}"),
            ("output tokens", _tokens(estimate.output_tokens)),
            ("answers", answers_in_words(estimate)),
            *files_facts(estimate),
            *cache_facts(checked.cache),
            *(("warning", f"{warning}; {warning.hint}") for warning in checked.warnings),
        ]
    )
    page.line()
    rows = [(name, *_figures(price)) for name, price in _compared(part.urgency, planned, estimate)]
    page.table(("US dollars", "at least", "about", "at most"), rows, " rrr")


def _compared(
    urgency: str, planned: "Planned", estimate: "Estimate"
) -> "Iterator[tuple[str, PriceRange]]":
    """What is set side by side: as it would be sent, and other ways."""
    if urgency == Urgency.NOW:
        yield "sync, at once", estimate.price
        return
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
