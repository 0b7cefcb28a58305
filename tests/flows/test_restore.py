"""A store that was restored from a backup knows less than the upstream: it asks before it sends."""

import shutil

import pytest

from backburner.emulator.faults import DropBefore
from backburner.emulator.settings import ItemFailure
from backburner.nouns.batch import BatchState
from backburner.store.batches import batches_of_run
from backburner.telemetry import BatchResolved


def backup(stage):
    shutil.copy(stage.home / "backburner.db", stage.home.parent / "backup.db")


def restore(stage):
    for name in ("backburner.db-wal", "backburner.db-shm"):
        (stage.home / name).unlink(missing_ok=True)
    shutil.copy(stage.home.parent / "backup.db", stage.home / "backburner.db")


def states(bb, run):
    with bb.tools.store.read() as tx:
        return {batch.state for batch in batches_of_run(tx, run.id)}


def begin(stage, **options):
    """A home whose backup was made before its two batches were sent."""
    bb = stage.open(requests=2, **options)
    run = stage.run_of(bb, stage.table(4))
    bb.close()
    backup(stage)
    return run


def test_what_was_sent_since_the_backup_is_found_again_and_not_paid_twice(stage):
    run = begin(stage)
    before = stage.open()
    before.run(run.id)
    before.close()
    (stage.home.parent / "out.csv").unlink()
    restore(stage)

    bb = stage.open()

    assert states(bb, run) == {BatchState.UNKNOWN}
    assert bb.run(run.id).receipt.outcomes == {"ok": 4}
    assert len(stage.world.ledger()) == 2
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total
    assert {event.how for event in stage.events if isinstance(event, BatchResolved)} == {"adopted"}


def test_what_was_never_sent_goes_after_it_was_looked_for(stage):
    run = begin(stage)
    stage.world.script("create", DropBefore())
    before = stage.open()
    before.drain()
    before.close()
    restore(stage)

    assert stage.open().run(run.id).receipt.outcomes == {"ok": 4}
    assert len(stage.world.ledger()) == 2


def test_a_second_opening_puts_nothing_in_doubt_again(stage):
    run = begin(stage)
    before = stage.open()
    before.run(run.id)
    before.close()
    restore(stage)
    stage.open().run(run.id)

    bb = stage.open()

    assert states(bb, run) == {BatchState.DONE}


def test_what_may_have_been_retried_since_the_backup_waits_for_a_person(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),))
    run = begin(stage)
    before = stage.open()
    before.run(run.id)
    before.close()
    accepted = len(stage.world.ledger())
    (stage.home.parent / "out.csv").unlink()
    restore(stage)
    bb = stage.open()

    receipt = bb.run(run.id).receipt

    assert receipt.outcomes == {"ok": 3, "server_error": 1}
    assert len(stage.world.ledger()) == accepted
    assert bb.retry(run.id) == 1
    assert bb.run(run.id).receipt.outcomes == {"ok": 4}


@pytest.mark.parametrize("sent", [False, True])
def test_a_store_as_new_as_its_vault_is_believed(stage, sent):
    run = begin(stage)
    if sent:
        bb = stage.open()
        bb.drain()
        bb.close()

    expected = {BatchState.SENT} if sent else {BatchState.SEALED}
    assert states(stage.open(), run) == expected


def copy_home(stage):
    shutil.copytree(stage.home, stage.home.parent / "backup")


def restore_home(stage):
    shutil.rmtree(stage.home)
    shutil.copytree(stage.home.parent / "backup", stage.home)


def test_a_home_that_is_said_to_be_restored_whole_pays_for_nothing_twice(stage):
    run = begin(stage)
    copy_home(stage)
    before = stage.open()
    before.run(run.id)
    before.close()
    (stage.home.parent / "out.csv").unlink()
    restore_home(stage)
    bb = stage.open()

    restored = bb.note_restored()

    assert (restored.batches, restored.retries) == (2, 0)
    assert states(bb, run) == {BatchState.UNKNOWN}
    assert bb.run(run.id).receipt.outcomes == {"ok": 4}
    assert len(stage.world.ledger()) == 2
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total


def test_what_is_said_to_be_restored_without_need_only_costs_time(stage):
    run = begin(stage)
    bb = stage.open()

    bb.note_restored()

    assert bb.run(run.id).receipt.outcomes == {"ok": 4}
    assert len(stage.world.ledger()) == 2
    assert bb.note_restored().batches == 0
