"""The page of `status --html`: waiting, windows, with Anthropic, deadlines, money."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from backburner.cli.deadlines import eta_in_words
from backburner.cli.words import many, outcomes, when
from backburner.nouns.money import Money
from backburner.report.figures import staircase
from backburner.report.savings import By
from backburner.report.status_page import Section, status_page

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.standing import LaneStanding, RunStanding

_OPENINGS: Final = 5
_LATEST: Final = 20


def page_of_status(
    backburner: "Backburner",
    lane: "LaneStanding",
    runs: "Sequence[RunStanding]",
    now: float,
) -> str:
    """The page, as text."""
    sections = [
        _waiting(backburner, runs, now),
        _windows(backburner, now),
        _with_anthropic(runs, now),
        _deadlines(backburner, runs, now),
        _money(backburner),
        _finished(runs, now),
    ]
    state = lane.state if lane.reason is None else f"{lane.state}: {lane.reason}"
    head = [("home", str(backburner.settings.home)), ("state", state)]
    head.extend(("in doubt", doubt) for doubt in lane.doubts)
    return status_page(sections, head, lane=lane.name, made=f"{when(now, 0.0)}")


def _waiting(backburner: "Backburner", runs: "Sequence[RunStanding]", now: float) -> Section:
    from backburner.client.overview import inbox_size  # noqa: PLC0415  # not for --help

    waiting = [one for one in runs if not one.count.is_finished and one.sent_at is None]
    tickets = inbox_size(backburner.tools, backburner.lane)
    return Section(
        title="Waiting",
        headings=("run", "input", "state", "requests", "leaves", "why"),
        rows=[
            [
                one.run.id,
                one.run.name,
                one.words,
                _back(one),
                "" if one.leaves_at is None else when(one.leaves_at, now),
                "; ".join(one.holds),
            ]
            for one in waiting
        ],
        nothing="No run waits.",
        notes=[f"{many(tickets, 'single request')} in the inbox"] if tickets else [],
    )


def _windows(backburner: "Backburner", now: float) -> Section:
    from backburner.client.overview import openings_of  # noqa: PLC0415  # not for --help

    openings = openings_of(backburner.tools, backburner.lane, _OPENINGS)
    return Section(
        title="Windows",
        headings=("opens", "closes"),
        rows=[
            ["open now" if one.since <= now else when(one.since, now), when(one.until, now)]
            for one in openings
        ],
        nothing="The lane has no windows: it may always send.",
    )


def _with_anthropic(runs: "Sequence[RunStanding]", now: float) -> Section:
    from backburner.cli.progress import batches_in_words  # noqa: PLC0415  # not for --help

    return Section(
        title="With Anthropic",
        headings=("run", "input", "state", "back", "batches", "back in"),
        rows=[
            [
                one.run.id,
                one.run.name,
                f"{one.words}, sent {when(one.sent_at, now)}",
                _back(one),
                batches_in_words(one.count.batches),
                "" if one.eta is None else eta_in_words(one.eta, now),
            ]
            for one in runs
            if one.sent_at is not None and not one.count.is_finished
        ],
        nothing="Nothing is with Anthropic.",
    )


def _deadlines(backburner: "Backburner", runs: "Sequence[RunStanding]", now: float) -> Section:
    from backburner.client.overview import forecast_score  # noqa: PLC0415  # not for --help

    promised = [one for one in runs if one.run.deadline is not None][-_LATEST:]
    return Section(
        title="Deadlines",
        headings=("run", "input", "deadline", "state", "kept"),
        rows=[
            [
                one.run.id,
                one.run.name,
                when(one.run.deadline or now, now),
                one.words,
                _kept(one, now),
            ]
            for one in promised
        ],
        nothing="No run has a deadline.",
        notes=[f"Forecasts: {forecast_score(backburner.tools, backburner.lane).in_words()}."],
    )


def _kept(one: "RunStanding", now: float) -> str:
    run, deadline = one.run, one.run.deadline or now
    if run.missed_at is not None:
        return f"missed: {run.miss_cause}"
    if one.count.is_finished:
        return "kept"
    if one.eta is None:
        return "not known yet"
    return "likely" if one.eta.late <= deadline else "at risk"


def _money(backburner: "Backburner") -> Section:
    total = backburner.savings(By.DAY, lane=backburner.lane).total
    rows = [[figure.label, figure.shown, figure.what] for figure in staircase(total)]
    for standing in backburner.budgets():
        budget = standing.budget
        left = Money(picodollars=max(budget.left, 0)).show()
        limit = Money(picodollars=budget.amount).show()
        waiting = many(standing.waiting, "request")
        told = f"{waiting} wait for it" if standing.waiting else ""
        rows.append([f"budget {budget.scope}", f"{left} left of {limit}", told])
    return Section(title="Money", headings=("", "amount", ""), rows=rows, nothing="")


def _finished(runs: "Sequence[RunStanding]", now: float) -> Section:
    over = [one for one in runs if one.count.is_finished]
    return Section(
        title="Finished",
        headings=("run", "input", "finished", "outcomes", "output"),
        rows=list(_finished_rows(over[-_LATEST:], now)),
        nothing="No run is finished.",
        notes=[f"the last {_LATEST} of {len(over):,}"] if len(over) > _LATEST else [],
    )


def _finished_rows(over: "Sequence[RunStanding]", now: float) -> Iterator[list[str]]:
    for one in reversed(over):
        run = one.run
        finished = "" if run.finished_at is None else when(run.finished_at, now)
        told = outcomes({str(name): number for name, number in one.count.outcomes.items()})
        output = os.path.relpath(run.output) if run.output else ""
        yield [run.id, run.name, finished, told, output]


def _back(one: "RunStanding") -> str:
    return f"{one.count.ended:,} of {one.count.requests:,}"
