"""Statements about batches. Every change of state goes through `batch_move`, under the epoch."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, case, func, insert, select, true, update

from backburner.errors import LeaseLost, MoveRefused, NotFound
from backburner.nouns.batch import FOR_BUDGET, MOVES, UNSENT, Batch, BatchId, BatchState, Fence, Via
from backburner.nouns.urgency import Urgency
from backburner.store.armings import arming_note
from backburner.store.budgets import reservations_end
from backburner.store.engine import Transaction
from backburner.store.lanes import OPEN
from backburner.store.leases import CLAIMABLE, goes_on_stopped
from backburner.store.schema import batch, lane

_open_lanes = select(lane.c.name).where(lane.c.state == OPEN)
_COLUMNS = [batch.c[field.name] for field in dataclasses.fields(Batch)]

# What every step asks is built once: that takes longer than asking does.
_OF_RUN: Final = (
    select(*_COLUMNS).where(batch.c.run == bindparam("run")).order_by(batch.c.first_request)
)
_OUTCOMES_OF_RUN: Final = select(batch.c.outcomes).where(
    batch.c.run == bindparam("run"), batch.c.outcomes.is_not(None)
)
_IN_STATES: Final = (
    select(*_COLUMNS)
    .where(
        batch.c.lane.in_(bindparam("lanes", expanding=True)),
        batch.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(batch.c.id)
)
_EXPIRING: Final = batch.c.state.in_([BatchState.SENT, BatchState.ENDED]) & (
    batch.c.sent_at < bindparam("first_before")
)
_DUE_LONGEST: Final = (
    select(batch.c.id)
    .where(
        batch.c.lane.in_(bindparam("lanes", expanding=True)),
        batch.c.state.in_(CLAIMABLE),
        batch.c.due_at <= bindparam("now"),
        batch.c.due_at < bindparam("due_before"),
        batch.c.lease_until <= bindparam("now"),
        goes_on_stopped | batch.c.lane.in_(_open_lanes),
    )
    .order_by(case((_EXPIRING, 0), else_=1), batch.c.due_at, batch.c.id)
    .limit(1)
)
_CLAIM: Final = (
    update(batch)
    .where(batch.c.id == _DUE_LONGEST.scalar_subquery())
    .values(owner=bindparam("by"), epoch=batch.c.epoch + 1, lease_until=bindparam("until"))
    .returning(*_COLUMNS)
)


def _batch(row: Row[Any]) -> Batch:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    values |= {"state": BatchState(values["state"]), "via": Via(values["via"])}
    return Batch(**values)


def batch_insert(tx: Transaction, values: dict[str, Any]) -> BatchId:
    """Add a batch that was just sealed; its segment must be in the vault already."""
    row = {
        "attempt_try": "0",
        "state": BatchState.SEALED,
        "hold": None,
        "via": Via.BATCH,
        "origins": None,
        "first_request": 0,
        "run": None,
        "owner": None,
        "epoch": 0,
        "lease_until": 0.0,
        "downloads": 0,
        "faults": 0,
        "misses": 0,
        **values,
    }
    result = tx.execute(insert(batch).values(row))
    return BatchId(result.inserted_primary_key[0])  # type: ignore[index]


def batch_get(tx: Transaction, batch_id: BatchId) -> Batch:
    """One batch.

    Raises:
        NotFound: There is none with that number.
    """
    row = tx.execute(select(*_COLUMNS).where(batch.c.id == batch_id)).first()
    if row is None:
        raise NotFound(f"there is no batch {batch_id}")
    return _batch(row)


def batch_by_nonce(tx: Transaction, nonce: str) -> Batch | None:
    """The batch whose custom_ids begin with `nonce`."""
    row = tx.execute(select(*_COLUMNS).where(batch.c.nonce == nonce)).first()
    return _batch(row) if row else None


def batches_by_id(tx: Transaction, ids: Iterable[int]) -> list[Batch]:
    """The batches with these numbers, oldest first."""
    query = select(*_COLUMNS).where(batch.c.id.in_(set(ids))).order_by(batch.c.id)
    return [_batch(row) for row in tx.execute(query)]


def batches_of_run(tx: Transaction, run: str) -> list[Batch]:
    """The batches of a run's first attempts, in the order of its requests."""
    return [_batch(row) for row in tx.execute(_OF_RUN, {"run": run})]


