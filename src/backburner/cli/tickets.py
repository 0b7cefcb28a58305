"""`submit` and `ticket`: one request, and its answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli import options
from backburner.cli.inbox import sealed_in_words
from backburner.cli.output import Facts, Page, print_error
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.words import when
from backburner.errors import NotAnswered

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.ticket_standing import TicketStanding
    from backburner.client.tickets import Ticket
    from backburner.runs.input_warnings import InputWarning

Body = Annotated[
    str, typer.Argument(metavar="FILE", help="One Messages body as JSON; - for standard input")
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="Your name for it: the same key, the same ticket"),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the answer, and print it")]
Id = Annotated[str, typer.Argument(metavar="TICKET", help="As `submit` printed it")]
HowSoon = Annotated[
    str | None, typer.Option("--urgency", metavar="WORD", help="now, soon or window [window]")
]


def submit(
    context: typer.Context,
    body: Body,
    *,
    urgency: HowSoon = None,
    by: options.By = None,
    within: options.Within = None,
    rescue: options.Rescue = None,
    key: Key = None,
    tag: options.Tags = None,
    owner: options.Owner = "",
    beta: options.Betas = None,
    kind: options.Kind = "",
    no_routes: options.NoRoutes = False,
    allow_unknown_price: options.AllowUnknownPrice = False,
    wait: Wait = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Keep one request for later, and print its ticket."""
    from backburner.client.single_requests import TicketOptions  # noqa: PLC0415  # not for --help

    session, page = session_of(context), Page(as_json=json)
    wanted = TicketOptions(
        urgency=urgency,
        by=by,
        within=within,
        rescue=rescue,
        tags=tuple(tag or ()),
        owner=owner,
        betas=tuple(beta or ()),
        kind=kind,
        routed=not no_routes,
        allow_unknown_price=allow_unknown_price,
    )
    place = {"home": home, "lane": lane, "takes_in": True}
    with _open(session, page, place, wait=wait) as backburner:
        if wait:
            backburner.require_credential()
        warned: list[InputWarning] = []
        (ticket,) = backburner.submit_many(
            [_read(session, body)], wanted, keys=[key], warned=warned.append
        )
        if warned and not json:
            print_error([("warning", f"{one.what}; {one.hint}") for one in warned])
        if wait:
            return _show_answer(page, ticket)
        page.line(ticket.id)
        if page.is_live:
            page.line(f"`backburner ticket {ticket.id} --wait` brings its answer", "dim")
        page.finish({**_json(ticket.standing()), "warnings": [asdict(one) for one in warned]})
    return 0


def ticket(
    context: typer.Context,
    which: Id,
    *,
    wait: Wait = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Print the answer to a ticket, or tell how it stands."""
    from backburner.clock import StoreClock  # noqa: PLC0415  # not for --help

    session, page = session_of(context), Page(as_json=json)
    now = (session.clock or StoreClock()).now()
    with _open(session, page, {"home": home, "lane": lane}, wait=wait) as backburner:
        found = backburner.ticket(which)
        if wait or found.done:
            return _show_answer(page, found)
        show_ticket(page, found.standing(), now)
    return 0


def show_ticket(page: Page, standing: "TicketStanding", now: float) -> None:
    """Tell how a ticket stands."""
    page.facts(_facts(standing, now))
    page.finish(_json(standing))


def _read(session: Session, source: str) -> bytes:
    from backburner.client.preparing import opened  # noqa: PLC0415  # not for --help

    if source == options.STDIN:
        return session.stdin().read()
    with opened(source) as file:
        return file.read()


@contextmanager
def _open(
    session: Session, page: Page, place: dict[str, Any], *, wait: bool
) -> "Iterator[Backburner]":
    """The queue; where somebody waits, on a clock that a signal stops between steps only."""
    if not wait:
        with session.open(**place) as backburner:
            yield backburner
        return
    from backburner.cli.progress import Elapsed  # noqa: PLC0415  # not for --help
    from backburner.cli.stopping import PatientClock  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    clock = PatientClock(session.clock or StoreClock())
    opened = session.with_clock(clock).open(**place, listener=lambda _event: clock.stop_if_asked())
    picture = Elapsed("waiting for the answer", clock)
    with opened as backburner, clock.listening(), page.live(picture):
        yield backburner


def _show_answer(page: Page, ticket: "Ticket") -> int:
    """Print the text of an answer, also of one that was cut off or is a refusal."""
    try:
        message = ticket.result()
    except NotAnswered as error:
        if page.as_json:
            page.finish(_json(ticket.standing(), error.result))
            return error.exit_code
        if error.message is not None:
            _print_text(page, error.message)
        raise
    _print_text(page, message)
    page.finish(_json(ticket.standing(), {"type": "succeeded", "message": message}))
    return 0


def _print_text(page: Page, message: Mapping[str, Any]) -> None:
    import msgspec  # noqa: PLC0415  # not for --help

    from backburner.nouns.content import Block, text_of  # noqa: PLC0415  # as above

    page.text(text_of(msgspec.convert(message.get("content", []), list[Block])))


def _facts(one: "TicketStanding", now: float) -> Facts:
    ticket = one.ticket
    facts = [("ticket", f"{ticket.id}, {one.words}"), ("submitted", when(ticket.created_at, now))]
    if one.seals_at is not None:
        told = sealed_in_words(ticket.urgency, one.seals_at, now)
        facts.append(("waits", f"to be {told}"))
    if ticket.deadline is not None:
        facts.append(("deadline", when(ticket.deadline, now)))
    if one.run is not None and one.final is not None:
        facts.append(("travels in", f"run {one.run.id}, as {one.final.request_id}"))
    if ticket.route:
        facts.append(("route", ticket.route))
    if ticket.tags:
        facts.append(("tags", ticket.tags.replace(",", ", ")))
    if ticket.owner:
        facts.append(("owner", ticket.owner))
    return facts


def _json(one: "TicketStanding", result: Mapping[str, Any] | None = None) -> dict[str, Any]:
    ticket = one.ticket
    return {
        "ticket": ticket.id,
        "lane": ticket.lane,
        "route": ticket.route or None,
        "state": one.words,
        "outcome": one.outcome,
        "urgency": ticket.urgency,
        "deadline": ticket.deadline,
        "created_at": ticket.created_at,
        "seals_at": one.seals_at,
        "run": None if one.run is None else one.run.id,
        "request_id": None if one.final is None else one.final.request_id,
        "tags": ticket.tags.split(",") if ticket.tags else [],
        "owner": ticket.owner or None,
        "result": result,
    }
