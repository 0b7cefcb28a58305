"""Statements about the outbox: which positions of a direct batch were asked, and what was answered.

A row is there from the commit before a call. Without a line, the call may have been answered and
billed; such a row stays when the batch is done, for as long as nobody knows.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from backburner.nouns.batch import BatchId, BatchState
from backburner.store.engine import Transaction
from backburner.store.schema import batch, outbox

_CHUNK = 500
_ANSWER: Final = (
    update(outbox)
    .where(
        outbox.c.batch == bindparam("of_batch"),
        outbox.c.position == bindparam("at"),
        outbox.c.line.is_(None),
        exists().where(batch.c.id == bindparam("of_batch"), batch.c.state == BatchState.SENT),
    )
    .values(line=bindparam("answer"))
)


def outbox_arm(tx: Transaction, batch_id: BatchId, positions: Collection[int], now: float) -> None:
    """Note that these positions are about to be asked. A second time breaks the primary key."""
    values = [{"batch": batch_id, "position": one, "armed_at": now} for one in positions]
    if values:
        tx.execute(insert(outbox), values)


def outbox_answer(tx: Transaction, batch_id: BatchId, lines: Mapping[int, bytes]) -> None:
    """Keep answers as result lines, as long as nobody has collected the batch.

    Needs no epoch: a position is asked once, so whoever has its answer has the only one.
    """
    values = [{"of_batch": batch_id, "at": at, "answer": line} for at, line in lines.items()]
    if values:
        tx.execute(_ANSWER, values)


def outbox_unarm(
    tx: Transaction, batch_id: BatchId, positions: Collection[int], *, epoch: int
) -> None:
    """Note that these positions were certainly not answered, so that they may be asked again.

    Nothing happens under an old epoch: whoever has the batch now relies on what was armed, and
    what is neither armed nor still to be asked would end as canceled.
    """
    mine = (outbox.c.batch == batch_id) & outbox.c.position.in_(list(positions))
    is_held = exists().where(batch.c.id == batch_id, batch.c.epoch == epoch)
    tx.execute(delete(outbox).where(mine, outbox.c.line.is_(None), is_held))


def outbox_positions(tx: Transaction, batch_id: BatchId) -> Iterator[int]:
    """The positions that were asked, answered or not."""
    rows = tx.execute(select(outbox.c.position).where(outbox.c.batch == batch_id))
    return rows.yield_per(_CHUNK).scalars()


def outbox_lines(tx: Transaction, batch_id: BatchId) -> Iterator[tuple[int, bytes | None]]:
    """Each position that was asked, in order, with its line if it was answered."""
    rows = tx.execute(
        select(outbox.c.position, outbox.c.line)
        .where(outbox.c.batch == batch_id)
        .order_by(outbox.c.position)
    )
    return ((position, line) for position, line in rows.yield_per(_CHUNK))


def outbox_close(tx: Transaction, batch_id: BatchId) -> None:
    """Remove the answers of a batch, since its results hold them; what is in doubt stays."""
    tx.execute(delete(outbox).where(outbox.c.batch == batch_id, outbox.c.line.is_not(None)))


def outbox_counted(tx: Transaction, batch_id: BatchId) -> tuple[int, int]:
    """How many positions of a batch were asked, and how many of them answered."""
    of_batch = select(func.count(), func.count(outbox.c.line)).where(outbox.c.batch == batch_id)
    asked, answered = tx.execute(of_batch).one()
    return asked, answered
