"""A promise is kept although its batch is not: the rest is recalled, and asked directly."""

from dataclasses import replace

import pytest

from backburner.emulator.faults import Stall, Status
from backburner.emulator.settings import Limits
from backburner.errors import InputError
from backburner.nouns.batch import Via
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.lanes import ReleaseAll
from backburner.store.batches import batches_of_run
from backburner.telemetry import BudgetHeld, RescueShort, RescueStarted
from backburner.worker import Idle, Worker
from backburner.worker.weighing import weighed

EXTENDED = "output-300k-2026-03-24"
HOUR = 3600.0
DOLLAR = 10**12


def promise(stage, seconds=HOUR, rescue=2 * DOLLAR):
    deadline = stage.clock.now() + seconds
    return Timing(urgency=Urgency.DEADLINE, deadline=deadline, rescue=rescue)


def work(stage, bb, run, until):
    """Do what a worker would until the run has ended, or a time has come."""
    worker = Worker(bb.tools, ("default",))
    while not bb.is_finished(run.id):
        step = worker.tick(ReleaseAll())
        if isinstance(step, Idle):
            now = stage.clock.now()
            if now >= until:
                return
            due = until if step.until is None else min(step.until, until)
            stage.clock.sleep(max(due - now, 0.01))


def started(stage):
    return [event for event in stage.events if isinstance(event, RescueStarted)]


def worst_cases(bb, run):
    """What each of a run's batches can cost at most when it is asked directly."""
    with bb.tools.store.read() as tx:
        batches = batches_of_run(tx, run.id)
    return [weighed(bb.tools, one, via=Via.DIRECT)[0].amount for one in batches]


def asked_once(stage):
    """That no request was answered twice, by the server's own account."""
    answered = [one.digest for one in stage.world.messages()]
    for batch in stage.world.ledger():
        digests = dict(batch.digests())
        answered += [digests[name] for name, what in batch.outcomes() if what == "succeeded"]
    return len(answered) == len(set(answered))


def test_a_deadline_of_an_hour_is_met_with_a_stalled_batch_and_failing_reads(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall(done=0.4))
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(50), timing=timing)
    work(stage, bb, run, timing.deadline - 40 * 60)
    stage.world.script("list", Status(500), times=3)
    stage.world.script("retrieve", Status(529), times=4)

    work(stage, bb, run, timing.deadline)
    finished = bb.run(run.id)

    with bb.tools.store.read() as tx:
        first = batches_of_run(tx, run.id)[0]
    assert stage.clock.now() < timing.deadline
    assert finished.receipt.outcomes == {"ok": 50}
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(50)]
    assert len(stage.world.messages()) == 30
    assert finished.receipt.direct == 30
    assert finished.receipt.paid_directly.picodollars == stage.world.bill().calls
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert first.via is Via.BATCH
    assert asked_once(stage)
    assert len(started(stage)) == 1
    assert bb.get(run.id).rescued_at is not None
    assert bb.verify().differences == []


def test_a_rescue_begins_as_late_as_it_can(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall())
    bb = stage.open()
    timing = promise(stage, 4 * HOUR)
    run = stage.run_of(bb, stage.table(10), timing=timing)

    work(stage, bb, run, timing.deadline)

    assert timing.deadline - 400 < bb.get(run.id).rescued_at < timing.deadline - 300
    assert bb.receipt(run.id).outcomes == {"ok": 10}


def test_a_batch_that_is_back_in_time_is_left_alone(make_stage):
    stage = make_stage(turnaround=600.0)
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(10), timing=timing)

    work(stage, bb, run, timing.deadline)

    assert bb.receipt(run.id).outcomes == {"ok": 10}
    assert stage.world.messages() == []
    assert started(stage) == []
    assert [one.budget.scope for one in bb.budgets()] == []


def test_what_was_never_sent_is_asked_at_once_when_it_is_time(make_stage):
    stage = make_stage()
    stage.world.script("create", Status(429), times=None)
    bb = stage.open(requests=5)
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(10), timing=timing)

    work(stage, bb, run, timing.deadline)

    assert bb.receipt(run.id).outcomes == {"ok": 10}
    assert stage.world.ledger() == []
    assert len(stage.world.messages()) == 10
    assert stage.clock.now() < timing.deadline


