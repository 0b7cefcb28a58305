"""`audit`: what a log of calls says about who waited, and what the month could have cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from backburner.cli.output import Facts, Page
from backburner.cli.session import Json, session_of
from backburner.cli.words import many
from backburner.errors import InputError

if TYPE_CHECKING:
    from backburner.nouns.money import Money
    from backburner.nouns.tariff import Tariff
    from backburner.report.calls.audit import Audit, CachedPrefix, Judged, Range
    from backburner.report.calls.logs import BadLines

Logs = Annotated[
    list[Path], typer.Argument(metavar="LOG...", help="CSV or JSONL of calls, or JSON")
]
OwnColumns = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=FIELD", help="What a column means; docs/audit.md lists"),
]
Rules = Annotated[
    Path | None, typer.Option("--rules", metavar="FILE", help="TOML that says whose calls can wait")
]
Zone = Annotated[
    str, typer.Option("--zone", metavar="NAME", help="Where night is night [the local zone]")
]
Top = Annotated[int, typer.Option("--top", metavar="N", min=1, help="Sources and prefixes shown")]

_TOLERANCES: Final = {
    "batched": "in batches already",
    "can_wait": "nobody waited",
    "waited_for": "somebody waited",
    "unknown": "not known",
}
_CAN_WAIT: Final = {"batched": "", "can_wait": "yes: ", "waited_for": "no: ", "unknown": "?: "}


def audit(
    context: typer.Context,
    logs: Logs,
    *,
    own_columns: OwnColumns = None,
    rules: Rules = None,
    zone: Zone = "",
    top: Top = 10,
    json: Json = False,
) -> int:
    """Tell which calls of a log could have waited, at what cost.

    Works offline, and nothing of a log is sent anywhere or shown but names and numbers.
    """
    from backburner.report.calls.logs import BadLines  # noqa: PLC0415  # not for --help

    page, bad = Page(as_json=json), BadLines()
    found, tariff = _audited(context, logs, own_columns or [], rules, zone, bad)
    page.facts(_facts(found, bad, tariff))
    _sources(page, found, top)
    _policies(page, found)
    _prefixes(page, found, top)
    for what in bad.first:
        page.line(f"no call: {what}", "dim")
    page.finish(_json(found, bad, tariff, top))
    return 0


def _audited(
    context: typer.Context,
    logs: list[Path],
    columns: list[str],
    rules: Path | None,
    zone: str,
    bad: "BadLines",
) -> "tuple[Audit, Tariff]":
    from datetime import UTC, datetime  # noqa: PLC0415  # not for --help

    from backburner import prices  # noqa: PLC0415  # slow, and not for --help
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above
    from backburner.report.calls.audit import audit as judged  # noqa: PLC0415  # as above
    from backburner.report.calls.logs import read_logs  # noqa: PLC0415  # as above
    from backburner.report.calls.rules import own_columns, own_rules, zone_of  # noqa: PLC0415
    from backburner.report.calls.tally import tally_calls  # noqa: PLC0415  # as above

    own = own_rules(rules)
    now = (session_of(context).clock or StoreClock()).now()
    tariff = prices.tariff(None, datetime.fromtimestamp(now, UTC))
    calls = read_logs(logs, own_columns(columns), bad)
    tally = tally_calls(calls, tariff.find, zone_of(zone))
    try:
        if not tally.calls:
            first = f": {bad.first[0]}" if bad.first else ""
            raise InputError(
                f"there is no call in what was read{first}",
                hint="docs/audit.md lists the fields of a call; --map says what a column means",
            )
        return judged(tally, tariff, own), tariff
    finally:
        tally.repeats.close()


def _facts(found: "Audit", bad: "BadLines", tariff: "Tariff") -> Facts:
    lost = found.lost
    facts = [
        ("calls", f"{found.calls:,} in {many(round(found.days), 'day')}"),
        ("paid", f"{found.paid.show()} (by prices of {tariff.as_of}, {tariff.source})"),
    ]
    for tolerance, amount in found.by_tolerance.items():
        share = _share(amount.picodollars, found.paid.picodollars)
        facts.append((f"  {_TOLERANCES[tolerance]}", f"{amount.show()} ({share})"))
    month = _money_range(found.a_month(lost.low), found.a_month(lost.high))
    facts.append(("lost by not batching", f"{_range(lost)}; {month} a month"))
    if found.repeats:
        again = many(found.repeats, "call")
        facts.append(("asked before", f"{again}, {found.repeats_paid.show()}"))
    oversized = [one for one in found.sources if one.oversized.picodollars > 0]
    if oversized:
        short = many(sum(one.short_calls for one in oversized), "short answer")
        saved = found.oversized.show()
        facts.append(("oversized models", f"{short}, {saved} dearer than by the next cheaper"))
    for model, calls in found.unpriced.items():
        facts.append(("no price", f"{many(calls, 'call')} to {model}: in no sum here"))
    if bad.count:
        facts.append(("no calls", f"{many(bad.count, 'line')}, left out"))
    return facts


def _sources(page: Page, found: "Audit", top: int) -> None:
    page.line()
    headings = ("paid", "calls", "caller", "route", "model", "can wait")
    page.table(headings, [_row(one) for one in found.sources[:top]], "rr")
    if len(found.sources) > top:
        page.line(f"and {many(len(found.sources) - top, 'source')} more; --top shows them", "dim")


def _row(one: "Judged") -> list[str]:
    source, finding = one.source, one.finding
    word = _CAN_WAIT[finding.tolerance]
    model = source.model.removeprefix("claude-")
    paid = one.paid.show() if one.is_priced else "no price"
    return [paid, f"{one.calls:,}", source.caller, source.route, model, f"{word}{finding.reason}"]


def _policies(page: Page, found: "Audit") -> None:
    policies = found.policies
    page.line()
    rows = [
        ("everything sync", found.a_month(policies.all_sync).show(), ""),
        ("as it was", found.a_month(policies.as_it_was).show(), ""),
        _policy(found, "what can wait in batches", policies.in_batches),
        _policy(found, "and shared prefixes cached", policies.with_caching),
        _policy(found, "and short answers by a cheaper model", policies.with_cheaper_models),
    ]
    page.table(("a month of this would cost", "US dollars", "saved"), rows, " rr")


def _policy(found: "Audit", name: str, amount: "Range") -> tuple[str, str, str]:
    was = found.policies.as_it_was.picodollars
    least, most = (was - one.picodollars for one in (amount.high, amount.low))
    months = _money_range(found.a_month(amount.low), found.a_month(amount.high))
    low, high = _share(least, was), _share(most, was)
    return name, months, low if low == high else f"{low} to {high}"


def _prefixes(page: Page, found: "Audit", top: int) -> None:
    rows = [_prefix_row(one) for one in found.prefixes if one.high.picodollars > 0]
    if rows:
        page.line()
        headings = ("shared prefix", "calls", "within 5 min", "a cache mark would save")
        page.table(headings, rows[:top], " rr")


def _prefix_row(one: "CachedPrefix") -> list[str]:
    shared = one.shared
    whose = shared.source.route or shared.source.caller or shared.source.model
    near = _share(shared.near_5m, shared.calls)
    saved = _money_range(one.low, one.high)
    return [f"{shared.tokens:,} tokens, {whose}", f"{shared.calls:,}", near, saved]


def _range(amount: "Range") -> str:
    return _money_range(amount.low, amount.high)


def _money_range(low: "Money", high: "Money") -> str:
    shown = low.show(), high.show()
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def _json(found: "Audit", bad: "BadLines", tariff: "Tariff", top: int) -> dict[str, Any]:
    policies = found.policies
    return {
        "price_date": tariff.as_of.isoformat(),
        "price_source": tariff.source,
        "calls": found.calls,
        "days": round(found.days, 3),
        "lines_left_out": bad.count,
        "unpriced": dict(found.unpriced),
        "paid_usd": found.paid.usd(),
        "by_tolerance_usd": {str(one): amount.usd() for one, amount in found.by_tolerance.items()},
        "lost_usd": _range_json(found.lost),
        "repeats": found.repeats,
        "repeats_usd": found.repeats_paid.usd(),
        "policies_usd": {
            "all_sync": policies.all_sync.usd(),
            "as_it_was": policies.as_it_was.usd(),
            "in_batches": _range_json(policies.in_batches),
            "with_caching": _range_json(policies.with_caching),
            "with_cheaper_models": _range_json(policies.with_cheaper_models),
        },
        "sources": [_source_json(one) for one in found.sources[:top]],
        "prefixes": [_prefix_json(one) for one in found.prefixes[:top]],
    }


def _range_json(amount: "Range") -> dict[str, str]:
    return {"low": amount.low.usd(), "high": amount.high.usd()}


def _source_json(one: "Judged") -> dict[str, Any]:
    return {
        "caller": one.source.caller,
        "route": one.source.route,
        "model": one.source.model,
        "calls": one.calls,
        "tolerance": str(one.finding.tolerance),
        "reason": one.finding.reason,
        "paid_usd": one.paid.usd(),
        "batch_usd": one.batch.usd(),
        "cheaper_model": one.cheaper,
        "short_answers": one.short_calls,
        "oversized_usd": one.oversized.usd(),
    }


def _prefix_json(one: "CachedPrefix") -> dict[str, Any]:
    return {
        "caller": one.shared.source.caller,
        "route": one.shared.source.route,
        "model": one.shared.source.model,
        "tokens": one.shared.tokens,
        "is_long_enough": one.shared.is_long_enough,
        "calls": one.shared.calls,
        "within_5m": one.shared.near_5m,
        "within_1h": one.shared.near_1h,
        "saves_usd": {"low": one.low.usd(), "high": one.high.usd()},
    }
