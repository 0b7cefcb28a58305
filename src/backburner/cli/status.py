"""`status` and `results`: how things stand, and answers to be had again."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli import options
from backburner.cli.deadlines import eta_in_words, run_deadline_facts
from backburner.cli.failed import attempt_in_words, attempts_json, cost_of, show_failures
from backburner.cli.inbox import inbox_in_words, shown_days
from backburner.cli.output import Facts, Page
from backburner.cli.pages import check_page, write_page
from backburner.cli.route_words import route_facts, routes_json
from backburner.cli.session import Home, Json, Lane, RunId, session_of
from backburner.cli.tickets import show_ticket
from backburner.cli.windows import standing_json, waiting_facts
from backburner.cli.words import many, outcomes, when
from backburner.errors import InputError
from backburner.nouns.ticket import TICKET

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.finding import RequestStanding
    from backburner.client.inbox_standing import InboxDay
    from backburner.client.standing import LaneStanding, RunStanding
    from backburner.nouns.notice import Delivery

Which = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run, a ticket, or a request_id of an output")
]
Failed = Annotated[
    bool, typer.Option("--failed", help="The requests of RUN that are not ok, and what was tried")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page of the whole lane")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is no page of ours")]
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, help="With --failed: how many to show [50]")
]


def status(
    context: typer.Context,
    which: Which = None,
    *,
    failed: Failed = False,
    limit: Limit = 50,
    html: Html = None,
    force: Force = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Tell how the runs stand, one run, or one request."""
    from backburner.client.finding import is_request_id  # noqa: PLC0415  # not for --help
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    session, page = session_of(context), Page(as_json=json)
    now = (session.clock or StoreClock()).now()
    with session.open(home, lane) as backburner:
        if failed:
            if which is None:
                raise InputError("--failed needs a run", hint="`backburner status` lists the runs")
            show_failures(page, backburner.get(which), backburner.failed(which, limit=limit))
            return 0
        if which is not None and is_request_id(which):
            _show_request(page, backburner, backburner.request(which))
            return 0
        if which is not None and which.startswith(TICKET):
            show_ticket(page, backburner.ticket(which).standing(), now)
            return 0
        stands, runs = backburner.status(which)
        undelivered = backburner.notices.undelivered()
        if html is not None:
            _write_page(html, backburner, now, force=force)
    at = str(backburner.settings.home)
    page.facts([("home", at), *_lane_facts(stands, now), *_notice_facts(undelivered)])
    page.line()
    if which is not None:
        page.facts(_run_facts(runs[0], now))
    elif runs or stands.days:
        rows = [_run_row(one, now) for one in runs if not one.run.is_inbox]
        rows += [_day_row(one) for one in shown_days(stands.days)]
        page.table(("run", "begun", "state", "back", "input", "output"), rows)
    else:
        page.line("no runs yet: `backburner run FILE -p PROMPT -o OUTPUT` makes one")
    if html is not None:
        page.line()
        page.line(f"the page is in {html}")
    written = {} if html is None else {"html": str(html)}
    told = [_run_json(one) for one in runs]
    lost = sum(one.given_up_at is not None for one in undelivered)
    notices = {"waiting": len(undelivered) - lost, "given_up": lost}
    shown = {"home": at, "lane": _lane_json(stands), "notices": notices, "runs": told}
    page.finish({**shown, **written})
    return 0


def _write_page(path: Path, backburner: "Backburner", now: float, *, force: bool) -> None:
    """Write the page of the lane, over an older one too, but over nothing else.

    Raises:
        OutputBlocked: Something else is there, or the path cannot be written.
    """
    from backburner.cli.status_page import page_of_status  # noqa: PLC0415  # not for --help
    from backburner.report.status_page import MARK  # noqa: PLC0415  # as above

    check_page(path, MARK, force=force)
    write_page(path, page_of_status(backburner, *backburner.status(), now))


