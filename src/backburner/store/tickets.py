"""Statements about tickets: what the callers of single requests hold."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from backburner.errors import NotFound
from backburner.nouns.batch import BatchState
from backburner.nouns.ticket import TicketRow
from backburner.nouns.urgency import Urgency
from backburner.store.engine import Transaction
from backburner.store.schema import batch, inbox, run, ticket

TICKET_COLUMNS: Final = [ticket.c[field.name] for field in dataclasses.fields(TicketRow)]


def ticket_of(row: Sequence[Any]) -> TicketRow:
    """The ticket of a row that begins with its columns."""
    values = dict(zip(TicketRow.__slots__, row, strict=False))
    return TicketRow(**{**values, "urgency": Urgency(values["urgency"])})


def tickets_insert(tx: Transaction, rows: Sequence[TicketRow]) -> None:
    """Add tickets."""
    values = [{name: getattr(row, name) for name in TicketRow.__slots__} for row in rows]
    tx.execute(insert(ticket), values)


def ticket_get(tx: Transaction, ticket_id: str) -> TicketRow:
    """One ticket.

    Raises:
        NotFound: There is none of that name.
    """
    row = tx.execute(select(*TICKET_COLUMNS).where(ticket.c.id == ticket_id)).first()
    if row is None:
        raise _not_found(ticket_id)
    return ticket_of(row)


def _not_found(ticket_id: str) -> NotFound:
    return NotFound(
        f"there is no ticket {ticket_id!r}",
        hint="`backburner submit` prints the id; 7 days after it was read a ticket is removed",
    )


def ticket_may_be_over(tx: Transaction, ticket_id: str) -> bool:
    """Whether a ticket is neither in the inbox nor in a batch that was not collected.

    Whoever waits asks after every step: one statement, and nothing is read from files.

    Raises:
        NotFound: There is none of that name.
    """
    row = tx.execute(
        select(ticket.c.batch, batch.c.state, inbox.c.ticket)
        .join(batch, batch.c.id == ticket.c.batch, isouter=True)
        .join(inbox, inbox.c.ticket == ticket.c.id, isouter=True)
        .where(ticket.c.id == ticket_id)
    ).first()
    if row is None:
        raise _not_found(ticket_id)
    return row.state == BatchState.DONE if row.batch is not None else row.ticket is None


def tickets_of_keys(
    tx: Transaction, lane: str, key_hashes: Iterable[str]
) -> Mapping[str, TicketRow]:
    """Those of a lane's tickets that have one of these keys, by the key's hash."""
    wanted = (ticket.c.lane == lane) & ticket.c.key_hash.in_(list(key_hashes))
    rows = [ticket_of(row) for row in tx.execute(select(*TICKET_COLUMNS).where(wanted))]
    return {row.key_hash: row for row in rows if row.key_hash is not None}


def tickets_place(tx: Transaction, places: Iterable[tuple[str, int, int]]) -> None:
    """Note the batch of each ticket, and its place there."""
    statement = (
        update(ticket)
        .where(ticket.c.id == bindparam("of"))
        .values(batch=bindparam("in_batch"), position=bindparam("at"))
    )
    values = [{"of": one, "in_batch": in_batch, "at": at} for one, in_batch, at in places]
    tx.execute(statement, values)


def tickets_follow(tx: Transaction, old: int, first: int, new: int) -> None:
    """Note that the requests of a batch from a position on are those of another from its start."""
    moved = (ticket.c.batch == old) & (ticket.c.position >= first)
    tx.execute(update(ticket).where(moved).values(batch=new, position=ticket.c.position - first))


def ticket_deliver(tx: Transaction, ticket_id: str, now: float) -> None:
    """Note that a ticket's result was read; the first time counts."""
    unread = (ticket.c.id == ticket_id) & ticket.c.delivered_at.is_(None)
    tx.execute(update(ticket).where(unread).values(delivered_at=now))


def ticket_ask_cancel(tx: Transaction, ticket_id: str, now: float) -> None:
    """Note that somebody wants a ticket canceled."""
    unasked = (ticket.c.id == ticket_id) & ticket.c.cancel_asked_at.is_(None)
    tx.execute(update(ticket).where(unasked).values(cancel_asked_at=now))


def tickets_wanted(tx: Transaction, of_run: str) -> int:
    """How many tickets of a run nobody asked to cancel."""
    batches = select(batch.c.id).where(batch.c.run == of_run)
    wanted = ticket.c.batch.in_(batches) & ticket.c.cancel_asked_at.is_(None)
    return len(tx.execute(select(ticket.c.id).where(wanted)).all())


def tickets_prune(tx: Transaction, before: float) -> int:
    """Remove the tickets whose results were read, or pruned, before a time; gives their number."""
    pruned = select(batch.c.id).join(run, run.c.id == batch.c.run).where(run.c.pruned_at < before)
    is_over = (ticket.c.delivered_at < before) | ticket.c.batch.in_(pruned)
    return tx.execute(delete(ticket).where(is_over)).rowcount
