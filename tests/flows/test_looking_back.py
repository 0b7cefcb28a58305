"""Late duplicates: what the far side accepted after `quiet` is found, booked, and harms nothing."""

import pytest

from backburner.emulator.faults import DropBefore, Late
from backburner.telemetry import BatchResolved, DuplicateFound

HOUR = 3600.0


def play_late(stage, *, late):
    """A run whose first body is accepted so late that it was sent again before."""
    stage.world.script("create", Late(by=late))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    return bb, run, bb.run(run.id)


def duplicates(stage):
    return [event for event in stage.events if isinstance(event, DuplicateFound)]


def test_a_batch_accepted_after_quiet_is_booked_and_settles_nothing(stage):
    bb, run, finished = play_late(stage, late=2 * HOUR)
    once = finished.receipt.paid
    stage.clock.sleep(25 * HOUR)

    bb.drain()

    first, second = stage.world.ledger()
    (found,) = duplicates(stage)
    assert found.upstream_id == second.id
    receipt = bb.receipt(run.id)
    assert receipt.outcomes == {"ok": 3}
    assert receipt.paid.picodollars == stage.world.bill().total == first.cost + second.cost
    assert receipt.paid_twice.picodollars == second.cost
    assert receipt.paid - receipt.paid_twice == once
    verified = bb.verify()
    assert (verified.differences, verified.notes) == ([], [])
    assert (verified.lines, verified.paid) == (6, stage.world.bill().total)
    assert ("paid twice", f"{receipt.paid_twice.show()} for batches that were accepted late") in (
        receipt.lines()
    )


def test_a_duplicate_is_booked_once_however_often_one_looks_back(stage):
    bb, run, _ = play_late(stage, late=2 * HOUR)
    for _ in range(4):
        stage.clock.sleep(13 * HOUR)
        bb.drain()

    assert len(duplicates(stage)) == 1
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total
    assert bb.verify(run.id).differences == []


def test_a_duplicate_that_still_runs_is_booked_by_a_later_look_back(make_stage):
    stage = make_stage(turnaround=20 * HOUR)
    stage.world.script("create", Late(by=19 * HOUR))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    for _ in range(40):
        bb.drain()
        stage.clock.sleep(2 * HOUR)

    assert len(duplicates(stage)) == 1
    assert bb.receipt(run.id).outcomes == {"ok": 3}
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total
    assert bb.verify().differences == []


def test_what_turns_up_before_it_was_sent_again_is_adopted_instead_of_paid_twice(stage):
    """The next try waits in a lane that sends nothing; meanwhile the first one is accepted."""
    stage.world.script("create", DropBefore())
    bb = stage.open()
    other = stage.run_of(bb, stage.table(1, "first.csv"), "first.out.csv")
    bb.run(other.id)
    stage.clock.sleep(20 * HOUR)
    stage.world.script("create", Late(by=2 * HOUR))
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(1000)
    bb.drain(collect_only=True)
    stage.clock.sleep(100)
    bb.drain(collect_only=True)
    stage.clock.sleep(5 * HOUR)
    bb.drain(collect_only=True)
    bb.drain(collect_only=True)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    how = [event.how for event in stage.events if isinstance(event, BatchResolved)]
    assert how == ["absent", "absent", "adopted"]
    assert duplicates(stage) == []
    assert bb.receipt(run.id).paid.picodollars + bb.receipt(other.id).paid.picodollars == (
        stage.world.bill().total
    )


@pytest.mark.parametrize("turnaround", [60.0, 30 * HOUR])
def test_strangers_of_an_armed_size_are_left_alone(stage, turnaround):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)
    stage.world.plant_foreign(3, count=2, turnaround=turnaround)
    stage.clock.sleep(25 * HOUR)

    bb.drain()

    assert duplicates(stage) == []
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total


def test_before_anything_was_armed_there_is_nothing_to_look_back_for(stage):
    bb = stage.open()
    stage.clock.sleep(48 * HOUR)

    bb.drain()

    assert stage.events == []