def _lane_facts(stands: "LaneStanding", now: float) -> Facts:
    state = stands.state if stands.reason is None else f"{stands.state}: {stands.reason}"
    facts = [("lane", f"{stands.name}, {state}")]
    if stands.workspace is not None:
        facts.append(("workspace", stands.workspace))
    if stands.window is not None:
        facts.append(("window", stands.window.in_words()))
        facts.extend(waiting_facts(stands.window))
    facts.extend(("inbox", words) for words in inbox_in_words(stands.inbox, now))
    facts.extend(("in doubt", doubt) for doubt in stands.doubts)
    if stands.others:
        facts.append(("other lanes", f"{', '.join(stands.others)} (--lane NAME shows one)"))
    return facts


def _notice_facts(undelivered: "Sequence[Delivery]") -> Facts:
    """Notices that were given up, and what to do; those that are tried again need nobody."""
    lost = sum(one.given_up_at is not None for one in undelivered)
    if not lost:
        return []
    return [("notices", f"{many(lost, 'notice')} given up: `backburner notify list` tells why")]


def _run_row(one: "RunStanding", now: float) -> list[str]:
    run, count = one.run, one.count
    back = f"{count.ended:,} of {count.requests:,}"
    output = os.path.relpath(run.output) if run.output else ""
    if output.startswith(".."):
        output = run.output or ""
    return [run.id, when(run.created_at, now), one.words, back, run.name, output]


def _day_row(one: "InboxDay") -> list[str]:
    back = f"{one.back:,} of {one.tickets:,}"
    return ["inbox", one.day, one.words, back, f"tickets, in {many(one.runs, 'run')}", ""]


def _run_facts(one: "RunStanding", now: float) -> Facts:
    from backburner.cli.progress import batches_in_words  # noqa: PLC0415  # not for --help

    run, count = one.run, one.count
    told = outcomes({str(name): number for name, number in count.outcomes.items()})
    rows = f"{many(run.rows, 'row')}, {many(run.requests, 'request')}"
    facts = [
        ("run", f"{run.id}, {one.words}"),
        (
            "input",
            f"{run.name}: {rows if run.collapsed or run.packed else many(run.requests, 'request')}",
        ),
        ("begun", when(run.created_at, now)),
        ("back", f"{count.ended:,} of {count.requests:,}{f': {told}' if told else ''}"),
        ("batches", batches_in_words(count.batches)),
    ]
    facts.extend(route_facts(run.taken))
    facts.extend(run_deadline_facts(run, now))
    facts.extend(_cache_facts(one))
    if count.retrying:
        facts.append(("retrying", many(count.retrying, "request")))
    facts.extend(("held", hold) for hold in one.holds)
    if run.tags:
        facts.append(("tags", run.tags.replace(",", ", ")))
    if run.owner:
        facts.append(("owner", run.owner))
    if one.leaves_at is not None:
        facts.append(("leaves", when(one.leaves_at, now)))
    if one.sent_at is not None:
        facts.append(("sent", when(one.sent_at, now)))
    if one.eta is not None:
        facts.append(("back in", eta_in_words(one.eta, now)))
    if one.latest_end is not None:
        facts.append(("at the latest", when(one.latest_end, now)))
    if run.cancel_asked_at is not None:
        facts.append(("canceled", f"{when(run.cancel_asked_at, now)}: {one.canceled}"))
    if run.pruned_at is not None:
        facts.append(("pruned", f"{when(run.pruned_at, now)}: its prompts and answers are gone"))
    if run.output is not None:
        written = "not written yet" if run.written_at is None else when(run.written_at, now)
        facts.append(("output", f"{run.output} ({written})"))
    return facts


def _cache_facts(one: "RunStanding") -> Facts:
    from backburner.cli.planning import cache_facts  # noqa: PLC0415  # not for --help
    from backburner.report.cache_result import plan_of  # noqa: PLC0415  # as above

    facts = list(cache_facts(plan_of(one.run.cache)))
    if one.cache is not None and one.count.ended:
        facts.append(("cache marks", one.cache.in_words()))
    return facts


