"""`prune`: stored prompts and answers go, what was counted and paid stays."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.choosing import is_wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, session_of
from backburner.cli.words import many, size, when

if TYPE_CHECKING:
    from backburner.client.pruning import Pruned

STOPPED = 130

OlderThan = Annotated[
    str | None,
    typer.Option(
        "--older-than", metavar="SPAN", help="Runs that were finished before, such as 30d"
    ),
]
Runs = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="RUN", help="This run, however old it is; repeatable"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")]


def prune(
    context: typer.Context,
    *,
    older_than: OlderThan = None,
    run: Runs = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Remove the stored texts of old runs; costs stay.

    Outputs that were written stay where they are; so do counts, hashes and costs. What is removed
    cannot be had again.
    """
    from backburner.clock import StoreClock  # noqa: PLC0415  # not for --help
    from backburner.nouns.spans import span_of  # noqa: PLC0415  # as above

    session, page = session_of(context), Page(as_json=json)
    age = None if older_than is None else span_of(older_than, "--older-than")
    now = (session.clock or StoreClock()).now()
    with session.open(home, lane) as backburner:
        told = backburner.prune(age, runs=run or (), dry_run=True)
        _show(page, told, now)
        if told.runs and not dry_run:
            question = f"Remove the texts of {many(len(told.runs), 'run')} for good?"
            if not is_wanted(session, page, question, yes=yes):
                page.line("Nothing was removed.")
                return STOPPED
            told = backburner.prune(age, runs=run or ())
            page.line(f"removed {size(told.stored_bytes)}; counts and costs are kept")
    page.finish(_json(told, dry_run=dry_run))
    return 0


def _show(page: Page, told: "Pruned", now: float) -> None:
    if told.runs:
        rows = [
            (one.id, when(one.finished_at or now, now), f"{one.requests:,}", one.name)
            for one in told.runs
        ]
        page.table(("run", "finished", "requests", "input"), rows, "  r")
        page.line()
        page.line(f"{many(len(told.runs), 'run')}, {size(told.stored_bytes)} on the disk")
    else:
        page.line("nothing is to be pruned")
    for run, others in told.kept.items():
        page.line(f"run {run} stays: it shares a batch of retries with {', '.join(others)}")


def _json(told: "Pruned", *, dry_run: bool) -> dict[str, Any]:
    return {
        "runs": [one.id for one in told.runs],
        "bytes": told.stored_bytes,
        "kept": {run: list(others) for run, others in told.kept.items()},
        "removed": not dry_run and bool(told.runs),
    }
