"""`retry`: failed requests, sent again because a person wants it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.choosing import is_wanted
from backburner.cli.output import Facts, Page
from backburner.cli.session import Home, Json, Lane, RunId, session_of
from backburner.cli.words import either, many, outcomes
from backburner.nouns.outcome import Outcome

if TYPE_CHECKING:
    from backburner.client.retrying import Chosen
    from backburner.plan.estimating import Estimate

STOPPED = 130

Only = Annotated[
    str | None,
    typer.Option("--only", metavar="OUTCOMES", help="Such as expired,invalid_output; all if none"),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="EXPR", help="An expression over columns, outcome and attempts"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")]


def retry(
    context: typer.Context,
    run: RunId,
    *,
    only: Only = None,
    where: Where = None,
    yes: Yes = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Send failed requests of a run again.

    Shows how many and what they will cost, and asks. `drain`, or the run's own command, sends them.
    """
    from backburner.client.estimating import estimate_work  # noqa: PLC0415  # not for --help

    session, page = session_of(context), Page(as_json=json)
    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    with session.open(home, lane) as backburner:
        chosen = backburner.choose_failed(run, only=names, where=where)
        estimate = estimate_work(backburner.tools, chosen.workloads) if chosen.count else None
        page.facts(_facts(chosen, estimate))
        if not chosen.count:
            page.line("nothing is to be sent again")
        elif not is_wanted(session, page, f"Send {many(chosen.count, 'request')} again?", yes=yes):
            page.line("Nothing was changed.")
            return STOPPED
        count = backburner.send_again(chosen)
    if count:
        waits, them = either(count, "waits", "wait"), either(count, "it", "them")
        page.line(f"{many(count, 'request')} {waits}: `backburner drain` sends {them}")
    page.finish(_json(chosen, estimate, count))
    return 0


def _facts(chosen: "Chosen", estimate: "Estimate | None") -> Facts:
    from backburner.cli.planning import price_facts  # noqa: PLC0415  # not for --help

    told = outcomes({str(name): count for name, count in chosen.outcomes.items()})
    facts = [("run", f"{chosen.run.id} ({chosen.run.name})")]
    if chosen.count:
        facts.append(("again", f"{many(chosen.count, 'request')}: {told}"))
    facts += [("left out", f"{count:,}: {cause}") for cause, count in chosen.stuck.items()]
    if chosen.outcomes.get(Outcome.REJECTED):
        facts.append(("warning", "what was rejected goes unchanged, and is likely to fail again"))
    if estimate is not None:
        facts.extend(price_facts(estimate, ())[:1])
    elif chosen.count:
        facts.append(("price", "unknown"))
    return facts


def _json(chosen: "Chosen", estimate: "Estimate | None", count: int) -> dict[str, Any]:
    from backburner.cli.plan_json import estimate_json  # noqa: PLC0415  # not for --help

    return {
        "run": chosen.run.id,
        "retried": count,
        "outcomes": {str(name): number for name, number in chosen.outcomes.items()},
        "left_out": dict(chosen.stuck),
        "estimate": None if estimate is None else estimate_json(estimate),
    }
