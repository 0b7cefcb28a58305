"""Statements about the inbox: the bodies of single requests, until they are sealed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select

from backburner.nouns.ticket import TicketRow
from backburner.nouns.urgency import Urgency
from backburner.store.engine import Transaction
from backburner.store.schema import inbox, ticket
from backburner.store.tickets import TICKET_COLUMNS, ticket_of

_LOOK: Final = 4_000
"""Tickets that are looked at to find those of a slice: those of others may stand between them."""

_CHUNK: Final = 500

_BODY: Final = select(inbox.c.body).where(inbox.c.ticket == bindparam("ticket"))
_WAITING: Final = (
    select(inbox.c.urgency, func.count(), func.min(inbox.c.due_at))
    .where(inbox.c.lane == bindparam("lane"))
    .group_by(inbox.c.urgency)
    .order_by(func.min(inbox.c.due_at))
)


def inbox_put(
    tx: Transaction, tickets: Sequence[TicketRow], kept: Iterable[tuple[bytes, float]]
) -> None:
    """Keep the body of each ticket, with the time at which it is to be sealed."""
    rows = [
        {"ticket": one.id, "lane": one.lane, "urgency": one.urgency, "body": body, "due_at": due_at}
        for one, (body, due_at) in zip(tickets, kept, strict=True)
    ]
    tx.execute(insert(inbox), rows)


def inbox_waiting(tx: Transaction, lane: str) -> list[tuple[Urgency, int, float]]:
    """Each urgency of which tickets wait in a lane, how many, and when the first is due."""
    rows = tx.execute(_WAITING, {"lane": lane})
    return [(Urgency(urgency), number, due_at) for urgency, number, due_at in rows]


def inbox_due(
    tx: Transaction, lane: str, urgency: Urgency, due_by: float
) -> list[tuple[TicketRow, int]]:
    """The tickets of an urgency that are due by a time, each with the bytes of its body."""
    rows = tx.execute(
        select(*TICKET_COLUMNS, func.length(inbox.c.body))
        .join(inbox, inbox.c.ticket == ticket.c.id)
        .where(inbox.c.lane == lane, inbox.c.urgency == urgency, inbox.c.due_at <= due_by)
        .order_by(inbox.c.due_at, inbox.c.ticket)
        .limit(_LOOK)
    )
    return [(ticket_of(row), row[-1]) for row in rows]


def inbox_bodies(tx: Transaction, tickets: Iterable[str]) -> Iterator[bytes]:
    """The body of each of these tickets, in their order, one at a time: each may be large."""
    for one in tickets:
        yield tx.execute(_BODY, {"ticket": one}).scalar_one()


def inbox_due_at(tx: Transaction, ticket_id: str) -> float | None:
    """When a ticket is to be sealed; None where it is not in the inbox."""
    return tx.execute(select(inbox.c.due_at).where(inbox.c.ticket == ticket_id)).scalar()


def inbox_holds(tx: Transaction, tickets: Sequence[str]) -> bool:
    """Whether all these tickets are in the inbox still."""
    chunks = (tickets[start : start + _CHUNK] for start in range(0, len(tickets), _CHUNK))
    there = select(func.count()).select_from(inbox)
    counts = (tx.execute(there.where(inbox.c.ticket.in_(chunk))).scalar_one() for chunk in chunks)
    return sum(counts) == len(tickets)


def inbox_take(tx: Transaction, tickets: Sequence[str]) -> int:
    """Take tickets out of the inbox; gives how many of them were in it."""
    taken = 0
    for start in range(0, len(tickets), _CHUNK):
        chunk = tickets[start : start + _CHUNK]
        taken += tx.execute(delete(inbox).where(inbox.c.ticket.in_(chunk))).rowcount
    return taken
