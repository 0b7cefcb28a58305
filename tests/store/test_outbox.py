"""The outbox: a position is asked once, and its answer is kept until the batch is collected."""

import pytest
from sqlalchemy import update

from backburner.errors import StoreUnusable
from backburner.nouns.batch import BatchState, Via
from backburner.store.invariants import breaches
from backburner.store.outbox import (
    outbox_answer,
    outbox_arm,
    outbox_close,
    outbox_counted,
    outbox_lines,
    outbox_positions,
    outbox_unarm,
)
from backburner.store.schema import batch
from backburner.store.waiting_batches import batches_put_off

LINE = b'{"custom_id":"a","result":{}}'


@pytest.fixture
def direct(store, new_batch, now):
    """A direct batch of three that is being asked."""
    number = new_batch()
    move(store, number, state=BatchState.SENT, via=Via.DIRECT, armed_at=now, sent_at=now)
    return number


def move(store, number, **values):
    with store.write() as tx:
        tx.execute(update(batch).where(batch.c.id == number).values(**values))


def test_a_position_is_armed_once(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0, 1], now)

    with pytest.raises(StoreUnusable, match="UNIQUE"), store.write() as tx:
        outbox_arm(tx, direct, [1, 2], now)

    with store.read() as tx:
        assert list(outbox_positions(tx, direct)) == [0, 1]


def test_the_first_answer_counts(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0, 1], now)
        outbox_answer(tx, direct, {1: LINE, 2: b"never armed"})
        outbox_answer(tx, direct, {1: b"another"})

    with store.read() as tx:
        assert list(outbox_lines(tx, direct)) == [(0, None), (1, LINE)]
        assert outbox_counted(tx, direct) == (2, 1)


def test_a_refused_position_can_be_armed_again_and_an_answered_one_cannot(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0, 1], now)
        outbox_answer(tx, direct, {1: LINE})
        outbox_unarm(tx, direct, [0, 1], epoch=0)

    with store.read() as tx:
        assert list(outbox_positions(tx, direct)) == [1]


def test_who_lost_the_batch_leaves_armed_what_was_refused(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0], now)
    move(store, direct, epoch=1)

    with store.write() as tx:
        outbox_unarm(tx, direct, [0], epoch=0)

    with store.read() as tx:
        assert list(outbox_positions(tx, direct)) == [0]


def test_an_answer_that_comes_after_the_collection_is_not_kept(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0], now)
    move(store, direct, state=BatchState.ENDED)

    with store.write() as tx:
        outbox_answer(tx, direct, {0: LINE})

    with store.read() as tx:
        assert list(outbox_lines(tx, direct)) == [(0, None)]


def test_closing_keeps_what_is_in_doubt_and_no_answer(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0, 1], now)
        outbox_answer(tx, direct, {1: LINE})
        outbox_close(tx, direct)

    with store.read() as tx:
        assert list(outbox_lines(tx, direct)) == [(0, None)]


def test_an_answer_left_in_the_outbox_is_a_breach(store, direct, now):
    with store.write() as tx:
        outbox_arm(tx, direct, [0], now)
        outbox_answer(tx, direct, {0: LINE})
    move(store, direct, state=BatchState.DONE, outcomes=b"")

    with store.read() as tx:
        words = [str(one) for one in breaches(tx)]

    assert any("has no answers in the outbox" in one for one in words)


def test_a_batch_that_travels_as_one_is_not_in_the_outbox(store, new_batch, now):
    number = new_batch()

    with store.write() as tx:
        outbox_arm(tx, number, [0], now)

    with store.read() as tx:
        assert any("is asked directly" in str(one) for one in breaches(tx))


def test_a_pause_is_shared_by_the_direct_batches_that_nobody_works_on(store, new_batch, now):
    waiting, held, batched = (new_batch() for _ in range(3))
    for number, via in ((waiting, Via.DIRECT), (held, Via.DIRECT), (batched, Via.BATCH)):
        move(store, number, state=BatchState.RELEASED, via=via, due_at=now)
    move(store, held, lease_until=now + 60, owner="somebody")

    with store.write() as tx:
        put_off = batches_put_off(tx, "default", now + 7, now)

    assert put_off == 1
