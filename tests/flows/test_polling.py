"""Polling many batches: one that lingers, and reads that fail, hold up nothing."""

from backburner.emulator.faults import DropBefore, Linger, Status

HOUR = 3600.0


def test_one_batch_in_canceling_does_not_hold_up_the_other_149(make_stage):
    stage = make_stage(turnaround=lambda ordinal, _count: 60.0 if ordinal else 9 * HOUR)
    stage.world.script("cancel", Linger(8 * HOUR))
    bb = stage.open(requests=1)
    run = stage.run_of(bb, stage.table(150))
    bb.drain()
    stage.make_client(stage.world).messages.batches.cancel(stage.world.ledger()[0].id)
    stage.clock.sleep(300.0)

    bb.drain()

    assert stage.world.ledger()[0].status == "canceling"
    assert bb.status(run.id)[1][0].count.outcomes == {"ok": 149}
    stage.clock.sleep(9 * HOUR)
    assert bb.run(run.id).receipt.outcomes == {"ok": 149, "canceled": 1}


def test_three_status_reads_that_fail_in_a_row_change_nothing(stage):
    stage.world.script("list", Status(500), times=3)
    stage.world.script("retrieve", DropBefore(), times=3)
    bb = stage.open()

    assert bb.run(stage.run_of(bb, stage.table(3)).id).receipt.outcomes == {"ok": 3}
    assert len(stage.world.ledger()) == 1
    assert stage.world.struck() == {"list status 500": 3, "retrieve drop_before": 3}
