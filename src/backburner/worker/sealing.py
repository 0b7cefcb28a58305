"""Sealing the inbox: tickets that travel together become a run.

How a run is staged is told by whoever makes the tools: it stands above the worker. The lease, and
the one transaction in which tickets leave the inbox and the run begins to count, are here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from backburner.errors import LeaseLost
from backburner.nouns.batch import Batch
from backburner.nouns.ticket import InboxSlice, TicketRow, TicketTerms
from backburner.nouns.urgency import Urgency
from backburner.plan.sealing import Seal, slice_of, slice_timing
from backburner.store.batches import batches_of_run
from backburner.store.inbox import inbox_due, inbox_holds, inbox_take
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.tickets import tickets_place
from backburner.telemetry import TicketsSealed, WindowMissed
from backburner.worker.tools import Tools


def seal(tools: Tools, lane: LaneRow, wanted: Iterable[Seal]) -> bool:
    """Seal one slice of each urgency; whether there was one.

    A step does no more, so that it ends within its lease: what is left is due at once.

    Raises:
        LeaseLost: Another worker has the lane, and nothing was sealed.
    """
    slices = [(taken, one) for one in wanted if (taken := _next_slice(tools, lane, one))]
    for tickets, one in slices:
        _seal_one(tools, lane, tickets, hurries=one.hurries)
    return bool(slices)


def _next_slice(tools: Tools, lane: LaneRow, wanted: Seal) -> tuple[TicketRow, ...]:
    with tools.store.read() as tx:
        due = inbox_due(tx, lane.name, wanted.urgency, wanted.due_by)
    return slice_of(due, tools.terms.limits.body_bytes) if due else ()


def _seal_one(tools: Tools, lane: LaneRow, tickets: Sequence[TicketRow], *, hurries: bool) -> None:
    """Make a run of tickets, in two phases as every run is.

    A ticket that was canceled meanwhile may not travel: then nothing counts, and the next step
    seals the others.
    """
    staged = tools.stage(_slice(lane, tickets, hurries=hurries))
    ids = [one.id for one in tickets]
    try:
        with tools.store.write() as tx:
            lane_fence(tx, lane)
            is_whole = inbox_holds(tx, ids)
            if is_whole:
                staged.commit(tx)
                inbox_take(tx, ids)
                tickets_place(tx, _places(ids, batches_of_run(tx, staged.run)))
    except LeaseLost:
        staged.throw_away()
        raise
    if not is_whole:
        staged.throw_away()
        return
    urgency = str(tickets[0].urgency)
    tools.emit(TicketsSealed(run=staged.run, requests=len(ids), urgency=urgency))
    if hurries:
        tools.emit(WindowMissed(lane=lane.name, batches=1, requests=len(ids)))


def _slice(lane: LaneRow, tickets: Sequence[TicketRow], *, hurries: bool) -> InboxSlice:
    first, timing = tickets[0], slice_timing(tickets)
    if hurries:
        timing = replace(timing, urgency=Urgency.SOON)
    terms = TicketTerms(
        timing=timing,
        betas=tuple(first.betas.split(",")) if first.betas else (),
        owner=first.owner,
        tags=first.tags,
    )
    return InboxSlice(
        lane=lane.name,
        terms=terms,
        waits_since=min(one.created_at for one in tickets),
        tickets=tuple(one.id for one in tickets),
    )


def _places(ids: Sequence[str], batches: Iterable[Batch]) -> Iterator[tuple[str, int, int]]:
    """The ticket of each request of a run, with its batch and its place there."""
    for batch in batches:
        for position in range(batch.requests):
            yield ids[batch.first_request + position], batch.id, position