def test_a_rescue_goes_beyond_the_budget_of_its_run_and_never_beyond_its_own(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall())
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(10), timing=timing)
    bb.set_budget(f"run:{run.id}", "0.01")

    work(stage, bb, run, timing.deadline)

    budgets = {one.budget.scope: one.budget for one in bb.budgets()}
    own, extra = budgets[f"run:{run.id}"], budgets[f"rescue:{run.id}"]
    assert extra.amount == 2 * DOLLAR
    assert extra.spent == stage.world.bill().calls
    assert (own.spent, own.reserved, extra.reserved) == (0, 0, 0)


def test_budgets_that_are_set_after_a_rescue_count_what_they_would_have_before(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall(done=0.5))
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(10), timing=timing)
    work(stage, bb, run, timing.deadline)
    bb.remove_budget(f"rescue:{run.id}")

    own = bb.set_budget(f"run:{run.id}", "1")
    extra = bb.set_budget(f"rescue:{run.id}", "1")

    bill = stage.world.bill()
    assert bill.calls > 0
    assert (own.spent, extra.spent) == (bill.total - bill.calls, bill.calls)


def test_what_a_rescue_cannot_afford_stays_in_its_batch_and_is_said(make_stage):
    stage = make_stage(turnaround=2 * HOUR)
    bb = stage.open()
    timing = promise(stage, rescue=10)
    run = stage.run_of(bb, stage.table(10), timing=timing)

    work(stage, bb, run, timing.deadline + 4 * HOUR)

    said = [event for event in stage.events if isinstance(event, RescueShort)]
    assert [(one.requests, one.left) for one in said] == [(10, 10)]
    assert said[0].needed > 10
    assert bb.receipt(run.id).outcomes == {"ok": 10}
    assert stage.world.messages() == []
    assert bb.get(run.id).rescued_at is None


def test_what_two_unsent_batches_need_is_not_given_to_both(make_stage):
    stage = make_stage(turnaround=600.0)
    bb = stage.open(requests=5)
    source = stage.table(10)
    timing = promise(stage, rescue=10 * DOLLAR)
    run = stage.run_of(bb, source, timing=timing)
    needed = worst_cases(bb, run)
    stage.run_of(bb, source, timing=promise(stage, rescue=sum(needed) - 1))

    stage.clock.sleep(HOUR - 60)
    work(stage, bb, run, timing.deadline + HOUR)

    with bb.tools.store.read() as tx:
        ways = [one.via for one in batches_of_run(tx, run.id)]
    said = [event for event in stage.events if isinstance(event, RescueShort)]
    assert sorted(ways) == [Via.BATCH, Via.DIRECT]
    assert (said[0].needed, said[0].left) == (min(needed), min(needed) - 1)
    assert [event for event in stage.events if isinstance(event, BudgetHeld)] == []
    assert bb.receipt(run.id).outcomes == {"ok": 10}
    assert asked_once(stage)


def test_what_a_recalled_batch_leaves_over_comes_before_the_next_batch(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall(), times=None)
    bb = stage.open(requests=5)
    source = stage.table(10)
    timing = promise(stage, rescue=10 * DOLLAR)
    run = stage.run_of(bb, source, timing=timing)
    needed = worst_cases(bb, run)
    stage.run_of(bb, source, timing=promise(stage, rescue=sum(needed) - 1))

    work(stage, bb, run, timing.deadline)

    assert [event for event in stage.events if isinstance(event, BudgetHeld)] == []
    assert [event.requests for event in started(stage)] == [5, 5]
    assert bb.receipt(run.id).outcomes == {"ok": 10}