def batches_of_retries(tx: Transaction, lane_name: str) -> list[Batch]:
    """A lane's batches of retries, oldest first."""
    rows = tx.execute(
        select(*_COLUMNS)
        .where(batch.c.lane == lane_name, batch.c.origins.is_not(None))
        .order_by(batch.c.id)
    )
    return [_batch(row) for row in rows]


def batches_such(tx: Transaction, which: ColumnElement[bool]) -> list[Batch]:
    """The batches of which something holds, oldest first."""
    return [_batch(row) for row in tx.execute(select(*_COLUMNS).where(which).order_by(batch.c.id))]


def batches_where(
    tx: Transaction, lanes: Sequence[str], states: Iterable[BatchState]
) -> list[Batch]:
    """The batches of these lanes that are in one of these states, oldest first."""
    rows = tx.execute(_IN_STATES, {"lanes": lanes, "states": list(states)})
    return [_batch(row) for row in rows]


def batch_claim(
    tx: Transaction,
    lanes: Sequence[str],
    *,
    owner: str,
    now: float,
    ttl: float,
    due_before: float = inf,
    first_before: float = 0.0,
) -> Batch | None:
    """Take the lease of the batch that has been due longest, if any is.

    Args:
        due_before: Take none that became due at this time or later.
        first_before: Take what is upstream since before this time first of all.
    """
    values = {
        "lanes": lanes,
        "now": now,
        "due_before": due_before,
        "first_before": first_before,
        "by": owner,
        "until": now + ttl,
    }
    row = tx.execute(_CLAIM, values).first()
    return _batch(row) if row else None


def batch_take(tx: Transaction, wanted: BatchId, *, owner: str, now: float, ttl: float) -> Batch:
    """Take the lease of one batch, due or not.

    Raises:
        LeaseLost: Somebody holds it.
    """
    row = tx.execute(
        update(batch)
        .where(batch.c.id == wanted, batch.c.lease_until <= now)
        .values(owner=owner, epoch=batch.c.epoch + 1, lease_until=now + ttl)
        .returning(*_COLUMNS)
    ).first()
    if row is None:
        raise LeaseLost(f"batch {wanted} is in another worker's hands")
    return _batch(row)


def batch_renew(tx: Transaction, claimed: Batch, lease_until: float) -> Batch:
    """Keep a lease a while longer.

    Raises:
        LeaseLost: Another worker has it.
    """
    return _fenced(tx, claimed, {"lease_until": lease_until})


def batch_arm(
    tx: Transaction, claimed: Batch, fence: Fence, *, now: float, quiet: float, ttl: float
) -> Batch:
    """Commit that the last bytes of the body are about to be sent.

    The lease is stretched over the whole time in which a slow answer may still come, so that
    nobody resolves a doubt that does not exist yet.

    Raises:
        LeaseLost: Less than half of the lease is left, or another worker has it.
    """
    enough = batch.c.lease_until >= now + ttl / 2
    changes = {
        "fence": fence.upstream_id,
        "fence_at": fence.created_at,
        "armed_at": now,
        "lease_until": now + quiet,
        "due_at": now + quiet,
    }
    armed = batch_move(tx, claimed, BatchState.ARMED, changes, also=enough)
    # From the first arming on there is something that looking back might find.
    tx.execute(
        update(lane)
        .where(lane.c.name == armed.lane, lane.c.looked_back_at.is_(None))
        .values(looked_back_at=now)
    )
    arming_note(tx, armed, now)
    return armed


