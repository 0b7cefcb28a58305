"""`report`: what was paid and saved, by run, day, lane, model, tag or owner."""

import csv as csv_module
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backburner.cli.output import Facts, Page
from backburner.cli.pages import check_page, write_page
from backburner.cli.session import Home, Json, Session, session_of
from backburner.cli.words import local
from backburner.errors import InputError
from backburner.report.figures import Figure, figures, shown
from backburner.report.savings import By, SavingsReport
from backburner.report.spending import Spending, Step, told_steps

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.report.receipt import Receipt

_NAME_WIDTH = 24
_OF_RECEIPT = frozenset({"rows", "requests", "cache marks", "took"})
"""The lines of a receipt that no figure of the report tells."""

GroupBy = Annotated[By | None, typer.Option("--by", help="What to group by [run]")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DAY", help="The first day, such as 2026-11-01")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="The last day")]
OneRun = Annotated[
    str | None, typer.Option("--run", metavar="RUN", help="One run alone: its receipt")
]
OneLane = Annotated[str | None, typer.Option("--lane", metavar="NAME", help="One lane alone [all]")]
Csv = Annotated[bool, typer.Option("--csv", help="The groups as CSV, and nothing else")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures")
]
Forecasts = Annotated[
    bool, typer.Option("--forecasts", help="How often batches ended by the times forecast")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is no page of ours")]


def report(
    context: typer.Context,
    *,
    by: GroupBy = None,
    since: Since = None,
    until: Until = None,
    run: OneRun = None,
    lane: OneLane = None,
    csv: Csv = False,
    html: Html = None,
    force: Force = False,
    forecasts: Forecasts = False,
    home: Home = None,
    json: Json = False,
) -> int:
    """Tell what was paid, what was saved and by what."""
    from backburner.clock import StoreClock  # noqa: PLC0415  # not for --help

    if forecasts:
        return _show_forecasts(session_of(context), Page(as_json=json), home, lane or "default")
    if csv and json:
        raise InputError("--csv and --json exclude each other", hint="give one of them")
    session, page = session_of(context), Page(as_json=json or csv)
    made = local((session.clock or StoreClock()).now()).date().isoformat()
    with session.open(home, "default", is_pinned=False) as backburner:
        found = backburner.savings(by or By.RUN, since=since, until=until, run=run, lane=lane)
        receipt = _receipt(backburner, run)
        head = _head(backburner, found, receipt)
        if html is not None:
            _write_page(html, found, head, made, force=force)
    if csv:
        _print_csv(found)
        return 0
    _show(page, found, head, is_grouped=run is None or by is not None)
    if html is not None:
        page.line()
        page.line(f"the page is in {html}")
    receipts = {} if run is None else {"receipt": receipt.to_json() if receipt else None}
    written = {} if html is None else {"html": str(html)}
    page.finish({**found.to_json(), **receipts, **written})
    return 0


def _show_forecasts(session: Session, page: Page, home: Path | None, lane: str) -> int:
    from backburner.client.overview import forecast_score  # noqa: PLC0415  # not for --help

    with session.open(home, lane, is_pinned=False) as backburner:
        scored = forecast_score(backburner.tools, backburner.lane)
    page.facts(
        [
            ("forecasts", scored.in_words()),
            ("off by", f"{scored.loss:.1f} min (pinball loss)"),
            ("the prior", f"{scored.prior_loss:.1f} min, had it been the forecast of all"),
        ][: 3 if scored.batches else 1]
    )
    page.finish(scored.to_json())
    return 0


def _receipt(backburner: "Backburner", run: str | None) -> "Receipt | None":
    """The receipt of a run; None of one that is not finished."""
    if run is None or not backburner.is_finished(run):
        return None
    return backburner.receipt(run)


def _show(page: Page, found: SavingsReport, head: Facts, *, is_grouped: bool) -> None:
    if not found.runs:
        page.line("nothing was spent here: no run is chosen, or none has come back yet")
        return
    if is_grouped:
        _show_groups(page, found)
        page.line()
    notes = [("note", note) for note in found.notes]
    page.facts([*head, *map(_fact, figures(found)), *notes])


def _show_groups(page: Page, found: SavingsReport) -> None:
    steps = told_steps(found.total)
    has_twice = bool(found.total.twice)
    twice = ["twice"] if has_twice else []
    headings = [
        str(found.choice.by),
        "answers",
        "sync",
        *(step.words for step in steps),
        *twice,
        "paid",
    ]
    named = [(_cut(group.title), group.spending) for group in found.groups]
    if len(named) > 1:
        named.append(("total", found.total))
    rows = [_row(name, one, steps, has_twice=has_twice) for name, one in named]
    page.table(headings, rows, " " + "r" * (len(headings) - 1))
    if found.is_overlapping:
        page.line("What has several tags stands under each of them, and once in the total.")


def _row(name: str, one: Spending, steps: Sequence[Step], *, has_twice: bool) -> list[str]:
    amounts = [one.full, *(step.saved(one) for step in steps)]
    amounts += [one.twice] if has_twice else []
    return [name, f"{one.answers:,}", *(shown(one, amount) for amount in [*amounts, one.paid])]


def _cut(title: str) -> str:
    return title if len(title) <= _NAME_WIDTH else f"{title[: _NAME_WIDTH - 1]}…"


def _head(backburner: "Backburner", found: SavingsReport, receipt: "Receipt | None") -> Facts:
    run = found.choice.run
    if run is None:
        return [("runs", f"{found.runs:,}")]
    name = ("run", f"{run} ({backburner.get(run).name})")
    if receipt is None:
        return [name, ("state", "not finished: what is not collected yet is in no sum")]
    return [name, *(fact for fact in receipt.lines() if fact[0] in _OF_RECEIPT)]


def _fact(figure: Figure) -> tuple[str, str]:
    return figure.label, f"{figure.shown} ({figure.what})" if figure.what else figure.shown


def _write_page(path: Path, found: SavingsReport, head: Facts, made: str, *, force: bool) -> None:
    """Write the page, over an older one too, but over nothing else.

    Raises:
        OutputBlocked: Something else is there, or the path cannot be written.
    """
    from backburner.report.page import MARK, page_of  # noqa: PLC0415  # not for --help

    check_page(path, MARK, force=force)
    write_page(path, page_of(found, head, made))


def _print_csv(found: SavingsReport) -> None:
    records = list(found.records())
    columns = list(found.columns())
    writer = csv_module.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    sys.stdout.flush()
