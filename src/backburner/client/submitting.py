"""Keeping single requests: one ticket for each key and body, up to 500 in a commit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from backburner.client.inbox import Body, bodies_at_the_door
from backburner.client.promising import timing_in
from backburner.errors import InputError, KeyConflict
from backburner.nouns.budget import owner_of, tags_of
from backburner.nouns.ticket import TICKET, Submission, TicketRow, TicketTerms
from backburner.nouns.urgency import Timing, Urgency
from backburner.nouns.window import Opening
from backburner.plan.promises import Asked
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOptions:
    """What single requests are to be, as a person says it.

    Attributes:
        urgency: `now`, `soon` or `window`; the lane's next window where nothing is said.
        by: When the answers have to be there: a local time such as `07:00`, or a day and a time.
        within: The same as a span from now, such as `6h`.
        rescue: What may be spent on asking sync should a deadline be in danger, in US dollars.
        tags: Words for what they are for; each may have a budget.
        owner: One word for whoever pays.
        betas: Beta names.
        allow_unknown_price: Whether a model may be asked of which no price is known.
    """

    urgency: str | None = None
    by: str | None = None
    within: str | None = None
    rescue: str | float | None = None
    tags: tuple[str, ...] = ()
    owner: str = ""
    betas: tuple[str, ...] = ()
    allow_unknown_price: bool = False

    def terms(self, tools: Tools, lane: str) -> TicketTerms:
        """The same, checked, by the lane's zone.

        Raises:
            InputError: One of the words is wrong.
        """
        return TicketTerms(
            timing=self._timing(tools, lane),
            betas=tuple(sorted(set(self.betas))),
            owner=owner_of(self.owner),
            tags=tags_of(self.tags),
        )

    def _timing(self, tools: Tools, lane: str) -> Timing:
        if self.urgency not in (None, Urgency.NOW, Urgency.SOON, Urgency.WINDOW):
            raise InputError(
                f"{self.urgency!r} is no urgency",
                hint="there is now, soon and window; or give a deadline",
            )
        is_now = self.urgency == Urgency.NOW
        # Of a sync call nothing is left to be said; with a deadline, the word contradicts it.
        word = (
            None
            if is_now and (self.by, self.within, self.rescue) == (None, None, None)
            else self.urgency
        )
        asked = Asked(by=self.by, within=self.within, urgency=word, rescue=self.rescue)
        timing = timing_in(tools, lane, asked) or Timing()
        return replace(timing, urgency=Urgency.NOW) if is_now else timing


def submissions(
    bodies: Iterable[Body],
    terms: TicketTerms,
    keys: Iterable[str | None] | None,
    known_models: Collection[str],
) -> list[Submission]:
    """Single requests, checked at the door.

    Raises:
        InputError: One of them is no JSON object, or a word of the options is wrong.
        InputFaults: A batch would refuse one of them.
    """
    taken, _ = bodies_at_the_door(bodies, terms.betas, known_models)
    named = [None] * len(taken) if keys is None else list(keys)
    if len(named) != len(taken):
        raise InputError(
            f"there are {len(taken):,} requests and {len(named):,} keys",
            hint="give each request a key, or None",
        )
    return [
        Submission(body=body, key=key, terms=terms) for body, key in zip(taken, named, strict=True)
    ]


def submit_all(tools: Tools, lane: str, submissions: Sequence[Submission]) -> list[TicketRow]:
    """Keep single requests durably; gives the ticket of each.

    A key that was used before, for the same request, gives the ticket that it gave then.

    Raises:
        KeyConflict: A key was used before for another request. What stands before its commit is
            kept, and calling again gives the same tickets.
    """
    timings = {one.terms.timing for one in submissions}
    due_at = {timing: _seals_at(tools, lane, timing) for timing in timings}
    tickets: list[TicketRow] = []
    for start in range(0, len(submissions), COMMIT):
        chunk = submissions[start : start + COMMIT]
        with tools.store.write() as tx:
            tickets += _keep(tools, tx, lane, chunk, due_at)
    return tickets


def _keep(
    tools: Tools,
    tx: Transaction,
    lane: str,
    submissions: Sequence[Submission],
    due_at: Mapping[Timing, float],
) -> list[TicketRow]:
    now = tools.clock.now()
    hashes = (one.key_hash for one in submissions if one.key_hash is not None)
    known = dict(tickets_of_keys(tx, lane, hashes))
    tickets: list[TicketRow] = []
    fresh: list[TicketRow] = []
    kept: list[tuple[bytes, float]] = []
    for one in submissions:
        ticket = known.get(one.key_hash) if one.key_hash is not None else None
        if ticket is None:
            ticket = _new_ticket(tools, lane, one, now)
            fresh.append(ticket)
            kept.append((one.body, due_at[one.terms.timing]))
            if ticket.key_hash is not None:
                known[ticket.key_hash] = ticket
        _check_same(one, ticket)
        tickets.append(ticket)
    if fresh:
        tickets_insert(tx, fresh)
        inbox_put(tx, fresh, kept)
        lane_wake(tx, lane, min(at for _, at in kept))
    return tickets


def _seals_at(tools: Tools, lane: str, timing: Timing) -> float:
    terms, now = tools.lane_terms(lane), tools.clock.now()
    first = opening(terms.windows, terms.zone or "UTC", now) if terms.windows else Opening(now, now)
    # A slice may be full, and is one batch: larger ones take longer.
    curve = partial(curve_of, tools, lane, model="", requests=SLICE, at=now)
    return sealed_at(timing, curve, opens_at=None if first is None else first.since, now=now)


def _check_same(one: Submission, ticket: TicketRow) -> None:
    if ticket.body_hash != one.body_hash:
        raise KeyConflict(
            f"the key {one.key!r} belongs to another request, of ticket {ticket.id}",
            hint="give each request a key of its own, or send the same body to get its answer",
        )


def _new_ticket(tools: Tools, lane: str, one: Submission, now: float) -> TicketRow:
    terms = one.terms
    return TicketRow(
        id=TICKET + tools.clock.token(_ID_LENGTH),
        lane=lane,
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
