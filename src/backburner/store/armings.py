"""Statements about armings: each commit that a batch's last bytes may go, never changed."""

from sqlalchemy import func, insert, select, update

from backburner.nouns.batch import Batch, BatchId
from backburner.store.engine import Transaction
from backburner.store.schema import arming, batch, lane


def arming_note(tx: Transaction, armed: Batch, now: float) -> None:
    """Note that a batch was armed, under which try and which epoch."""
    tx.execute(
        insert(arming).values(
            batch=armed.id,
            attempt_try=armed.attempt_try,
            epoch=armed.epoch,
            requests=armed.requests,
            armed_at=now,
        )
    )
    # From the first arming on there is something that looking back might find.
    tx.execute(
        update(lane)
        .where(lane.c.name == armed.lane, lane.c.looked_back_at.is_(None))
        .values(looked_back_at=now)
    )


def is_armed(tx: Transaction, batch_id: BatchId) -> bool:
    """Whether a batch was ever armed since armings are kept."""
    found = select(arming.c.id).where(arming.c.batch == batch_id).limit(1)
    return tx.execute(found).first() is not None


def arming_last(tx: Transaction) -> int:
    """The number of the newest arming; 0 if there was none."""
    return tx.execute(select(func.max(arming.c.id))).scalar() or 0


def sizes_armed(tx: Transaction, of_lane: str) -> set[int]:
    """The sizes that batches of a lane had when they were armed; one may have been halved since."""
    rows = tx.execute(
        select(arming.c.requests)
        .join(batch, arming.c.batch == batch.c.id)
        .where(batch.c.lane == of_lane)
        .distinct()
    )
    return set(rows.scalars())