def test_money_that_comes_back_lets_a_batch_be_recalled_that_was_passed_over(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall(), times=None)
    bb = stage.open(requests=300)
    source = stage.table(600)
    run = stage.run_of(bb, source, timing=promise(stage))
    needed = worst_cases(bb, run)
    timing = promise(stage, rescue=sum(needed) - min(needed) // 2)
    stage.run_of(bb, source, timing=timing)

    work(stage, bb, run, timing.deadline)

    assert sum(event.requests for event in started(stage)) == 600
    assert bb.receipt(run.id).outcomes == {"ok": 600}
    assert asked_once(stage)
    assert stage.clock.now() < timing.deadline


def test_more_money_lets_a_rescue_go_on(make_stage):
    stage = make_stage(turnaround=2 * HOUR)
    bb = stage.open()
    timing = promise(stage, rescue=10)
    run = stage.run_of(bb, stage.table(10), timing=timing)
    work(stage, bb, run, timing.deadline - 120)

    bb.set_budget(f"rescue:{run.id}", "1")
    bb.drain()
    work(stage, bb, run, timing.deadline)

    assert bb.is_finished(run.id)
    assert len(stage.world.messages()) > 0
    assert asked_once(stage)


def test_a_rescue_that_is_named_anew_lets_it_go_on(make_stage):
    stage = make_stage(turnaround=2 * HOUR)
    bb = stage.open()
    source = stage.table(10)
    timing = promise(stage, rescue=10)
    run = stage.run_of(bb, source, timing=timing)
    work(stage, bb, run, timing.deadline - 120)

    again = stage.run_of(bb, source, timing=replace(timing, rescue=DOLLAR))
    work(stage, bb, run, timing.deadline)

    [standing] = bb.budgets()
    assert again.id == run.id
    assert (standing.budget.scope, standing.budget.amount) == (f"rescue:{run.id}", DOLLAR)
    assert bb.receipt(run.id).outcomes == {"ok": 10}
    assert len(stage.world.messages()) > 0


def test_retries_of_a_rescued_run_are_asked_directly_too(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall())
    stage.world.script("messages", Status(500), times=2)
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(10), timing=timing)

    work(stage, bb, run, timing.deadline)

    assert bb.receipt(run.id).outcomes == {"ok": 10}
    assert len(stage.world.ledger()) == 1
    assert stage.clock.now() < timing.deadline


def test_a_run_that_a_person_canceled_is_not_rescued(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall())
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(10), timing=timing)
    bb.drain()

    bb.cancel(run.id)
    work(stage, bb, run, timing.deadline)

    assert bb.receipt(run.id).outcomes == {"canceled": 10}
    assert stage.world.messages() == []


def test_a_large_run_is_recalled_part_by_part(make_stage):
    stage = make_stage(turnaround=600.0)
    stage.world.script("create", Stall(), times=None)
    bb = stage.open(requests=300)
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(900), timing=timing)

    work(stage, bb, run, timing.deadline)

    parts = [event.requests for event in started(stage)]
    assert len(parts) > 1
    assert sum(parts) == 900
    assert bb.receipt(run.id).outcomes == {"ok": 900}
    assert stage.clock.now() < timing.deadline
    assert asked_once(stage)


def test_a_rescue_is_in_time_although_calls_are_refused_for_their_number(make_stage):
    stage = make_stage(turnaround=600.0, limits=Limits(message_calls_per_minute=60))
    stage.world.script("create", Stall())
    bb = stage.open()
    timing = promise(stage)
    run = stage.run_of(bb, stage.table(150), timing=timing)

    work(stage, bb, run, timing.deadline)

    assert bb.receipt(run.id).outcomes == {"ok": 150}
    assert timing.deadline - 500 < stage.clock.now() < timing.deadline
    assert len(stage.world.messages()) == 150


@pytest.mark.parametrize(
    "timing",
    [
        Timing(urgency=Urgency.NOW),
        Timing(urgency=Urgency.DEADLINE, deadline=4e9, rescue=DOLLAR),
    ],
)
def test_a_beta_that_only_batches_have_cannot_be_asked_sync(stage, timing):
    bb = stage.open()

    with pytest.raises(InputError, match="output-300k-2026-03-24 only works in batches"):
        stage.run_of(bb, stage.table(1), timing=timing, betas=(EXTENDED,))

    late = Timing(urgency=Urgency.DEADLINE, deadline=4e9)
    stage.run_of(bb, stage.table(1), timing=late, betas=(EXTENDED,))


def test_a_ticket_with_a_beta_that_only_batches_have_is_refused_now(stage):
    bb = stage.open()
    message = {"role": "user", "content": "Hi"}
    body = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [message]}

    with pytest.raises(InputError, match="only works in batches"):
        bb.submit(body, urgency="now", betas=[EXTENDED])
