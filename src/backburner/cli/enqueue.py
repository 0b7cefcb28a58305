"""`enqueue`: work is kept, and nothing is sent."""

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from backburner.cli import options
from backburner.cli.choosing import with_model
from backburner.cli.input_options import takes_run
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.windows import in_lane
from backburner.cli.words import many
from backburner.nouns.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from backburner.client import Backburner
    from backburner.client.preparing import RunOptions
    from backburner.client.routed_runs import Prepared
    from backburner.nouns.run import Run


@takes_run
def enqueue(
    context: typer.Context,
    *,
    wanted: Wanted,
    batch_size: options.BatchSize = None,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Keep requests for later: `drain` or `run` sends them."""
    wanted.check()
    session, page = session_of(context), Page(as_json=json)
    limits = options.pack_limits(batch_size)
    with session.open(home, lane, limits=limits, takes_in=True) as backburner:
        _enqueue(session, page, backburner, wanted)
    return 0


def _enqueue(session: Session, page: Page, backburner: "Backburner", wanted: Wanted) -> None:
    wanted = wanted.over(backburner.defaults)
    asked, stdin = asked_options(session, page, backburner, wanted)
    prepared = backburner.intake.prepare_routed(asked, stdin)
    told = [_keep(page, backburner, wanted, one) for one in prepared]
    if len(told) == 1:
        page.finish(told[0])
        return
    page.finish({"runs": told})


def asked_options(
    session: Session, page: Page, backburner: "Backburner", wanted: Wanted
) -> "tuple[RunOptions, Callable[[], BinaryIO]]":
    """What is asked, with a model chosen where neither a person nor a rule gives one.

    Gives standard input with it, since a rule may have read it.
    """
    from backburner.client.parting import Reread  # noqa: PLC0415  # not for --help

    stdin = Reread(session.stdin)
    asked = with_model(
        session,
        page,
        wanted.options(wanted.model or "", wanted.timing(backburner)),
        stdin,
        book=backburner.intake.book,
        usual=backburner.defaults.model,
        tariff=lambda: backburner.tools.tariff([]),
    )
    return asked, stdin


def _keep(page: Page, backburner: "Backburner", wanted: Wanted, one: "Prepared") -> dict[str, Any]:
    """Keep one run, and tell which; gives it as JSON values."""
    from backburner.cli.plan_json import plan_json  # noqa: PLC0415  # not for --help
    from backburner.cli.planning import plan_facts  # noqa: PLC0415  # not for --help
    from backburner.client.preparing import Found, Fresh  # noqa: PLC0415  # as above

    prepared = one.run
    if isinstance(prepared, Found):
        run, told = prepared.run, "was kept before"
        more: dict[str, Any] = {"resumed": True}
    else:
        own = replace(wanted, output=one.output)
        facts = plan_facts(own, prepared, backburner, has_key=True, at_once=False)
        more = {"plan": plan_json(prepared, backburner)}
        page.facts(facts)
        page.line()
        run, told = backburner.intake.commit(prepared.staged), "is kept, and nothing was sent"
    page.line(f"run {run.id} {told}: {many(run.requests, 'request')}")
    page.line(f"{_sent_by(backburner, run)}; `backburner status {run.id}` tells how it stands")
    if isinstance(prepared, Fresh) and prepared.staged.canary:
        page.line(f"all but its canary waits: `backburner release {run.id}` lets the rest go")
    if isinstance(prepared, Fresh) and run.moved is not None:
        page.line(f"all but its check waits: `backburner release {run.id}` lets the rest go")
    if isinstance(prepared, Found) and prepared.output not in {None, run.output}:
        page.line(_left_out(run, prepared.output or ""))
    home = str(backburner.settings.home)
    return {"run": run.id, "home": home, "lane": run.lane, "output": run.output, **more}


def _left_out(run: "Run", output: str) -> str:
    then = f"once it is finished, `backburner results {run.id} -o {shlex.quote(output)}`"
    return f"its answers go to {run.output}, and not to {output}: {then} writes them there too"


def _sent_by(backburner: "Backburner", run: "Run") -> str:
    from backburner.client.windows import window_standing  # noqa: PLC0415  # not for --help

    lane = in_lane(run.lane)
    window = window_standing(backburner.tools, run.lane)
    if window is None or window.is_open or run.urgency != Urgency.WINDOW:
        return f"`backburner drain{lane}` sends it"
    then = f"`backburner drain --now{lane}` sends it now"
    return f"it waits for the window, which {window.opens}; {then}"
