"""Calls and batches have limits of their own at the API: neither waits for the other here."""

import pytest

from backburner.emulator.settings import Limits
from backburner.nouns.fault import FaultKind
from backburner.nouns.urgency import Timing, Urgency
from backburner.telemetry import FaultSeen

NOW = Timing(urgency=Urgency.NOW)


def throttled(stage, call):
    seen = [event for event in stage.events if isinstance(event, FaultSeen) and event.call == call]
    return sum(event.fault.kind is FaultKind.THROTTLED for event in seen)


def test_a_full_batch_queue_delays_no_call_and_refuses_none(make_stage):
    limits = Limits(queued_requests=30, batch_calls_per_minute=10)
    stage = make_stage(turnaround=3600.0, limits=limits)
    bb = stage.open(requests=20)
    stage.run_of(bb, stage.table(100, "nightly.csv"), output="nightly-out.csv")
    bb.drain()
    started = stage.clock.now()

    for n in range(10):
        texts = [f"call {n}-{one}" for one in range(20)]
        run = stage.run_of(bb, stage.table(texts, f"{n}.csv"), f"{n}-out.csv", timing=NOW)
        assert bb.run(run.id).receipt.outcomes == {"ok": 20}

    assert throttled(stage, "create") > 0
    assert throttled(stage, "messages") == 0
    assert stage.clock.now() == started
    assert len(stage.world.messages()) == 200


@pytest.mark.parametrize("first", ["calls", "batches"])
def test_a_used_up_limit_of_calls_delays_no_batch(make_stage, first):
    stage = make_stage(turnaround=60.0, limits=Limits(message_calls_per_minute=5))
    bb = stage.open(requests=20)
    started = stage.clock.now()
    nightly = stage.table(100, "nightly.csv")
    calls = stage.table([f"call {n}" for n in range(60)], "calls.csv")

    if first == "calls":
        stage.run_of(bb, calls, "calls-out.csv", timing=NOW)
        bb.drain()
    run = stage.run_of(bb, nightly)
    if first == "batches":
        stage.run_of(bb, calls, "calls-out.csv", timing=NOW)
    bb.drain()
    sent = stage.world.ledger()
    finished = bb.run(run.id)

    assert throttled(stage, "messages") > 0
    assert [one.created_at for one in sent] == [started] * 5
    assert finished.receipt.outcomes == {"ok": 100}
    assert stage.clock.now() <= started + 90
