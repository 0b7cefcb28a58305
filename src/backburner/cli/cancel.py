"""`cancel`: a run or a ticket, at every stage."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.drain import Pass, one_pass
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.words import many
from backburner.errors import ConfigError, UpstreamError
from backburner.nouns.ticket import TICKET

if TYPE_CHECKING:
    from backburner.client.canceling import Canceled
    from backburner.client.tickets import TicketCanceled
    from backburner.nouns.run import Run

RunOrTicket = Annotated[
    str, typer.Argument(metavar="RUN", help="The run, as `status` lists it; or a ticket")
]


def cancel(
    context: typer.Context,
    run: RunOrTicket,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Cancel a run, or a ticket.

    What was not sent ends at once. Anthropic is asked to cancel the rest; what it has finished by
    then is paid, and kept.
    """
    session, page = session_of(context), Page(as_json=json)
    if run.startswith(TICKET):
        return _cancel_ticket(session, page, run, home=home, lane=lane)
    with session.open(home, lane) as backburner:
        found = backburner.get(run)
        before = backburner.status(run)[1][0].count
        if before.is_finished:
            page.line(f"run {run} is finished already: nothing is left to cancel")
            page.finish({"run": run, "canceled": False})
            return 0
        canceled, has_key = backburner.cancel(run), backburner.has_credential()
    _show_canceled(page, found, canceled)
    is_away = bool(canceled.asked or canceled.direct or canceled.ended)
    asked_now = is_away and _ask_upstream(session, page, home, found.lane, has_key=has_key)
    if asked_now and canceled.asked:
        page.line("it takes effect within minutes; `backburner drain` collects what was finished")
    page.finish(
        {
            "run": run,
            "canceled": True,
            "requests_unsent": canceled.unsent,
            "batches_asked": canceled.asked,
            "batches_in_doubt": canceled.doubted,
            "batches_shared": canceled.shared,
            "batches_direct": canceled.direct,
            "batches_ended": canceled.ended,
            "asked_now": asked_now,
        }
    )
    return 0


def _cancel_ticket(session: Session, page: Page, ticket: str, *, home: Any, lane: str) -> int:
    with session.open(home, lane) as backburner:
        found = backburner.ticket(ticket)
        canceled = found.cancel()
        page.line(_canceled_in_words(canceled, ticket, found.status()))
        has_key = backburner.has_credential()
    asked_now = canceled.asked and _ask_upstream(session, page, home, lane, has_key=has_key)
    page.finish({"ticket": ticket, **asdict(canceled), "asked_now": asked_now})
    return 0


def _canceled_in_words(canceled: "TicketCanceled", ticket: str, status: str) -> str:
    if canceled.is_over:
        return f"ticket {ticket} ended already ({status})"
    if canceled.shares_with:
        others = many(canceled.shares_with, "other ticket")
        return f"ticket {ticket} is not stopped: it travels with {others} that are wanted"
    if canceled.unsent:
        return f"ticket {ticket} is canceled: it was not sent, and costs nothing"
    return f"ticket {ticket} is canceled: what Anthropic has finished by now is paid, and kept"


def _show_canceled(page: Page, run: "Run", canceled: "Canceled") -> None:
    page.line(f"run {run.id} ({run.name}) is canceled:")
    for count, noun, came_of_it in (
        (canceled.unsent, "request", "never sent: ended as canceled, at no cost"),
        (canceled.asked, "batch", "with Anthropic: what it has finished is paid, and kept"),
        (canceled.doubted, "batch", "in doubt: left alone until it is known whether they arrived"),
        (
            canceled.direct,
            "batch",
            "of sync calls: no more are made; those that were are paid, and kept",
        ),
        (canceled.ended, "batch", "finished already: paid, and kept"),
        (canceled.shared, "batch", "of retries: not stopped, since other runs are in it too"),
    ):
        if count:
            page.line(f"  {many(count, noun)} {came_of_it}")
    if not (canceled.asked or canceled.direct or canceled.ended) and run.output is not None:
        page.line("`backburner drain` writes its output")


def _ask_upstream(session: Session, page: Page, home: Any, lane: str, *, has_key: bool) -> bool:
    """Ask upstream at once where that can be done; whether it was."""
    later = "`backburner drain` asks Anthropic to cancel, and collects what it had finished"
    if not has_key:
        page.line(f"there is no key here: {later}")
        return False
    try:
        done = one_pass(session, page, Pass(collect_only=True), home=home, lane=lane)
        if done.stopped is not None:
            raise done.stopped
    except (UpstreamError, ConfigError) as error:
        page.line(f"Anthropic could not be asked ({error}): {later}")
        return False
    return True
