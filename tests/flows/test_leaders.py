"""A run's leaders go first, and its other requests when they have ended, without a person."""

from dataclasses import replace
from typing import Any

import pytest

from backburner.client.preparing import Fresh, RunOptions
from backburner.emulator.faults import DropAfter
from backburner.nouns.batch import BatchState, Hold
from backburner.nouns.run import Run
from backburner.plan.caching.cadence import LONGEST_GAP
from backburner.store.batches import batches_of_run
from backburner.telemetry import BatchFollows

MODEL = "claude-haiku-4-5"


def led_run(stage: Any, bb: Any, rows: int = 4) -> Run:
    """A run of batches of one request, of which the first leads."""
    wanted = RunOptions(
        source=str(stage.table(rows)),
        output=str(stage.home.parent / "out.csv"),
        prompt="Say: {{ text }}",
        model=MODEL,
        max_tokens=100,
    )
    prepared = bb.intake.prepare(wanted)
    assert isinstance(prepared, Fresh)
    first, *rest = prepared.staged.batches
    batches = (first, *(replace(one, hold=Hold.LEADERS) for one in rest))
    return bb.intake.commit(replace(prepared.staged, batches=batches))


def states(bb: Any, run: Run) -> list[BatchState]:
    with bb.tools.store.read() as tx:
        return [one.state for one in batches_of_run(tx, run.id)]


def sent_requests(stage: Any) -> list[int]:
    return [len(list(batch.custom_ids())) for batch in stage.world.ledger()]


def test_followers_are_sent_when_their_leaders_have_ended(stage):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)

    bb.drain()
    before = states(bb, run)
    stage.clock.sleep(30)
    bb.drain()

    assert before == [BatchState.SENT, *[BatchState.HELD] * 3]
    assert states(bb, run) == [BatchState.DONE, *[BatchState.SENT] * 3]
    assert [type(event) for event in stage.events].count(BatchFollows) == 3


def test_whoever_waits_for_a_run_needs_no_second_command(stage):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)

    receipt = bb.run(run.id).receipt

    assert receipt.outcomes == {"ok": 4}
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(4)]
    assert receipt.paid.picodollars == stage.world.bill().total
    assert bb.verify(run.id).differences == []


def test_status_says_what_followers_wait_for(stage):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)
    bb.drain()

    [standing] = bb.status(run.id)[1]

    assert standing.holds == ("3 requests until those have ended whose cache they read",)
    assert standing.words == "with Anthropic"


def test_leaders_that_take_long_are_not_waited_for_past_the_life_of_an_entry(make_stage):
    stage = make_stage(turnaround=5 * 3600.0)
    bb = stage.open(requests=1)
    run = led_run(stage, bb)
    bb.drain()

    stage.clock.sleep(LONGEST_GAP - 60)
    bb.drain()
    early = states(bb, run)
    stage.clock.sleep(120)
    bb.drain()

    assert early == [BatchState.SENT, *[BatchState.HELD] * 3]
    assert states(bb, run) == [BatchState.SENT] * 4


def test_leaders_in_doubt_are_waited_for_and_then_followed(make_stage):
    stage = make_stage()
    stage.world.script("create", DropAfter())
    bb = stage.open(requests=1)
    run = led_run(stage, bb)

    assert bb.run(run.id).receipt.outcomes == {"ok": 4}
    assert sent_requests(stage) == [1, 1, 1, 1]


def test_collecting_alone_lets_nobody_follow(stage):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)
    bb.drain()
    stage.clock.sleep(30)

    bb.drain(collect_only=True)
    collected = states(bb, run)
    bb.drain()

    assert collected == [BatchState.DONE, *[BatchState.HELD] * 3]
    assert states(bb, run) == [BatchState.DONE, *[BatchState.SENT] * 3]


def test_a_person_can_let_followers_go_at_once(stage):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)
    bb.drain()

    released = bb.release(run.id)
    bb.drain()

    assert (released.batches, released.requests) == (3, 3)
    assert states(bb, run) == [BatchState.SENT] * 4


def test_a_canceled_run_sends_no_followers(stage):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)
    bb.drain()

    bb.cancel(run.id)
    outcomes = bb.run(run.id).receipt.outcomes

    assert sum(outcomes.values()) == 4
    assert outcomes["canceled"] >= 3
    assert sent_requests(stage) == [1]


def test_another_process_lets_followers_go(stage):
    first = stage.open(requests=1)
    run = led_run(stage, first)
    first.drain()
    first.close()
    stage.clock.sleep(30)

    second = stage.open(requests=1)
    second.drain()

    assert states(second, run) == [BatchState.DONE, *[BatchState.SENT] * 3]


@pytest.mark.parametrize("request_number", [1, 3])
def test_a_follower_says_why_it_waits(stage, request_number):
    bb = stage.open(requests=1)
    run = led_run(stage, bb)
    bb.drain()
    with bb.tools.store.read() as tx:
        batch = batches_of_run(tx, run.id)[request_number]

    found = bb.request(f"{batch.nonce}-00000")

    assert found.held == "held: it waits until the requests have ended whose cache it reads"
