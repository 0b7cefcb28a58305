"""What a run will do and cost, as it is shown before anybody is asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from backburner.cli.deadlines import deadline_facts
from backburner.cli.options import STDIN, Wanted
from backburner.cli.output import Facts
from backburner.cli.route_words import route_facts
from backburner.cli.words import many
from backburner.nouns.urgency import Urgency

_LIKE: Final = {
    "canary": "its canary",
    "prompt": "the same prompt",
    "name": "the same name",
    "lane": "the same model",
}

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.preparing import Fresh
    from backburner.nouns.run import Run
    from backburner.plan.caching.choices import CachePlan, Choice
    from backburner.plan.estimating import Estimate
    from backburner.plan.ranges import PriceRange
    from backburner.plan.workloads import Workload
    from backburner.runs.fields import FieldFigures
    from backburner.runs.output_schema import OutputSchema
    from backburner.runs.staging import Staged

_FEW: Final = 8


def plan_facts(
    wanted: Wanted,
    fresh: "Fresh",
    backburner: "Backburner",
    *,
    has_key: bool,
    at_once: bool = True,
) -> Facts:
    """The plan as labels and values.

    Args:
        wanted: What a person typed.
        fresh: The staged run.
        backburner: Where it is staged.
        has_key: Whether it can be sent.
        at_once: Whether it is sent now, and not with its lane's window.
    """
    from backburner.client.estimating import (  # noqa: PLC0415  # not for --help
        estimate_canary,
        estimate_staged,
        unpriced_models,
    )
    from backburner.client.promising import outlook_of  # noqa: PLC0415  # not for --help
    from backburner.upstream.credentials import what_lacks  # noqa: PLC0415  # as above

    staged = fresh.staged
    run = staged.run
    shown = requests_in_words(run.rows, run.requests, is_table=wanted.is_table, packs=run.packed)
    facts = [("input", f"{named(wanted.source)}: {shown}")]
    facts.extend(where_facts(wanted.where, staged.left_out))
    models = [work.model for work in staged.workloads]
    facts.extend(route_facts(run.taken))
    facts.extend(reuse_facts(run, wanted.reuse))
    if wanted.is_table and run.fresh:
        longest = staged.workloads[0].max_output_tokens // run.fresh
        default = "" if wanted.max_tokens else "; --max-tokens changes it"
        longest = wanted.most_tokens if run.packed else longest
        tokens = many(longest, "token")
        facts.append(("model", f"{models[0]}, answers of at most {tokens}{default}"))
    elif models:
        facts.append(("model", ", ".join(models)))
    if fresh.schema is not None:
        facts.extend(schema_facts(fresh.schema))
    facts.extend(field_facts(staged.fields, staged.cache))
    if run.fresh:
        facts.append(travel_fact(run.urgency, run.fresh, len(staged.batches)))
        lacking = unpriced_models(backburner.tools, staged.workloads)
        facts.extend(price_facts(estimate_staged(backburner.tools, staged), lacking))
    facts.extend(cache_facts(staged.cache))
    facts.extend(_billing_facts(staged))
    if staged.canary:
        facts.append(("canary", _canary(staged.canary, estimate_canary(backburner.tools, staged))))
    elif wanted.canary and run.fresh:
        facts.append(
            ("canary", f"none: there is no more than {many(run.fresh, 'request')} to send")
        )
    if run.moved is not None:
        rows = many(run.requests - run.packed, "row")
        facts.append(("pack check", f"the first {rows} both ways; the rest waits until you saw it"))
    facts.extend(
        deadline_facts(outlook_of(backburner.tools, staged, at_once=at_once), run, at_once=at_once)
    )
    facts.append(("output", _output(wanted, staged.run)))
    facts.append(("kept in", f"{backburner.settings.home}, lane {staged.run.lane}"))
    if fresh.changed:
        facts.append(("a new run", f"since the last one of this name, {_all(fresh.changed)}"))
    facts.extend(("warning", f"{warning}; {warning.hint}") for warning in staged.warnings)
    if not has_key:
        lacks = what_lacks(backburner.settings.lane_terms(backburner.lane))
        facts.append(("no key", f"it will be kept, and sent once that is mended: {lacks}"))
    return facts


def where_facts(where: str | None, left_out: int) -> Facts:
    """Which rows were chosen, and how many were not."""
    return [] if where is None else [("where", f"{where}; {many(left_out, 'row')} left out")]


def reuse_facts(run: "Run", span: str | None) -> Facts:
    """How many requests are not sent, since earlier runs have their answers."""
    if span is None:
        return []
    if not run.reused:
        return [("reused", f"nothing: lane {run.lane} has no such answer of the last {span}")]
    if not run.fresh:
        return [("reused", "all of it was answered by earlier runs: nothing is sent or paid")]
    answers = f"{many(run.reused, 'request')} answered by earlier runs"
    return [("reused", f"{answers}; {many(run.fresh, 'request')} to be sent")]


def _billing_facts(staged: "Staged") -> Facts:
    """Who pays, what for, and how much at most, where anybody said so."""
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help

    facts = []
    if staged.budget is not None:
        most = Money(picodollars=staged.budget).show()
        promise = (
            "reserved is what is likely, so it can become a little more"
            if staged.run.budget_mode == "expected"
            else "what could cost more is not sent, and waits"
        )
        facts.append(("budget", f"{most} for this run: {promise}"))
    if staged.run.tags:
        facts.append(("tags", staged.run.tags.replace(",", ", ")))
    if staged.run.owner:
        facts.append(("owner", staged.run.owner))
    return facts


def field_facts(figures: "FieldFigures | None", cache: "CachePlan | None") -> Facts:
    """What was planned for `{{ fields }}`, where the prompt says it."""
    if figures is None:
        return []
    columns, orders = many(len(figures.columns), "column"), many(figures.orders, "order")
    by = f", by a sample of {many(figures.rows, 'row')}" if figures.is_sampled else ""
    share = f"{_percent(figures.after)} of their text begins as in an earlier row{by}"
    facts = [
        ("fields", f"{columns} in {orders}: {share}"),
        ("", f"in the table's order {_percent(figures.before)}; {_reached(figures.of_bound)}"),
    ]
    if not (figures.is_cut and (cache is None or _has_beginnings(cache))):
        facts.append(("", "no beginning is long enough to be cached, so that saves nothing"))
    return facts


def _has_beginnings(plan: "CachePlan") -> bool:
    """Whether some messages begin alike for long enough to be cached."""
    from backburner.plan.caching.choices import Part  # noqa: PLC0415  # not for --help

    messages = (one for one in plan.choices if one.part is Part.MESSAGES)
    return any(one.tokens >= one.minimum_tokens for one in messages)


def _reached(share: float) -> str:
    # What is possible is only known from above, so the plan may be nearer to it than it says.
    whole = f"{100 * share:.0f} %"
    return "no order can do better" if whole == "100 %" else f"at least {whole} of what is possible"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def cache_facts(plan: "CachePlan | None") -> Facts:
    """What is decided of the prompt cache: a sentence for each choice."""
    from backburner.plan.caching.sentences import (  # noqa: PLC0415  # not for --help
        in_words,
        wave_in_words,
    )

    if plan is None:
        return []
    words = [in_words(one) for one in plan.choices if _is_worth_a_line(one)]
    words += filter(None, map(wave_in_words, plan.waves))
    return [("" if number else "prompt cache", line) for number, line in enumerate(words)]


def _is_worth_a_line(choice: "Choice") -> bool:
    """Not of a few words: that they are too short to be cached is no news."""
    return choice.tokens * _FEW >= choice.minimum_tokens


def schema_facts(schema: "OutputSchema") -> Facts:
    """What is said of a schema, and of all that was done to it."""
    columns = ", ".join(schema.columns)
    facts = [("schema", f"{schema.source}: {f'columns {columns}' if columns else 'no columns'}")]
    if schema.closed:
        objects = many(schema.closed, "object")
        facts.append(("", f"additionalProperties: false was added to {objects}: the API needs it"))
    if schema.told:
        places = ", ".join(schema.told)
        facts.append(("", f"the API does not enforce {places}: told in words, and checked here"))
    return facts


def price_in_words(price: "PriceRange") -> str:
    """A range of prices, with the one to reckon with."""
    return f"{price.low.show()} to {price.high.show()}, about {price.expected.show()}"


def _canary(canary: "tuple[Workload, ...]", estimate: "Estimate | None") -> str:
    first = many(sum(work.requests for work in canary), "request")
    price = "" if estimate is None else f" for {price_in_words(estimate.price)}"
    return f"the first {first} alone{price}; the rest waits until you saw the answers"


def named(source: str) -> str:
    """An input's name in words."""
    return "standard input" if source == STDIN else source