def batch_move(
    tx: Transaction,
    claimed: Batch,
    state: BatchState,
    changes: dict[str, Any] | None = None,
    *,
    also: ColumnElement[bool] | None = None,
    is_doubted: bool = False,
) -> Batch:
    """Change a claimed batch's state, if its epoch is still ours.

    What goes back to sealed was certainly not accepted, so what it has reserved is free again.

    Args:
        is_doubted: Whether it goes back although it may have been accepted.

    Raises:
        MoveRefused: The table of moves has no such move.
        LeaseLost: Another worker has the batch, or it is in another state by now.
    """
    if state not in MOVES[claimed.state]:
        raise MoveRefused(f"batch {claimed.id} cannot go from {claimed.state} to {state}")
    condition = batch.c.state == claimed.state
    condition = condition if also is None else condition & also
    moved = _fenced(tx, claimed, {"state": state, **(changes or {})}, also=condition)
    is_closed = claimed.state is BatchState.RELEASED and state is BatchState.DONE
    if is_closed or (state is BatchState.SEALED and not is_doubted):
        reservations_end(tx, moved.id)
    return moved


def batch_rest(tx: Transaction, claimed: Batch, due_at: float, **changes: Any) -> None:
    """Give the lease back and name the time of the next step."""
    _fenced(tx, claimed, {"due_at": due_at, "lease_until": 0.0, **changes})


def batch_give_back(tx: Transaction, claimed: Batch, due_at: float) -> None:
    """Let go of a batch whose step failed, until a time, unless it was moved or taken meanwhile."""
    tx.execute(
        update(batch)
        .where(
            batch.c.id == claimed.id,
            batch.c.epoch == claimed.epoch,
            batch.c.state == claimed.state,
            batch.c.lease_until > 0,
        )
        .values(lease_until=0.0, due_at=due_at)
    )


def _fenced(
    tx: Transaction,
    claimed: Batch,
    changes: dict[str, Any],
    *,
    also: ColumnElement[bool] | None = None,
) -> Batch:
    ours = (batch.c.id == claimed.id) & (batch.c.epoch == claimed.epoch)
    statement = update(batch).where(ours if also is None else ours & also).values(**changes)
    row = tx.execute(statement.returning(*_COLUMNS)).first()
    if row is None:
        raise LeaseLost(f"the lease of batch {claimed.id} went to another worker")
    return _batch(row)


def batch_doubt(tx: Transaction, unsent: Batch, *, armed_at: float, now: float) -> bool:
    """Put a batch in doubt that the store believes unsent; whether nobody moved it meanwhile.

    Its epoch goes up, so whoever is about to send it can no longer arm. What it was held for is
    kept, and holds again should it prove absent; a sealed batch that waited for room was not held.
    """
    if BatchState.UNKNOWN not in MOVES[unsent.state]:
        raise MoveRefused(f"batch {unsent.id} cannot go from {unsent.state} into doubt")
    statement = (
        update(batch)
        .where(batch.c.id == unsent.id, batch.c.state == unsent.state)
        .values(
            state=BatchState.UNKNOWN,
            hold=unsent.hold if unsent.state is BatchState.HELD else None,
            armed_at=armed_at,
            misses=0,
            missed_at=None,
            epoch=batch.c.epoch + 1,
            lease_until=0.0,
            due_at=now,
        )
    )
    return tx.execute(statement).rowcount == 1


