"""`adopt`: a batch that is at Anthropic and that the queue does not know."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, session_of
from backburner.cli.words import many, outcomes

if TYPE_CHECKING:
    from backburner.client.adopting import Adopted

Id = Annotated[str, typer.Argument(metavar="ID", help="The batch's id: msgbatch_…")]
Source = Annotated[
    str | None, typer.Argument(metavar="REQUESTS", help="The list of requests it was made of")
]


def adopt(
    context: typer.Context,
    upstream_id: Id,
    source: Source = None,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Take over a batch made elsewhere.

    One of ours that was in doubt goes on at once. With the list that a script's batch was made of,
    it becomes a run; without it, its results are kept aside.
    """
    session, page = session_of(context), Page(as_json=json)
    with session.open(home, lane, takes_in=True) as backburner:
        backburner.require_credential()
        adopted = backburner.adopt(upstream_id, source)
        at = backburner.settings.home / "vault"
    words, told = _told(adopted)
    for line in words:
        page.line(line.replace("VAULT", str(at)))
    page.finish({"upstream_id": upstream_id, **told})
    return 0


def _told(adopted: "Adopted") -> tuple[list[str], dict[str, Any]]:
    from backburner.client.adopting import Resolved, TakenOver, Twice  # noqa: PLC0415  # slow
    from backburner.nouns.money import Money  # noqa: PLC0415  # as above

    match adopted:
        case Resolved(batch):
            words = f"it is batch {batch.nonce} of this queue, which is no longer in doubt"
            return [words, "`backburner drain` collects it"], {"as": "ours", "run": batch.run}
        case Twice(batch):
            words = f"it is a second one of batch {batch.nonce}: booked as paid twice, not used"
            return [words], {"as": "duplicate", "run": batch.run}
        case TakenOver(run):
            words = f"run {run.id} holds it: {many(run.requests, 'request')}"
            hint = "`backburner drain` collects it, and retries what failed"
            return [words, hint], {"as": "run", "run": run.id}
        case kept:
            counted = {str(name): count for name, count in kept.outcomes.items()}
            price = "" if kept.paid is None else f"; paid {Money(picodollars=kept.paid).show()}"
            lines = [
                f"none of its requests is known here: {outcomes(counted)}{price}",
                f"its results are kept in VAULT/{kept.name}",
            ]
            return lines, {"as": "orphans", "object": kept.name, "outcomes": counted}
