"""`backburner check`: all that is wrong with an input, before anything is kept or sent."""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from backburner.cli import options
from backburner.cli.choosing import choose_model
from backburner.cli.input_options import takes_input
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.session import Json, session_of
from backburner.cli.words import many
from backburner.errors import InputError

if TYPE_CHECKING:
    from backburner.client.checking import Checked
    from backburner.runs.faults import InputFault


@takes_input
def check(
    context: typer.Context,
    *,
    wanted: Wanted,
    batch_size: options.BatchSize = None,
    json: Json = False,
) -> int:
    """Look for all that a batch would refuse; keep and send nothing.

    Reads the whole input as `run` would. Needs no key and no network.
    """
    page = Page(as_json=json)
    checked = _checked(context, page, wanted, batch_size)
    show_checked(page, wanted, checked)
    page.finish(checked_json(checked))
    return InputError.exit_code if checked.fault_count else 0


def _checked(
    context: typer.Context, page: Page, wanted: Wanted, batch_size: int | None
) -> "Checked":
    from datetime import UTC, datetime  # noqa: PLC0415  # not for --help

    from backburner import prices  # noqa: PLC0415  # as above
    from backburner.client.checking import check as check_input  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above
    from backburner.config import (  # noqa: PLC0415  # as above
        DEFAULT_LANE,
        lane_book,
        price_terms,
        read_config,
    )
    from backburner.nouns.lane import LaneTerms  # noqa: PLC0415  # as above
    from backburner.plan.packing import PackLimits  # noqa: PLC0415  # as above

    session = session_of(context)
    now = datetime.fromtimestamp((session.clock or StoreClock()).now(), UTC)
    config = read_config(session.environment, None)
    terms = price_terms(config)
    usual = lane_book(config).get(DEFAULT_LANE, LaneTerms(name=DEFAULT_LANE)).defaults
    wanted = wanted.over(usual)
    if wanted.allow_unknown_price:
        terms = replace(terms, allow_unknown=True)
    model = wanted.model or ""
    if wanted.is_table and not model:
        model = usual.model or choose_model(session, page, prices.tariff(None, now, terms.own))
    limits = options.pack_limits(batch_size) or PackLimits()
    return check_input(wanted.options(model), limits, now, session.stdin, terms)


def show_checked(page: Page, wanted: Wanted, checked: "Checked") -> None:
    """What was found: faults, warnings, and what it would be."""
    from backburner.cli.planning import (  # noqa: PLC0415  # not for --help
        batches_in_words,
        cache_facts,
        field_facts,
        named,
        price_facts,
        requests_in_words,
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
    if checked.batches is not None:
        facts.append(("model", ", ".join(checked.models)))
        facts.extend(field_facts(checked.fields, checked.cache))
        facts.append(("batches", batches_in_words(checked.batches)))
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
