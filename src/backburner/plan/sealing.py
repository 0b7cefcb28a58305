"""When tickets leave the inbox, and which of them travel together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from backburner.nouns.ticket import TicketRow
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.deadlines import Promise, release_at
from backburner.plan.turnaround import Curve

GATHER: Final = 10.0
"""Seconds that a worker lets a ticket wait for others, so that a burst becomes one batch."""

SLICE: Final = 2_000
"""Tickets that are sealed at once: one commit, well within a lease."""

DEADLINE_BUCKET: Final = 900.0
"""Seconds by which the deadlines of tickets may differ that are sealed together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The tickets of one urgency in a lane's inbox.

    Attributes:
        due_at: When the first of them is to be sealed.
    """

    urgency: Urgency
    due_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Tickets that are to be sealed now: those of an urgency that are due by a time.

    Attributes:
        hurries: Whether nobody was there while their window was open: they go with the next batch.
    """

    urgency: Urgency
    due_by: float
    hurries: bool = False


def sealed_at(
    timing: Timing, curve: Callable[[], Curve], *, opens_at: float | None, now: float
) -> float:
    """When a ticket that is submitted now leaves the inbox.

    Args:
        curve: Tells how long batches take that leave now.
        opens_at: When the lane's window opens, now or earlier if it is open; None where no window
            is known to come.
    """
    match timing.urgency:
        case Urgency.NOW | Urgency.SOON:
            return now
        case Urgency.WINDOW:
            return now if opens_at is None else max(opens_at, now)
        case Urgency.DEADLINE:
            promise = Promise(deadline=timing.deadline or now)
            return release_at(promise, curve(), opens_at=opens_at, now=now)


def seals(
    inbox: Iterable[Waiting], now: float, gather: float = 0.0, *, window_is_open: bool = True
) -> tuple[Seal, ...]:
    """What of an inbox is to be sealed.

    Args:
        gather: Seconds that a due ticket waits for others, unless somebody waits for it.
        window_is_open: Whether what waited for a window still finds it open.
    """
    return tuple(
        Seal(
            urgency=one.urgency,
            due_by=_due_by(one.urgency, now),
            hurries=one.urgency is Urgency.WINDOW and not window_is_open,
        )
        for one in inbox
        if _sealed_at(one, gather) <= now
    )


def seals_all(inbox: Iterable[Waiting]) -> tuple[Seal, ...]:
    """The same where nothing is to wait for its time."""
    return tuple(Seal(urgency=one.urgency, due_by=inf) for one in inbox)


def next_seal(inbox: Iterable[Waiting], gather: float = 0.0) -> float | None:
    """When the next ticket is to be sealed; None for an empty inbox."""
    return min((_sealed_at(one, gather) for one in inbox), default=None)


def _sealed_at(one: Waiting, gather: float) -> float:
    return one.due_at if one.urgency is Urgency.NOW else one.due_at + gather


def _due_by(urgency: Urgency, now: float) -> float:
    """What is nearly due goes along, where each ticket has a time of its own."""
    return now + DEADLINE_BUCKET if urgency is Urgency.DEADLINE else now


def slice_of(candidates: Sequence[tuple[TicketRow, int]], most_bytes: int) -> tuple[TicketRow, ...]:
    """Those tickets that are sealed with the first of them, however large that is.

    Args:
        candidates: Tickets of one urgency, each with the bytes of its body.
        most_bytes: What their bodies may have together.
    """
    first = candidates[0][0]
    taken: list[TicketRow] = []
    room = most_bytes
    for one, body_bytes in candidates:
        if not _may_travel_with(first, one):
            continue
        room -= body_bytes
        if taken and (room < 0 or len(taken) == SLICE):
            break
        taken.append(one)
    return tuple(taken)


def _may_travel_with(first: TicketRow, one: TicketRow) -> bool:
    return _alike(first) == _alike(one) and _is_close(first.deadline, one.deadline)


def _alike(one: TicketRow) -> tuple[object, ...]:
    """What a run has once, so that all tickets in it share it."""
    return one.urgency, one.betas, one.owner, one.tags, one.rescue is None


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= DEADLINE_BUCKET


def slice_timing(tickets: Sequence[TicketRow]) -> Timing:
    """When tickets that are sealed together have to travel.

    The earliest deadline is kept for all. Each may spend what it was given for its rescue.
    """
    deadlines = [one.deadline for one in tickets if one.deadline is not None]
    amounts = [one.rescue for one in tickets if one.rescue is not None]
    return Timing(
        urgency=tickets[0].urgency,
        deadline=min(deadlines, default=None),
        rescue=sum(amounts) if amounts else None,
    )