def requests_in_words(rows_read: int, count: int, *, is_table: bool, packs: int = 0) -> str:
    """How many rows and requests there are; `packs` of these ask several rows."""
    if not is_table:
        return many(count, "request")
    if packs:
        return _packed(rows_read, count, packs)
    rows, requests, collapsed = many(rows_read, "row"), many(count, "request"), rows_read - count
    if collapsed:
        verb = "shares" if collapsed == 1 else "share"
        return f"{rows}, {requests}; {many(collapsed, 'row')} {verb} that of an identical row"
    return f"{rows}, each a request of its own"


def _packed(rows_read: int, count: int, packs: int) -> str:
    alone = count - packs
    too = f", and the first {many(alone, 'row')} each alone too" if alone else ""
    return f"{many(rows_read, 'row')}, packed into {many(packs, 'request')}{too}"


def travel_fact(urgency: str, requests: int, batches: int) -> tuple[str, str]:
    """How requests travel, and at what price."""
    if urgency == Urgency.NOW:
        return "calls", f"{requests:,}, made at once at the full price of sync calls"
    return "batches", f"{batches:,}, at half the price of sync calls"


def price_facts(estimate: "Estimate | None", unpriced: Sequence[str]) -> Facts:
    """What it will cost, and what the same calls cost sync; or of which models that is unknown."""
    if estimate is None:
        of = f": there is none for {', '.join(unpriced)}" if unpriced else ""
        return [("price", f"unknown{of}")]
    dated = f"(prices of {estimate.price_date})"
    return [
        ("estimated price", f"{price_in_words(estimate.price)} {dated}"),
        ("the same calls sync", price_in_words(estimate.sync)),
        ("answers", answers_in_words(estimate)),
        *files_facts(estimate),
    ]


