"""`resume` and `release`: letting go what waits for a person."""

from typing import Annotated

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, RunId, session_of
from backburner.cli.words import many
from backburner.errors import InputError

WhichLane = Annotated[
    str | None, typer.Argument(metavar="LANE", help="The lane to open; that of --lane if not given")
]


def resume(
    context: typer.Context,
    which: WhichLane = None,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Open a stopped lane, once the cause is cleared.

    Sends nothing: `drain` or `run` does, and stops the lane again if the cause is still there.
    """
    if which is not None and lane not in ("default", which):
        raise InputError(f"there are two lanes, {which} and {lane}", hint="name one")
    page = Page(as_json=json)
    with session_of(context).open(home, which or lane) as backburner:
        done = backburner.resume()
    if done.reason is None:
        page.line(f"the lane {done.lane} was not stopped")
    else:
        page.line(f"the lane {done.lane} is open again; it was stopped: {done.reason}")
    if done.again:
        page.line(f"{many(done.again, 'request')} that failed for the account will be sent again")
    if done.batches:
        waiting = f"{many(done.requests, 'request')} in {many(done.batches, 'batch')}"
        page.line(f"{waiting} will be released")
    if done.again or done.batches:
        page.line("`backburner drain` sends what waits, or the `run` that it belongs to")
    elif done.reason is not None:
        page.line("nothing waits to be sent")
    page.finish(
        {
            "lane": done.lane,
            "was_stopped": done.reason is not None,
            "reason": done.reason,
            "batches_waiting": done.batches,
            "requests_waiting": done.requests,
            "requests_again": done.again,
        }
    )
    return 0


def release(
    context: typer.Context,
    run: RunId,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Let the rest of a run go that waits for its canary or leaders."""
    page = Page(as_json=json)
    with session_of(context).open(home, lane) as backburner:
        done = backburner.release(run)
    if done.batches:
        told = f"{many(done.requests, 'request')} in {many(done.batches, 'batch')}"
        page.line(f"{told} of run {run} will be released: `backburner drain` sends them")
    else:
        page.line(f"nothing of run {run} waits for a canary or for leaders")
    page.finish({"run": run, "batches": done.batches, "requests": done.requests})
    return 0
