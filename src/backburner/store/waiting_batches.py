"""Statements about batches that nobody holds: what they wait for, and what ends their waiting."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, func, select, true, update

from backburner.nouns.batch import FOR_BUDGET, Batch, BatchId, BatchState, Via
from backburner.nouns.urgency import Urgency
from backburner.store.batches import BATCH_COLUMNS, batch_of, batches_unsent
from backburner.store.budgets import reservations_end
from backburner.store.engine import Transaction
from backburner.store.lanes import OPEN_LANES
from backburner.store.schema import batch


def batches_release(tx: Transaction, ids: Sequence[BatchId], now: float) -> int:
    """Let sealed batches of open lanes go, the longest due first; those moved meanwhile stay."""
    statement = (
        update(batch)
        .where(
            batch.c.id.in_(ids),
            batch.c.state == BatchState.SEALED,
            batch.c.lane.in_(OPEN_LANES),
        )
        .values(state=BatchState.RELEASED, hold=None, due_at=func.min(batch.c.due_at, now))
    )
    return tx.execute(statement).rowcount


def batches_place(tx: Transaction, places: Mapping[BatchId, float]) -> None:
    """Say in which order released batches are sent: each becomes due at its place."""
    if not places:
        return
    released = (batch.c.id == bindparam("wanted")) & (batch.c.state == BatchState.RELEASED)
    statement = update(batch).where(released).values(due_at=bindparam("place"))
    tx.execute(statement, [{"wanted": one, "place": at} for one, at in places.items()])


def batches_hurry(tx: Transaction, ids: Sequence[BatchId]) -> int:
    """Let batches that were to wait for a window go with the next; gives their requests."""
    statement = (
        update(batch)
        .where(batch.c.id.in_(ids), batch.c.urgency == Urgency.WINDOW)
        .values(urgency=Urgency.SOON)
        .returning(batch.c.requests)
    )
    return sum(tx.execute(statement).scalars())


def batches_releasable(tx: Transaction, ids: Sequence[BatchId]) -> list[Batch]:
    """Those of these batches that may go as soon as their budgets allow it, the longest due first.

    Held for a budget or sealed, in a lane that is open; those moved meanwhile are not among them.
    """
    waits = (batch.c.state == BatchState.SEALED) | (
        (batch.c.state == BatchState.HELD) & batch.c.hold.in_(FOR_BUDGET)
    )
    rows = tx.execute(
        select(*BATCH_COLUMNS)
        .where(batch.c.id.in_(ids), waits, batch.c.lane.in_(OPEN_LANES))
        .order_by(batch.c.due_at, batch.c.id)
    )
    return [batch_of(row) for row in rows]


def batch_hold(tx: Transaction, waiting: Batch, hold: str) -> None:
    """Hold a batch that waits to be released, for a cause."""
    tx.execute(
        update(batch)
        .where(batch.c.id == waiting.id, batch.c.state == waiting.state)
        .values(state=BatchState.HELD, hold=hold)
    )


def batches_unhold(tx: Transaction, ids: Sequence[BatchId]) -> None:
    """Seal those of these batches that are held for a budget."""
    held = (batch.c.state == BatchState.HELD) & batch.c.hold.in_(FOR_BUDGET)
    tx.execute(
        update(batch).where(batch.c.id.in_(ids), held).values(state=BatchState.SEALED, hold=None)
    )


def batches_put_off(tx: Transaction, name: str, until: float, now: float) -> int:
    """Let a lane's direct batches rest that nobody works on: they share one rate limit."""
    under_way = batch.c.state.in_([BatchState.RELEASED, BatchState.SENT])
    resting = (batch.c.lease_until <= now) & (batch.c.due_at < until)
    statement = update(batch).where(batch.c.lane == name, batch.c.via == Via.DIRECT, under_way)
    return tx.execute(statement.where(resting).values(due_at=until)).rowcount