def batches_release(tx: Transaction, ids: Sequence[BatchId], now: float) -> int:
    """Let sealed batches of open lanes go, the longest due first; those moved meanwhile stay."""
    statement = (
        update(batch)
        .where(
            batch.c.id.in_(ids),
            batch.c.state == BatchState.SEALED,
            batch.c.lane.in_(_open_lanes),
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
        select(*_COLUMNS)
        .where(batch.c.id.in_(ids), waits, batch.c.lane.in_(_open_lanes))
        .order_by(batch.c.due_at, batch.c.id)
    )
    return [_batch(row) for row in rows]


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


def batch_shrink(tx: Transaction, sealed: Batch, changes: dict[str, Any]) -> Batch:
    """Give a sealed batch another body, if nobody took it meanwhile.

    Raises:
        LeaseLost: Somebody did.
    """
    return _fenced(tx, sealed, changes, also=batch.c.state == BatchState.SEALED)


def batches_held(tx: Transaction, run: str, hold: str) -> int:
    """How many of a run's batches are held for a cause."""
    held = (batch.c.run == run) & (batch.c.state == BatchState.HELD) & (batch.c.hold == hold)
    return tx.execute(select(func.count()).select_from(batch).where(held)).scalar_one()


def batches_release_held(tx: Transaction, run: str, hold: str, now: float) -> list[Batch]:
    """Let a run's batches go that are held for a cause; gives them."""
    held = (batch.c.run == run) & (batch.c.state == BatchState.HELD) & (batch.c.hold == hold)
    statement = update(batch).where(held).values(state=BatchState.SEALED, hold=None, due_at=now)
    return [_batch(row) for row in tx.execute(statement.returning(*_COLUMNS))]


def batches_promise(tx: Transaction, run: str, *, urgency: str, deadline: float | None) -> None:
    """Give those of a run's batches that are not over another time to be back by."""
    going = (batch.c.run == run) & batch.c.state.not_in([BatchState.DONE, BatchState.ABANDONED])
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


def batches_unsent_of_run(tx: Transaction, run: str) -> dict[int, int]:
    """A run's batches of first attempts that never travelled, and how many requests each holds."""
    return batches_unsent(tx, batch.c.run == run)


def batches_unsent_among(tx: Transaction, ids: Iterable[int]) -> dict[int, int]:
    """Those of some batches that never travelled, and how many requests each holds."""
    return batches_unsent(tx, batch.c.id.in_(list(ids)))


def batches_unsent(tx: Transaction, which: ColumnElement[bool]) -> dict[int, int]:
    """Batches that never travelled and are to, and how many requests each holds."""
    rows = tx.execute(select(batch.c.id, batch.c.requests).where(which, batch.c.state.in_(UNSENT)))
    return {batch_id: size for batch_id, size in rows}  # noqa: C416  # rows are no pairs to mypy


def batches_ask_cancel(tx: Transaction, ids: Sequence[BatchId], now: float) -> None:
    """Note that a person wants these batches canceled, and make them due."""
    tx.execute(
        update(batch)
        .where(batch.c.id.in_(ids), batch.c.cancel_asked_at.is_(None))
        .values(cancel_asked_at=now, due_at=func.min(batch.c.due_at, now))
    )


def batch_outcomes(tx: Transaction, batch_id: BatchId) -> bytes | None:
    """The packed outcomes of a batch, zstd-compressed; None before its collection."""
    outcomes: bytes | None = tx.execute(
        select(batch.c.outcomes).where(batch.c.id == batch_id)
    ).scalar_one()
    return outcomes


def batch_outcomes_put(tx: Transaction, batch_id: BatchId, outcomes: bytes) -> None:
    """Write a collected batch's packed outcomes anew, where a person reopens some of them."""
    tx.execute(
        update(batch)
        .where(batch.c.id == batch_id, batch.c.state == BatchState.DONE)
        .values(outcomes=outcomes)
    )


def batches_answered(tx: Transaction, lane_name: str, betas: str, since: float) -> list[Batch]:
    """A lane's batches of first attempts that travelled and ended since then, newest first."""
    answered = (batch.c.state == BatchState.DONE) & batch.c.results.is_not(None)
    answered &= batch.c.pruned_at.is_(None)
    travelled = batch.c.run.is_not(None) & batch.c.upstream_id.is_not(None)
    rows = tx.execute(
        select(*_COLUMNS)
        .where(batch.c.lane == lane_name, batch.c.betas == betas, answered, travelled)
        .where(batch.c.ended_at >= since)
        .order_by(batch.c.ended_at.desc(), batch.c.id.desc())
    )
    return [_batch(row) for row in rows]


def outcomes_of_run(tx: Transaction, run: str) -> list[bytes]:
    """The packed outcomes of those of a run's first-attempt batches that were collected."""
    return list(tx.execute(_OUTCOMES_OF_RUN, {"run": run}).scalars())
