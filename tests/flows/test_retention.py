"""Retention: what is collected goes upstream, what is old goes here, what runs out comes first."""

from datetime import timedelta
from typing import Any

import pytest

from backburner.emulator.faults import Line, Status
from backburner.emulator.settings import ItemFailure
from backburner.plan.lanes import ReleaseRun
from backburner.store.batches import batches_of_run
from backburner.store.claimed_batches import batch_claim, batch_rest, batch_take
from backburner.telemetry import BatchDeleted, FaultSeen, ResultsExpiring, RunPruned
from backburner.worker import Worker

DAY = 86_400.0
DELETE = "[retention]\ndelete_after_collect = true\n"


def told(stage: Any, text: str = DELETE, **options: Any) -> Any:
    """A Backburner under a file of settings."""
    stage.home.mkdir(exist_ok=True)
    (stage.home / "backburner.toml").write_text(text, encoding="utf-8")
    return stage.open(**options)


def events(stage: Any, kind: type) -> list[Any]:
    return [one for one in stage.events if isinstance(one, kind)]


def batches(bb: Any, run: Any) -> list[Any]:
    with bb.tools.store.read() as tx:
        return batches_of_run(tx, run.id)


def upstream(bb: Any) -> list[str]:
    """The batches that the upstream still has."""
    page = bb.tools.connect("default").page(limit=100)
    return [one.id for one in page.value.data]


def test_what_is_collected_is_deleted_upstream_and_found_to_be_gone(stage):
    bb = told(stage)
    run = stage.run_of(bb, stage.table(3))

    bb.run(run.id)

    [batch] = batches(bb, run)
    assert batch.deleted_at is not None
    assert upstream(bb) == []
    assert [one.upstream_id for one in events(stage, BatchDeleted)] == [batch.upstream_id]
    assert len(stage.rows()) == 3
    assert not bb.verify().differences


def test_nothing_is_deleted_unless_that_is_asked_for(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))

    bb.run(run.id)
    bb.drain()

    assert len(upstream(bb)) == 1
    assert batches(bb, run)[0].deleted_at is None


def test_nothing_is_deleted_before_it_is_booked(make_stage):
    stage = make_stage(turnaround=1000)
    bb = told(stage)
    run = stage.run_of(bb, stage.table(3))

    bb.drain()
    stage.clock.sleep(100)
    bb.drain()

    assert len(upstream(bb)) == 1
    assert batches(bb, run)[0].deleted_at is None


@pytest.mark.parametrize("status", [500, 529, 429])
def test_a_delete_that_fails_is_done_again(stage, status):
    stage.world.script("delete", Status(status, "api_error"))
    bb = told(stage)
    run = stage.run_of(bb, stage.table(3))

    bb.run(run.id)
    before = batches(bb, run)[0].deleted_at
    stage.clock.sleep(3600)
    bb.drain()

    assert before is None
    assert batches(bb, run)[0].deleted_at is not None
    assert upstream(bb) == []
    assert [one.call for one in events(stage, FaultSeen)] == ["delete"]


def test_one_that_was_deleted_before_a_death_is_noted_later(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)
    [batch] = batches(bb, run)
    assert bb.tools.connect("default").delete(batch.upstream_id) is None
    bb.close()

    bb = told(stage)
    stage.clock.sleep(3600)
    bb.drain()

    assert batches(bb, run)[0].deleted_at is not None


def test_retries_are_deleted_too(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = told(stage)
    run = stage.run_of(bb, stage.table(3))

    assert bb.run(run.id).receipt.outcomes == {"ok": 3}
    bb.drain()

    assert upstream(bb) == []
    assert len(events(stage, BatchDeleted)) == 2


def test_a_batch_that_lacks_a_line_is_kept_as_evidence(make_stage):
    stage = make_stage()
    stage.world.script("results", Line("missing", at=0), times=None, batch=0)
    bb = told(stage)
    run = stage.run_of(bb, stage.table(3))
    for _ in range(8):
        bb.drain()
        stage.clock.sleep(700)

    assert upstream(bb) == [batches(bb, run)[0].upstream_id]
    assert batches(bb, run)[0].deleted_at is None


def test_drain_prunes_what_is_older_than_the_file_says(stage):
    bb = told(stage, "[retention]\nlocal_days = 30\n")
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)

    stage.clock.sleep(29 * DAY)
    bb.drain()
    assert bb.get(run.id).pruned_at is None
    stage.clock.sleep(2 * DAY)
    bb.drain()

    assert bb.get(run.id).pruned_at == stage.clock.now()
    assert [one.run for one in events(stage, RunPruned)] == [run.id]
    assert not bb.verify().differences


def test_the_age_of_the_file_holds_where_none_is_named(stage):
    bb = told(stage, "[retention]\nlocal_days = 3\n")
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)
    stage.clock.sleep(2 * DAY)

    assert not bb.prune().runs
    assert [one.id for one in bb.prune(timedelta(days=1)).runs] == [run.id]


def test_results_that_run_out_are_told_of_and_collected(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    bb.close()

    stage.clock.sleep(28 * DAY)
    stage.world.script("results", Status(503, "overloaded_error"))
    bb = stage.open()
    bb.drain()

    [warned] = events(stage, ResultsExpiring)
    assert (warned.run, warned.requests) == (run.id, 3)
    assert bb.run(run.id).receipt.outcomes == {"ok": 3}


def test_what_runs_out_is_collected_before_all_else_that_is_due(stage):
    bb = stage.open()
    old = stage.run_of(bb, stage.table(2, "old.csv"), "old.out.csv")
    bb.drain()
    stage.clock.sleep(26 * DAY)
    young = [stage.run_of(bb, stage.table(2, f"{n}.csv"), f"{n}.out.csv") for n in range(2)]
    for run in young:
        Worker(bb.tools, ("default",)).tick(ReleaseRun(run.id))
    now = stage.clock.now()
    with bb.tools.store.write() as tx:
        # Whatever became due later comes later, but for what runs out.
        [batch] = batches(bb, old)
        taken = batch_take(tx, batch.id, owner="w", now=now, ttl=1.0)
        batch_rest(tx, taken, now)
        early = batch_claim(tx, ["default"], owner="w", now=now, ttl=1.0, first_before=now - DAY)
        assert early is not None

    assert early.id == batch.id