def batches_call_back(
    tx: Transaction,
    name: str,
    *,
    via: Via | None = None,
    due_at: float = 0.0,
    hold: str | None = None,
    free_since: float | None = None,
) -> int:
    """Seal a lane's released batches again, since the upstream takes none; gives their number.

    Args:
        via: Only those that travel so.
        due_at: Not to be tried before this time; each keeps its place by default.
        hold: What they wait for.
        free_since: Leave those alone that somebody holds a lease of at this time. If None, these
            are sealed too: whoever is uploading one will find that he may not arm it.
    """
    nobody = batch.c.lease_until <= free_since if free_since is not None else true()
    travels_so = batch.c.via == via if via is not None else true()
    statement = (
        update(batch)
        .where(batch.c.lane == name, batch.c.state == BatchState.RELEASED, nobody, travels_so)
        .values(
            state=BatchState.SEALED,
            hold=hold,
            due_at=func.max(batch.c.due_at, due_at),
            lease_until=0.0,
            epoch=batch.c.epoch + 1,
        )
        .returning(batch.c.id)
    )
    called = tx.execute(statement).scalars().all()
    for one in called:
        reservations_end(tx, one)
    return len(called)


def batches_end_hold(tx: Transaction, name: str, hold: str) -> int:
    """Let a lane's sealed batches wait for nothing but their time; gives their number."""
    waiting = (batch.c.lane == name) & (batch.c.state == BatchState.SEALED)
    statement = update(batch).where(waiting, batch.c.hold == hold).values(hold=None)
    return tx.execute(statement).rowcount


def batches_due_now(tx: Transaction, name: str, now: float) -> None:
    """Make a lane's sealed batches due, whatever they waited for."""
    waiting = (batch.c.lane == name) & (batch.c.state == BatchState.SEALED)
    tx.execute(
        update(batch)
        .where(waiting)
        .values(due_at=func.min(batch.c.due_at, now), hold=None, faults=0)
    )


def batches_release_held(tx: Transaction, run: str, hold: str, now: float) -> list[Batch]:
    """Let a run's batches go that are held for a cause; gives them."""
    held = (batch.c.run == run) & (batch.c.state == BatchState.HELD) & (batch.c.hold == hold)
    statement = update(batch).where(held).values(state=BatchState.SEALED, hold=None, due_at=now)
    return [batch_of(row) for row in tx.execute(statement.returning(*BATCH_COLUMNS))]


def batches_promise(tx: Transaction, run: str, *, urgency: str, deadline: float | None) -> None:
    """Give those of a run's batches that are not over another time to be back by."""
    going = (batch.c.run == run) & (batch.c.state != BatchState.DONE)
    tx.execute(update(batch).where(going).values(urgency=urgency, deadline=deadline))


def batches_bring_forward(tx: Transaction, upstream_ids: Sequence[str], now: float) -> int:
    """Make sent batches due at once. Needs no epoch: being asked early does no harm."""
    statement = (
        update(batch)
        .where(
            batch.c.upstream_id.in_(upstream_ids),
            batch.c.state == BatchState.SENT,
            batch.c.due_at > now,
        )
        .values(due_at=now)
    )
    return tx.execute(statement).rowcount


def batches_end_unsent(
    tx: Transaction, ids: Iterable[int], now: float, outcomes: dict[int, bytes]
) -> None:
    """Close batches that never travelled, with the packed outcomes given for each size.

    One that is about to be sent is taken from its worker: the commit that would arm it is refused.
    """
    for batch_id, size in batches_unsent(tx, batch.c.id.in_(list(ids))).items():
        tx.execute(
            update(batch)
            .where(batch.c.id == batch_id)
            .values(
                state=BatchState.DONE,
                hold=None,
                outcomes=outcomes[size],
                ended_at=now,
                cancel_asked_at=now,
                epoch=batch.c.epoch + 1,
                lease_until=0.0,
            )
        )
        reservations_end(tx, batch_id)


def batches_ask_cancel(tx: Transaction, ids: Sequence[BatchId], now: float) -> None:
    """Note that a person wants these batches canceled, and make them due."""
    tx.execute(
        update(batch)
        .where(batch.c.id.in_(ids), batch.c.cancel_asked_at.is_(None))
        .values(cancel_asked_at=now, due_at=func.min(batch.c.due_at, now))
    )


def batch_outcomes_put(tx: Transaction, batch_id: BatchId, outcomes: bytes) -> None:
    """Write a collected batch's packed outcomes anew, where a person reopens some of them."""
    tx.execute(
        update(batch)
        .where(batch.c.id == batch_id, batch.c.state == BatchState.DONE)
        .values(outcomes=outcomes)
    )
