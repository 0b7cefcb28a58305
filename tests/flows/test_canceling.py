"""Canceling at each stage: the unsent ends, the rest is asked to stop, and all is booked."""

import pytest

from backburner.emulator.faults import DropAfter, DropBefore, Status
from backburner.emulator.settings import ItemFailure, Limits


def counts(bb, run):
    return bb.status(run.id)[1][0].count.outcomes


def test_what_was_never_sent_ends_at_once(stage):
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(5))

    canceled = bb.cancel(run.id)

    assert (canceled.unsent, canceled.asked) == (5, 0)
    assert counts(bb, run) == {"canceled": 5}
    assert bb.run(run.id).receipt.outcomes == {"canceled": 5}
    assert stage.world.ledger() == []


def test_what_is_upstream_is_asked_to_stop_and_what_was_answered_is_kept_and_paid(make_stage):
    stage = make_stage(turnaround=1000)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(10))
    bb.drain()
    stage.clock.sleep(500)

    assert bb.cancel(run.id).asked == 1
    finished = bb.run(run.id)

    outcomes = finished.receipt.outcomes
    assert sum(outcomes.values()) == 10
    assert outcomes["canceled"] > 0
    assert outcomes["ok"] > 0
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert len(stage.world.ledger()) == 1


def test_half_sent_and_half_waiting(make_stage):
    stage = make_stage(limits=Limits(queued_requests=2))
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(4))
    bb.drain()
    assert len(stage.world.ledger()) == 1

    bb.cancel(run.id)
    outcomes = bb.run(run.id).receipt.outcomes

    assert sum(outcomes.values()) == 4
    assert outcomes["canceled"] >= 2
    assert len(stage.world.ledger()) == 1


def test_waiting_retries_end_as_canceled(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    bb.drain()

    bb.cancel(run.id)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2, "canceled": 1}
    assert len(stage.world.ledger()) == 1


def test_retries_that_are_packed_and_not_sent_end_as_canceled(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    bb.drain()
    stage.clock.sleep(60)
    stage.world.script("create", Status(429, "rate_limit_error", {"retry-after": "60"}))
    bb.drain()
    assert len(stage.world.ledger()) == 1

    bb.cancel(run.id)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2, "canceled": 1}
    assert len(stage.world.ledger()) == 1


def test_what_fails_after_the_cancel_is_not_tried_again(make_stage):
    stage = make_stage(
        turnaround=100, fail_once=tuple(ItemFailure(ordinal=0, index=n) for n in range(10))
    )
    bb = stage.open()
    run = stage.run_of(bb, stage.table(10))
    bb.drain()
    stage.clock.sleep(50)

    bb.cancel(run.id)
    outcomes = bb.run(run.id).receipt.outcomes

    assert sum(outcomes.values()) == 10
    assert set(outcomes) <= {"canceled", "server_error"}
    assert len(stage.world.ledger()) == 1


def test_in_a_shared_batch_of_retries_the_other_run_goes_on(make_stage):
    stage = make_stage(
        turnaround=100,
        fail_once=(ItemFailure(ordinal=0, index=0), ItemFailure(ordinal=1, index=0)),
    )
    bb = stage.open()
    one = stage.run_of(bb, stage.table(["a"], "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["b"], "b.csv"), "b.out.csv")
    for _ in range(3):
        bb.drain()
        stage.clock.sleep(110)
    bb.drain()
    stage.clock.sleep(5)
    bb.drain()

    canceled = bb.cancel(one.id)

    assert canceled.shared <= 1
    assert bb.run(two.id).receipt.outcomes == {"ok": 1}
    assert sum(bb.run(one.id).receipt.outcomes.values()) == 1


@pytest.mark.parametrize("fault", [DropAfter(), DropBefore()], ids=["arrived", "lost"])
def test_a_batch_in_doubt_is_only_canceled_once_it_is_known_to_be_ours(make_stage, fault):
    stage = make_stage(turnaround=7200.0)
    stage.world.script("create", fault)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()

    assert bb.cancel(run.id).doubted == 1

    assert sum(bb.run(run.id).receipt.outcomes.values()) == 2
    assert not any(batch.canceled for batch in stage.world.ledger())
    assert len(stage.world.ledger()) == isinstance(fault, DropAfter)


def test_a_canceled_run_is_started_anew_by_the_same_call(stage):
    source = stage.table(2)
    bb = stage.open()
    run = stage.run_of(bb, source)
    bb.cancel(run.id)

    again = stage.run_of(bb, source)

    assert again.id != run.id
    assert bb.run(again.id).receipt.outcomes == {"ok": 2}
