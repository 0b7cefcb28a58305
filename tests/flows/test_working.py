"""The loop around `tick`: lanes take turns, what fails ends nothing, and it ends when told to."""

import pytest

from backburner.client.pulse import Pulse
from backburner.emulator.faults import Status
from backburner.nouns.batch import BatchState
from backburner.store.batches import batches_of_run, batches_where
from backburner.store.waiting_batches import batches_promise
from backburner.telemetry import BatchSent, RunFinished, StepFailed, StopSeen

DAY = 86400.0


def soon(stage, seconds: float = 3600.0) -> float:
    return stage.clock.now() + seconds


class Bell:
    """Rings after it was asked so often."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_loop_sends_waits_collects_and_writes(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    finished = []

    bb.work(until=soon(stage), finished=finished.append)

    assert [one.receipt.run for one in finished] == [run.id]
    assert [row["answer"] for row in stage.rows()] == ["text 0", "text 1", "text 2"]
    assert [one.outcomes for one in stage.events if isinstance(one, RunFinished)] == [{"ok": 3}]


def test_a_loop_takes_up_what_others_enqueue_meanwhile(stage):
    bb, other = stage.open(), stage.open()

    def stop() -> bool:
        if stage.clock.now() > began + 600 and not stage.events:
            stage.run_of(other, stage.table(2))
        return False

    began = stage.clock.now()
    bb.work(stop=stop, until=soon(stage))

    sent = [one for one in stage.events if isinstance(one, BatchSent)]
    assert [one.requests for one in sent] == [2]
    assert len(stage.rows()) == 2


def test_lanes_take_turns_so_that_a_long_one_delays_no_short_one(stage):
    long, short = stage.open(requests=1, lane="long"), stage.open(lane="short")
    stage.run_of(long, stage.table(20, "long.csv"), "long.out.csv")
    run = stage.run_of(short, stage.table(2, "short.csv"), "short.out.csv")

    long.work(until=soon(stage))

    sent = [one.run for one in stage.events if isinstance(one, BatchSent)]
    assert len(sent) == 21
    assert sent.index(run.id) <= 2


def test_runs_of_a_lane_take_turns_and_a_promised_one_goes_first(stage):
    bb = stage.open(requests=1)
    long = stage.run_of(bb, stage.table(6, "long.csv"), "long.out.csv")
    short = stage.run_of(bb, stage.table(["x", "y"], "short.csv"), "short.out.csv")
    promised = stage.run_of(bb, stage.table(["z"], "promised.csv"), "promised.out.csv")
    with bb.tools.store.write() as tx:
        batches_promise(tx, promised.id, urgency="deadline", deadline=stage.clock.now() + 60)

    bb.work(until=soon(stage, 600))

    sent = [one.run for one in stage.events if isinstance(one, BatchSent)]
    assert sent[0] == promised.id
    assert sent[1:5] == [long.id, short.id, long.id, short.id]


def test_a_stopped_lane_stops_no_other(stage):
    good, bad = stage.open(lane="good"), stage.open(lane="bad")
    stage.run_of(bad, stage.table(2, "b.csv"), "b.out.csv")
    stage.world.script("create", Status(403))
    bad.work(["bad"], until=soon(stage, 5))
    stage.run_of(good, stage.table(3, "g.csv"), "g.out.csv")

    good.work(until=soon(stage))

    assert bad.status()[0].state == "stopped"
    assert len(stage.rows("g.out.csv")) == 3


def test_a_stop_is_told_once_with_its_reason_and_again_by_the_next_worker(stage):
    bb = stage.open()
    stage.run_of(bb, stage.table(2))
    stage.world.script("create", Status(403))

    bb.work(until=soon(stage))
    during = list(stage.events)
    stage.events.clear()
    bb.work(until=soon(stage))

    [told] = [one for one in during if isinstance(one, StopSeen)]
    [again] = [one for one in stage.events if isinstance(one, StopSeen)]
    assert told == again
    assert told.reason == bb.status()[0].reason
    assert not [one for one in during if isinstance(one, StepFailed)]


def test_a_stop_is_told_anew_after_the_lane_was_open(stage):
    bb, other = stage.open(), stage.open()
    stage.run_of(bb, stage.table(2))
    stage.world.script("create", Status(403))
    stage.world.script("create", Status(401))
    resume_at = [soon(stage, 600)]

    def resumed() -> bool:
        if resume_at and stage.clock.now() > resume_at[0]:
            resume_at.clear()
            other.resume()
        return False

    bb.work(until=soon(stage, 700), stop=resumed)

    first, second = (one.reason for one in stage.events if isinstance(one, StopSeen))
    assert "403" in first
    assert "401" in second


def test_a_step_that_fails_is_told_and_left_alone_and_all_else_goes_on(stage):
    bb = stage.open(requests=1)
    run = stage.run_of(bb, stage.table(3))
    with bb.tools.store.read() as tx:
        second = batches_of_run(tx, run.id)[1]
    segment = stage.home / "vault" / second.segment
    text = segment.read_bytes()
    segment.write_bytes(b"")

    bb.work(until=soon(stage))
    before = bb.status(run.id)[1][0].count
    segment.write_bytes(text)
    bb.work(until=soon(stage))

    failures = [one for one in stage.events if isinstance(one, StepFailed)]
    assert before.outcomes == {"ok": 2}
    assert {one.what for one in failures} == {"default"}
    assert 30 <= len(failures) <= 61
    assert len(stage.rows()) == 3


def test_an_output_that_cannot_be_written_is_tried_again(stage):
    bb = stage.open()
    folder = stage.home.parent / "there"
    folder.mkdir()
    stage.run_of(bb, stage.table(2), "there/out.csv")
    folder.rmdir()

    bb.work(until=soon(stage, 900))
    failed = [one.what for one in stage.events if isinstance(one, StepFailed)]
    folder.mkdir()
    bb.work(until=soon(stage, 900))

    assert failed
    assert len(stage.rows("there/out.csv")) == 2


def test_a_worker_that_was_stopped_for_a_day_does_all_that_became_due(stage):
    bb = stage.open()
    stage.run_of(bb, stage.table(3))
    bb.work(until=soon(stage, 5))
    bb.close()
    stage.clock.sleep(DAY)

    again = stage.open()
    again.work(until=soon(stage, 5))

    assert len(stage.rows()) == 3
    assert len(stage.world.ledger()) == 1


@pytest.mark.parametrize("asked", [1, 3, 5, 6, 8, 11, 15, 22])
def test_a_loop_that_is_told_to_end_leaves_nothing_in_doubt(stage, asked):
    bb = stage.open(requests=1)
    stage.run_of(bb, stage.table(3))

    bb.work(stop=Bell(asked), until=soon(stage))

    with bb.tools.store.read() as tx:
        cut = batches_where(tx, ["default"], [BatchState.ARMED, BatchState.UNKNOWN])
        leased = [
            one
            for one in batches_where(tx, ["default"], tuple(BatchState))
            if one.lease_until > stage.clock.now()
        ]
    assert cut == []
    assert leased == []
    stage.open().work(until=soon(stage))
    assert len(stage.rows()) == 3
    assert len(stage.world.ledger()) == 3


def test_the_pulse_tells_how_the_loop_is(stage):
    bb, pulse = stage.open(), Pulse()
    stage.run_of(bb, stage.table(1))
    assert not pulse.is_ready

    bb.work(until=soon(stage), pulse=pulse, stop=lambda: pulse.ticks > 4)

    assert pulse.ticks == 5
    assert not pulse.is_ready
    assert pulse.is_alive(stage.clock.now(), 60)
    assert not pulse.is_alive(stage.clock.now() + 61, 60)
