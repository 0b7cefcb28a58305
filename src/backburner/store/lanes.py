"""Statements about lanes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Float, Row, bindparam, case, func, select, update
from sqlalchemy.dialects.sqlite import insert

from backburner.errors import LanePinned, LeaseLost
from backburner.store.engine import Transaction
from backburner.store.schema import lane


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRow:
    """A lane as the store knows it; `base_url` and `workspace` are what it is pinned to.

    Attributes:
        looked_back_at: When the upstream was last searched for late duplicates; at first, when the
            first batch was armed.
        restored_at: When the store was last found, or said, to come from a backup.
        window_seen_at: When somebody who may send last saw a window of it open.
    """

    name: str
    base_url: str
    workspace: str | None
    state: str
    reason: str | None
    due_at: float
    epoch: int
    lease_until: float
    polled_at: float | None
    faults: int
    looked_back_at: float | None
    restored_at: float | None
    window_seen_at: float | None


OPEN = "open"
STOPPED = "stopped"
OPEN_LANES: Final = select(lane.c.name).where(lane.c.state == OPEN)
"""The names of the lanes in which nothing is stopped, for statements about their batches."""

_COLUMNS = [lane.c[name] for name in LaneRow.__slots__]

# What every step asks is built once: that takes longer than asking does.
_ALL: Final = select(*_COLUMNS).order_by(lane.c.name)
_CLAIMABLE: Final = (
    lane.c.name.in_(bindparam("names", expanding=True))
    & (lane.c.due_at <= bindparam("now"))
    & (lane.c.lease_until <= bindparam("now"))
)
_DUE_SINCE: Final = select(func.min(lane.c.due_at)).where(_CLAIMABLE)
_DUE_LONGEST: Final = select(lane.c.name).where(_CLAIMABLE).order_by(lane.c.due_at).limit(1)
_CLAIM: Final = (
    update(lane)
    .where(lane.c.name == _DUE_LONGEST.scalar_subquery())
    .values(
        owner=bindparam("by"),
        epoch=lane.c.epoch + 1,
        lease_until=bindparam("until"),
        due_at=bindparam("until"),
    )
    .returning(*_COLUMNS)
)
_FENCE: Final = (
    update(lane)
    .where(lane.c.name == bindparam("of_lane"), lane.c.epoch == bindparam("claimed"))
    .values(epoch=lane.c.epoch)
)
_SEEN: Final = ("polled_at", "looked_back_at", "window_seen_at")
# A claim moves due_at to the lease's end, so an earlier value is a wake-up that came meanwhile.
_WOKEN: Final = (lane.c.due_at < bindparam("held_until")) & (
    lane.c.due_at < bindparam("rest_until")
)
_REST: Final = (
    update(lane)
    .where(lane.c.name == bindparam("of_lane"))
    .values(
        due_at=case((_WOKEN, lane.c.due_at), else_=bindparam("rest_until")),
        lease_until=0.0,
        faults=bindparam("failed"),
        **{
            name: func.coalesce(bindparam(f"new_{name}", type_=Float), lane.c[name])
            for name in _SEEN
        },
    )
)


def _lane(row: Row[Any]) -> LaneRow:
    return LaneRow(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


def lane_pin(tx: Transaction, name: str, base_url: str, now: float) -> None:
    """Make a lane where there is none yet, pinned to `base_url`; its first work does it.

    Raises:
        LanePinned: It is pinned to another upstream.
    """
    fresh = {
        "name": name,
        "base_url": base_url,
        "state": OPEN,
        "due_at": now,
        "epoch": 0,
        "lease_until": 0.0,
        "faults": 0,
    }
    tx.execute(insert(lane).values(fresh).on_conflict_do_nothing())
    lane_check(tx, name, base_url)


def lane_check(tx: Transaction, name: str, base_url: str) -> bool:
    """Whether a lane is there; if so, it belongs to `base_url`.

    Raises:
        LanePinned: It is pinned to another upstream.
    """
    row = lane_get(tx, name)
    if row is not None and row.base_url != base_url:
        raise LanePinned(
            f"the lane {name!r} is pinned to {row.base_url}, not to {base_url}",
            hint="use --lane NAME for another upstream, so that their batches never mix",
        )
    return row is not None


def lane_get(tx: Transaction, name: str) -> LaneRow | None:
    """One lane, if work was ever kept in it."""
    row = tx.execute(select(*_COLUMNS).where(lane.c.name == name)).first()
    return _lane(row) if row else None


def lanes_all(tx: Transaction) -> list[LaneRow]:
    """Every lane that work was ever kept in."""
    return [_lane(row) for row in tx.execute(_ALL)]


def lane_pin_workspace(tx: Transaction, name: str, workspace: str) -> None:
    """Pin the workspace too, which only an answer tells.

    Raises:
        LanePinned: The credential acts in another workspace than the lane's.
    """
    row = lane_get(tx, name)
    if row is None or row.workspace == workspace:
        return
    if row.workspace is not None:
        raise LanePinned(
            f"the lane {name!r} belongs to workspace {row.workspace}; this key acts in {workspace}",
            hint="use the key of that workspace, or --lane NAME for this one",
        )
    tx.execute(update(lane).where(lane.c.name == name).values(workspace=workspace))


def lanes_due_since(tx: Transaction, names: tuple[str, ...], now: float) -> float | None:
    """Since when the lane that has been due longest is; None when none can be claimed."""
    return tx.execute(_DUE_SINCE, {"names": names, "now": now}).scalar()


def lane_claim(
    tx: Transaction, names: tuple[str, ...], *, owner: str, now: float, ttl: float
) -> LaneRow | None:
    """Take the lease of the lane that has been due longest, if any is."""
    values = {"names": names, "now": now, "by": owner, "until": now + ttl}
    row = tx.execute(_CLAIM, values).first()
    return _lane(row) if row else None


def lane_fence(tx: Transaction, claimed: LaneRow) -> None:
    """Make sure that the claimed lane is still ours, inside the transaction that relies on it.

    Raises:
        LeaseLost: Another worker has it.
    """
    ours = {"of_lane": claimed.name, "claimed": claimed.epoch}
    if tx.execute(_FENCE, ours).rowcount != 1:
        raise LeaseLost(f"the lease of lane {claimed.name} went to another worker")


def lane_rest(
    tx: Transaction,
    claimed: LaneRow,
    due_at: float,
    seen: Mapping[str, float] | None = None,
    *,
    faults: int = 0,
) -> None:
    """Give the lease back and name the time of the next step, unless an earlier one was asked for.

    Args:
        seen: What was just looked at: `polled_at`, `looked_back_at`, `window_seen_at`.
        faults: Failed calls in a row.

    Raises:
        LeaseLost: Another worker has it.
    """
    lane_fence(tx, claimed)
    values = {
        "of_lane": claimed.name,
        "held_until": claimed.lease_until,
        "rest_until": due_at,
        "failed": faults,
        **{f"new_{name}": (seen or {}).get(name) for name in _SEEN},
    }
    tx.execute(_REST, values)


def lane_give_back(tx: Transaction, claimed: LaneRow, due_at: float) -> None:
    """Let go of a lane whose step failed, until a time, unless it was taken meanwhile."""
    ours = (lane.c.name == claimed.name) & (lane.c.epoch == claimed.epoch)
    tx.execute(
        update(lane).where(ours, lane.c.lease_until > 0).values(lease_until=0.0, due_at=due_at)
    )


def lane_wake(tx: Transaction, name: str, at: float) -> None:
    """Make a lane due at a time, unless it is due before."""
    tx.execute(update(lane).where(lane.c.name == name, lane.c.due_at > at).values(due_at=at))


def lane_note_restored(tx: Transaction, name: str, now: float) -> None:
    """Note that the lane's batches so far may have been retried without the store's knowledge."""
    tx.execute(update(lane).where(lane.c.name == name).values(restored_at=now))


def lane_stop(tx: Transaction, name: str, reason: str) -> None:
    """Stop a lane: nothing is released or sent until a person opens it.

    The reason of a lane that is stopped already stands: it has waited since then.
    """
    still_open = (lane.c.name == name) & (lane.c.state == OPEN)
    tx.execute(update(lane).where(still_open).values(state=STOPPED, reason=reason))


def lane_open(tx: Transaction, name: str) -> None:
    """Open a stopped lane."""
    tx.execute(update(lane).where(lane.c.name == name).values(state=OPEN, reason=None))


def lane_look(tx: Transaction, name: str, now: float) -> None:
    """Make a lane look at everything anew, because somebody asked; a stopped one stays so."""
    anew = {"due_at": now, "polled_at": None, "faults": 0}
    tx.execute(update(lane).where(lane.c.name == name).values(anew))