def files_facts(estimate: "Estimate") -> Facts:
    """What the figures of files rest on, and what no figure holds."""
    from backburner.plan.pdf_pages import PAGE_TOKENS  # noqa: PLC0415  # not for --help

    facts = []
    if estimate.pages:
        pages = f"about {many(estimate.pages, 'page')} of PDF"
        facts.append(("documents", f"{pages}, reckoned with {PAGE_TOKENS:,} tokens each"))
    if estimate.without_files:
        files = many(estimate.without_files, "request")
        facts.append(("not in it", f"the images and documents of about {files}"))
    return facts


def answers_in_words(estimate: "Estimate") -> str:
    """How long the answers are expected to be, and on what grounds."""
    tokens, requests = estimate.output_tokens, max(estimate.requests, 1)
    each = f"about {many(round(tokens.expected / requests), 'token')} each"
    if not estimate.answered:
        return f"{each}, a guess: nothing like them was answered yet"
    grounds = ", ".join(f"run {one.run}, {_LIKE[one.likeness]}" for one in estimate.answered)
    return f"{each}, as in {grounds}; at most {estimate.ceiling.show()} if all are of full length"


def _output(wanted: Wanted, run: "Run") -> str:
    if wanted.output is None:
        return f"none named: `backburner results {run.id}` gives it" + (
            " with -o FILE" if wanted.is_table else ""
        )
    if wanted.encoding and wanted.is_table:
        return f"{wanted.output}, in UTF-8 (the input is read as {wanted.encoding})"
    return wanted.output


def _all(words: tuple[str, ...]) -> str:
    changed = "changed"
    return (
        f"{', '.join(words[:-1])} and {words[-1]} {changed}"
        if words[1:]
        else f"{words[0]} {changed}"
    )
