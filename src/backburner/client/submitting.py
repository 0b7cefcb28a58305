"""Keeping single requests: one ticket for each key and body, up to 500 in a commit."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from backburner.errors import KeyConflict
from backburner.nouns.ticket import TICKET, Submission, TicketRow
from backburner.nouns.urgency import Timing
from backburner.nouns.window import Opening
from backburner.plan.sealing import SLICE, sealed_at
from backburner.plan.windows import opening
from backburner.store import Transaction
from backburner.store.inbox import inbox_put
from backburner.store.lanes import lane_wake
from backburner.store.tickets import tickets_insert, tickets_of_keys
from backburner.worker import Tools
from backburner.worker.forecasting import curve_of

COMMIT: Final = 500
"""Requests that are kept in one commit: a disk does a few hundred commits a second."""

_ID_LENGTH: Final = 12

_Name = tuple[str, str | None]
"""What a ticket is found by: its lane, and the hash of its key."""


def submit_all(
    tools: Tools, submissions: Sequence[Submission], pin: Callable[[Transaction, str], None]
) -> list[TicketRow]:
    """Keep single requests durably; gives the ticket of each.

    A key that was used before, for the same request, gives the ticket that it gave then.

    Args:
        tools: Where they are kept.
        submissions: What is asked.
        pin: Pins a lane to its upstream.

    Raises:
        LanePinned: A lane belongs to another upstream.
        KeyConflict: A key was used before for another request, and nothing is kept. Should another
            process use it just now, what stands in earlier commits is kept: it has keys too, so
            calling again gives the same tickets.
    """
    _check_keys(tools, [one for one in submissions if one.key_hash is not None])
    places = {(one.lane, one.terms.timing) for one in submissions}
    due_at = {place: _seals_at(tools, *place) for place in places}
    tickets: dict[int, TicketRow] = {}
    # A conflict can only show before any is kept that could not be found again.
    keyed_first = sorted(range(len(submissions)), key=lambda n: submissions[n].key_hash is None)
    for start in range(0, len(submissions), COMMIT):
        numbers = keyed_first[start : start + COMMIT]
        with tools.store.write() as tx:
            chunk = [submissions[n] for n in numbers]
            for lane in {one.lane for one in chunk}:
                pin(tx, lane)
            kept = _keep(tools, tx, chunk, due_at)
        tickets.update(zip(numbers, kept, strict=True))
    return [tickets[n] for n in range(len(submissions))]


def _check_keys(tools: Tools, keyed: Sequence[Submission]) -> None:
    """Make sure that each key stands for one request, among these and those kept before."""
    meant: dict[_Name, tuple[str, str]] = {}
    with tools.store.read() as tx:
        for start in range(0, len(keyed), COMMIT):
            for name, ticket in _known(tx, keyed[start : start + COMMIT]).items():
                meant[name] = ticket.body_hash, f"of ticket {ticket.id}"
    for one in keyed:
        own = one.body_hash, "in the same call"
        _check_same(one, *meant.setdefault((one.lane, one.key_hash), own))


def _keep(
    tools: Tools,
    tx: Transaction,
    submissions: Sequence[Submission],
    due_at: Mapping[tuple[str, Timing], float],
) -> list[TicketRow]:
    now = tools.clock.now()
    known = _known(tx, submissions)
    tickets: list[TicketRow] = []
    fresh: list[TicketRow] = []
    kept: list[tuple[bytes, float]] = []
    for one in submissions:
        name = one.lane, one.key_hash
        ticket = known.get(name)
        if ticket is None:
            ticket = _new_ticket(tools, one, now)
            fresh.append(ticket)
            kept.append((one.body, due_at[one.lane, one.terms.timing]))
            if one.key_hash is not None:
                known[name] = ticket
        else:
            _check_same(one, ticket.body_hash, f"of ticket {ticket.id}")
        tickets.append(ticket)
    if fresh:
        tickets_insert(tx, fresh)
        inbox_put(tx, fresh, kept)
    for lane, at in {(ticket.lane, at) for ticket, (_, at) in zip(fresh, kept, strict=True)}:
        lane_wake(tx, lane, at)
    return tickets


def _known(tx: Transaction, submissions: Sequence[Submission]) -> dict[_Name, TicketRow]:
    """The tickets that were given for these keys before, by lane and key."""
    keys: dict[str, list[str]] = {}
    for one in submissions:
        if one.key_hash is not None:
            keys.setdefault(one.lane, []).append(one.key_hash)
    return {
        (lane, key): ticket
        for lane, hashes in keys.items()
        for key, ticket in tickets_of_keys(tx, lane, hashes).items()
    }


def _seals_at(tools: Tools, lane: str, timing: Timing) -> float:
    terms, now = tools.lane_terms(lane), tools.clock.now()
    first = opening(terms.windows, terms.zone or "UTC", now) if terms.windows else Opening(now, now)
    # A slice may be full, and is one batch: larger ones take longer.
    curve = partial(curve_of, tools, lane, model="", requests=SLICE, at=now)
    return sealed_at(timing, curve, opens_at=None if first is None else first.since, now=now)


def _check_same(one: Submission, body_hash: str, whose: str) -> None:
    if body_hash != one.body_hash:
        raise KeyConflict(
            f"the key {one.key!r} belongs to another request, {whose}",
            hint="give each request a key of its own, or send the same body to get its answer",
        )


def _new_ticket(tools: Tools, one: Submission, now: float) -> TicketRow:
    terms = one.terms
    return TicketRow(
        id=TICKET + tools.clock.token(_ID_LENGTH),
        lane=one.lane,
        key_hash=one.key_hash,
        body_hash=one.body_hash,
        urgency=terms.timing.urgency,
        deadline=terms.timing.deadline,
        rescue=terms.timing.rescue,
        owner=terms.owner,
        tags=terms.tags,
        betas=",".join(terms.betas),
        route=terms.route,
        created_at=now,
    )