def _show_request(page: Page, backburner: "Backburner", one: "RequestStanding") -> None:
    more = f" and {many(one.rows - 1, 'row')} like it" if one.rows > 1 else ""
    come = "to be tried again" if one.retrying else "not back yet"
    outcome = str(one.outcome) if one.outcome is not None else come
    page.facts(
        [
            ("home", str(backburner.settings.home)),
            ("request", one.name),
            ("run", f"{one.run.id} ({one.run.name})"),
            ("row", f"{one.row:,}{more}"),
            ("outcome", outcome),
            *(
                (f"attempt {attempt.attempt}", attempt_in_words(attempt))
                for attempt in one.attempts
            ),
            ("cost", cost_of(one.attempts)),
            *([("held", one.held)] if one.held else []),
        ]
    )
    page.finish(
        {
            "request_id": one.name,
            "run": one.run.id,
            "row": one.row,
            "rows": one.rows,
            "outcome": None if one.outcome is None else str(one.outcome),
            "retrying": one.retrying,
            "attempts": attempts_json(one.attempts),
            "held": one.held,
        }
    )


def _lane_json(stands: "LaneStanding") -> dict[str, Any]:
    return {
        "name": stands.name,
        "state": stands.state,
        "reason": stands.reason,
        "workspace": stands.workspace,
        "window": None if stands.window is None else standing_json(stands.window),
        "doubts": list(stands.doubts),
        "other_lanes": list(stands.others),
        "inbox": [asdict(one) for one in stands.inbox],
        "inbox_days": [asdict(one) for one in stands.days],
    }


def _run_json(one: "RunStanding") -> dict[str, Any]:
    run, count = one.run, one.count
    return {
        "run": run.id,
        "state": one.words,
        "input": run.name,
        "output": run.output,
        "rows": run.rows,
        "requests": run.requests,
        "back": count.ended,
        "outcomes": {str(name): number for name, number in count.outcomes.items()},
        "retrying": count.retrying,
        "held": count.held,
        "holds": list(one.holds),
        "requests_waiting_for_budget": one.for_budget,
        "tags": run.tags.split(",") if run.tags else [],
        "owner": run.owner or None,
        "routes": routes_json(run.taken),
        "batches": {str(state): number for state, number in count.batches.items()},
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "written_at": run.written_at,
        "cancel_asked_at": run.cancel_asked_at,
        "pruned_at": run.pruned_at,
        "deadline": run.deadline,
        "rescued_at": run.rescued_at,
        "missed_at": run.missed_at,
        "miss_cause": run.miss_cause,
        "sent_at": one.sent_at,
        "latest_end": one.latest_end,
        "leaves_at": one.leaves_at,
        "eta": None if one.eta is None else one.eta.to_json(),
        "cache": None if one.cache is None else one.cache.to_json(),
    }


def results(
    context: typer.Context,
    run: RunId,
    *,
    output: options.Output = None,
    force: options.Force = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Write a finished run's answers again.

    Without -o, those of a list of requests go to standard output as JSON lines.
    """
    page = Page(as_json=json)
    with session_of(context).open(home, lane) as backburner:
        if output is None:
            sys.stdout.flush()
            try:
                backburner.write_results(run, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                # Whoever reads has seen enough. Python would complain again when it exits.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        written = backburner.write(run, output, force=force)
    page.line(f"{many(written.rows, 'row')} in {output}")
    if written.review is not None:
        page.line(f"{many(written.reviewed, 'row')} to look at in {written.review}")
    review = None if written.review is None else str(written.review)
    page.finish(
        {
            "run": run,
            "output": output,
            "rows": written.rows,
            "reviewed": written.reviewed,
            "review": review,
        }
    )
    return 0
