"""Leases: a worker's time-limited right to one lane or one batch, fenced by an epoch."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Case, Table, bindparam, case, func, select, update

from backburner.nouns.batch import BatchState, Via
from backburner.store.engine import Transaction
from backburner.store.lanes import OPEN_LANES
from backburner.store.schema import batch, lane

CLAIMABLE = (
    BatchState.RELEASED,
    BatchState.ARMED,
    BatchState.UNKNOWN,
    BatchState.SENT,
    BatchState.ENDED,
)
"""States in which a worker has something to do with a batch; the lane step moves the others."""

_makes_calls = (
    (batch.c.via == Via.DIRECT)
    & (batch.c.state == BatchState.SENT)
    & batch.c.cancel_asked_at.is_(None)
)
goes_on_stopped = (batch.c.state != BatchState.RELEASED) & ~_makes_calls
"""What is upstream goes on in a stopped lane; only sending and asking wait for a person."""


def _free_at(table: Table) -> Case[float]:
    due_at, lease_until = table.c.due_at, table.c.lease_until
    return case((due_at > lease_until, due_at), else_=lease_until)


_LANES_FREE_AT: Final = select(func.min(_free_at(lane))).where(
    lane.c.name.in_(bindparam("lanes", expanding=True))
)
_BATCHES_FREE_AT: Final = select(func.min(_free_at(batch))).where(
    batch.c.lane.in_(bindparam("lanes", expanding=True)),
    batch.c.state.in_(CLAIMABLE),
    goes_on_stopped | batch.c.lane.in_(OPEN_LANES),
)


_LANES_HELD: Final = select(func.max(lane.c.lease_until)).where(
    lane.c.name.in_(bindparam("lanes", expanding=True))
)
_BATCHES_HELD: Final = select(func.max(batch.c.lease_until)).where(
    batch.c.lane.in_(bindparam("lanes", expanding=True)), batch.c.state.in_(CLAIMABLE)
)


def leases_free_dead(tx: Transaction, now: float, is_alive: Callable[[str], bool]) -> int:
    """Free the leases whose owner's process is gone, and give their number."""
    freed = 0
    for table in (lane, batch):
        held = (table.c.lease_until > now) & (table.c.owner.is_not(None))
        for (owner,) in tx.execute(select(table.c.owner).where(held).distinct()).all():
            if is_alive(owner):
                continue
            statement = update(table).where(held & (table.c.owner == owner))
            freed += tx.execute(statement.values(lease_until=0.0, due_at=now)).rowcount
    return freed


def leases_next_due(tx: Transaction, lanes: tuple[str, ...]) -> float | None:
    """When the next lane or batch can be claimed; None when nothing ever will be.

    What somebody holds counts from the end of his lease: he may not come back to it.
    """
    both = (_LANES_FREE_AT, _BATCHES_FREE_AT)
    times = [tx.execute(statement, {"lanes": lanes}).scalar() for statement in both]
    return min((time for time in times if time is not None), default=None)


def leases_any(tx: Transaction, lanes: tuple[str, ...], now: float) -> bool:
    """Whether somebody is at work in some lanes."""
    both = (_LANES_HELD, _BATCHES_HELD)
    ends = (tx.execute(statement, {"lanes": lanes}).scalar() for statement in both)
    return any(end is not None and end > now for end in ends)
