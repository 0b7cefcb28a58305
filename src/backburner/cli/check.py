"""`backburner check`: all that is wrong with an input, before anything is kept or sent."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from backburner.cli import options
from backburner.cli.input_options import takes_input
from backburner.cli.looking import look_of, part_facts, parts_json
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, session_of
from backburner.cli.words import many
from backburner.errors import InputError

if TYPE_CHECKING:
    from backburner.client.checking import Checked
    from backburner.client.routing import Part
    from backburner.runs.faults import InputFault


@takes_input
def check(
    context: typer.Context,
    *,
    wanted: Wanted,
    batch_size: options.BatchSize = None,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Look for all that a batch would refuse; keep and send nothing.

    Reads the whole input as `run` would, under the route rules. Needs no key and no network.
    """
    from backburner.client.checking import check as check_input  # noqa: PLC0415  # not for --help
    from backburner.plan.packing import PackLimits  # noqa: PLC0415  # as above

    page = Page(as_json=json)
    look = look_of(session_of(context), page, home, lane)
    wanted = wanted.over(look.access.settings.lane_terms(lane).defaults)
    limits = options.pack_limits(batch_size) or PackLimits()

    def see(part: "Part", stdin: Callable[[], BinaryIO]) -> "Checked":
        terms = look.prices(wanted)
        return check_input(part.options, limits, look.now, stdin, terms, content=part.content)

    parts = look.at_parts(wanted, see)
    for number, (part, checked) in enumerate(parts):
        if number:
            page.line()
        show_checked(page, wanted, part, checked, among=len(parts))
    page.finish(parts_json([(part, one.requests, checked_json(one)) for part, one in parts]))
    return InputError.exit_code if any(one.fault_count for _, one in parts) else 0


def show_checked(
    page: Page, wanted: Wanted, part: "Part", checked: "Checked", *, among: int
) -> None:
    """What was found in one of so many parts: faults, warnings, and what it would be."""
    from backburner.cli.planning import (  # noqa: PLC0415  # not for --help
        cache_facts,
        field_facts,
        named,
        price_facts,
        requests_in_words,
        travel_fact,
        where_facts,
    )

    for fault in checked.faults:
        page.line(f"fault: {fault}")
    if checked.fault_count > len(checked.faults):
        page.line(f"and {checked.fault_count - len(checked.faults):,} faults more")
    for hint in dict.fromkeys(fault.hint for fault in checked.faults if fault.hint):
        page.line(f"hint: {hint}", "dim")
    for warning in checked.warnings:
        page.line(f"warning: {warning} ({warning.code}); {warning.hint}")
    if checked.faults or checked.warnings:
        page.line()
    shown = requests_in_words(
        checked.rows, checked.requests, is_table=wanted.is_table, packs=checked.packed
    )
    facts = [("input", f"{named(wanted.source)}: {shown}")]
    facts.extend(where_facts(wanted.where, checked.left_out))
    facts.extend(part_facts(part, checked.requests, among))
    if checked.batches is not None:
        facts.append(("model", ", ".join(checked.models)))
        facts.extend(field_facts(checked.fields, checked.cache))
        facts.append(travel_fact(part.urgency, checked.requests, checked.batches))
        facts.extend(price_facts(checked.estimate, checked.unpriced))
        facts.extend(cache_facts(checked.cache))
    facts.append(("found", _found(checked)))
    page.facts(facts)


def _found(checked: "Checked") -> str:
    warnings = many(len(checked.warnings), "warning")
    if not checked.fault_count:
        return f"no fault, {warnings}; nothing was kept or sent"
    by_code = Counter(fault.code for fault in checked.faults)
    codes = ", ".join(f"{count:,} {code}" for code, count in by_code.most_common())
    return f"{many(checked.fault_count, 'fault')} ({codes}), {warnings}"


def checked_json(checked: "Checked") -> dict[str, Any]:
    """The same as JSON values."""
    from backburner.cli.plan_json import (  # noqa: PLC0415  # as above
        cache_json,
        estimate_json,
        fields_json,
        warning_json,
    )

    return {
        "faults": [_fault_json(fault) for fault in checked.faults],
        "fault_count": checked.fault_count,
        "warnings": [warning_json(warning) for warning in checked.warnings],
        "rows": checked.rows,
        "rows_left_out": checked.left_out,
        "requests": checked.requests,
        "rows_collapsed": 0 if checked.packed else checked.rows - checked.requests,
        "requests_packed": checked.packed,
        "batches": checked.batches,
        "models": list(checked.models),
        "models_unpriced": list(checked.unpriced),
        "estimate": None if checked.estimate is None else estimate_json(checked.estimate),
        "cache": cache_json(checked.cache),
        "fields": fields_json(checked.fields),
    }


def _fault_json(fault: "InputFault") -> dict[str, Any]:
    return {
        "code": fault.code,
        "message": fault.what,
        "file": fault.path or None,
        "line": fault.line,
        "column": fault.column,
        "hint": fault.hint,
    }
