"""Statements of whoever holds a batch: each goes through under its epoch, or not at all."""

from collections.abc import Sequence
from math import inf
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, case, select, update

from backburner.errors import LeaseLost, MoveRefused
from backburner.nouns.batch import MOVES, Batch, BatchId, BatchState, Fence
from backburner.store.armings import arming_note
from backburner.store.batches import BATCH_COLUMNS, batch_of
from backburner.store.budgets import reservations_end
from backburner.store.engine import Transaction
from backburner.store.lanes import OPEN_LANES
from backburner.store.leases import CLAIMABLE, goes_on_stopped
from backburner.store.schema import batch

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
        goes_on_stopped | batch.c.lane.in_(OPEN_LANES),
    )
    .order_by(case((_EXPIRING, 0), else_=1), batch.c.due_at, batch.c.id)
    .limit(1)
)
_CLAIM: Final = (
    update(batch)
    .where(batch.c.id == _DUE_LONGEST.scalar_subquery())
    .values(owner=bindparam("by"), epoch=batch.c.epoch + 1, lease_until=bindparam("until"))
    .returning(*BATCH_COLUMNS)
)


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
    return batch_of(row) if row else None


def batch_take(tx: Transaction, wanted: BatchId, *, owner: str, now: float, ttl: float) -> Batch:
    """Take the lease of one batch, due or not.

    Raises:
        LeaseLost: Somebody holds it.
    """
    row = tx.execute(
        update(batch)
        .where(batch.c.id == wanted, batch.c.lease_until <= now)
        .values(owner=owner, epoch=batch.c.epoch + 1, lease_until=now + ttl)
        .returning(*BATCH_COLUMNS)
    ).first()
    if row is None:
        raise LeaseLost(f"batch {wanted} is in another worker's hands")
    return batch_of(row)


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
    row = tx.execute(statement.returning(*BATCH_COLUMNS)).first()
    if row is None:
        raise LeaseLost(f"the lease of batch {claimed.id} went to another worker")
    return batch_of(row)


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


def batch_shrink(tx: Transaction, sealed: Batch, changes: dict[str, Any]) -> Batch:
    """Give a sealed batch another body, if nobody took it meanwhile.

    Raises:
        LeaseLost: Somebody did.
    """
    return _fenced(tx, sealed, changes, also=batch.c.state == BatchState.SEALED)
