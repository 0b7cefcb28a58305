"""Deadlines that are not kept: noted once, with what broke them."""

import pytest

from backburner.telemetry import DeadlineMissed


@pytest.fixture
def slow(make_stage):
    return make_stage(turnaround=5 * 3600.0)


def promised(opened, ask, **more):
    return opened.enqueue([{"custom_id": "a", "params": ask("Say: a")}], **more)


def misses(stage):
    return [one for one in stage.events if isinstance(one, DeadlineMissed)]


def pass_by(stage, opened, hours, step=60.0):
    until = stage.clock.now() + hours * 3600
    while stage.clock.now() < until:
        opened.drain()
        stage.clock.sleep(step)
    opened.drain()


def test_a_late_batch_is_named_once_and_the_answers_still_come(slow, ask):
    opened = slow.open()
    run = promised(opened, ask, within="3h")

    pass_by(slow, opened, 6, step=50.0)

    [event] = misses(slow)
    after = opened.get(run.id)
    assert event.run == run.id
    assert event.cause == after.miss_cause
    assert event.cause.startswith("the batch was late: 3 h 0 min so far")
    assert 0 <= after.missed_at - run.deadline < 60
    assert opened.is_finished(run.id)


def test_a_promise_that_was_unsafe_from_the_start_is_called_so(slow, ask):
    opened = slow.open()
    run = promised(opened, ask, within="20m")

    pass_by(slow, opened, 1)

    assert opened.get(run.id).miss_cause.startswith("it was sent too late: 95 of 100 such batches")


def test_whoever_waits_for_a_run_notes_its_miss_at_the_deadline(slow, ask):
    opened = slow.open()
    run = promised(opened, ask, within="3h")

    opened.run(run.id)

    [event] = misses(slow)
    assert event.cause.startswith("the batch was late")
    assert opened.get(run.id).missed_at - run.deadline <= 60


def test_a_worker_that_did_not_run_is_to_blame_itself(stage, ask):
    opened = stage.open()
    run = promised(opened, ask, within="1h")
    opened.drain()

    stage.clock.sleep(3 * 3600)
    opened.drain()

    [event] = misses(stage)
    assert event.cause.startswith("the worker did not run: it had ended 59 min before the deadline")
    assert opened.is_finished(run.id)


def test_a_run_that_is_back_in_time_is_no_miss(stage, ask):
    opened = stage.open()
    run = promised(opened, ask, within="1h")

    pass_by(stage, opened, 2)

    assert misses(stage) == []
    assert opened.get(run.id).missed_at is None


def test_what_waits_for_a_budget_is_told_so(stage, ask):
    opened = stage.open()
    run = promised(opened, ask, within="1h", budget="0.000001")

    pass_by(stage, opened, 2)

    assert opened.get(run.id).miss_cause == "waited for a budget"


def test_a_new_deadline_is_another_promise(slow):
    opened = slow.open()
    table = slow.table(2)
    run = slow.run_of(opened, table, timing=opened.intake.timing(within="1h"))
    pass_by(slow, opened, 2)

    slow.run_of(opened, table, timing=opened.intake.timing(within="6h"))
    pass_by(slow, opened, 5)

    assert len(misses(slow)) == 1
    assert opened.get(run.id).missed_at is None
    assert opened.is_finished(run.id)
