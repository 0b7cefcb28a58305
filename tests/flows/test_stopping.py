"""The line stops: no credit, no right, a limit. One create more at most, and nothing is lost."""

import pytest

from backburner.emulator import refusals
from backburner.emulator.settings import Limits
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import InDoubt, LaneStopped
from backburner.nouns.batch import BatchState, Hold
from backburner.plan.lanes import ReleaseAll
from backburner.store.batches import batches_of_run
from backburner.store.claimed_batches import batch_move
from backburner.worker import Worker


class Counting(EmulatorTransport):
    """Counts the creates that reach the server whole, by the server's own answers."""

    def __init__(self, world):
        super().__init__(world)
        self.creates = 0

    def handle_request(self, request):
        response = super().handle_request(request)
        self.creates += (request.method, request.url.path) == ("POST", "/v1/messages/batches")
        return response


def batches(bb, run):
    with bb.tools.store.read() as tx:
        return batches_of_run(tx, run.id)


def states(bb, run):
    return [batch.state for batch in batches(bb, run)]


@pytest.mark.parametrize("code", [400, 402])
def test_credit_exhausted_in_mid_run_brings_at_most_one_further_create(stage, code):
    transport = Counting(stage.world)

    def run_out(_count):
        if len(stage.world.ledger()) == 2:
            stage.world.exhaust_credit(code)

    bb = stage.open(transport=transport, requests=2)
    run = stage.run_of(bb, stage.table(12))
    with pytest.raises(LaneStopped, match="credit balance is too low") as raised:
        bb.run(run.id, run_out)

    assert transport.creates == 3
    assert "add credit in the Console" in raised.value.hint
    assert "backburner resume default" in raised.value.hint
    assert states(bb, run)[2:] == [BatchState.SEALED] * 4
    for _ in range(3):
        with pytest.raises(LaneStopped, match=r"is stopped: .*credit"):
            bb.drain()
        stage.clock.sleep(3600)
    assert transport.creates == 3
    assert bb.status()[1][0].count.batches[BatchState.SEALED] == 4


def test_requests_that_failed_for_the_account_come_back_uncounted_when_resumed(stage):
    bb = stage.open(requests=4)
    run = stage.run_of(bb, stage.table(8))
    stage.world.exhaust_credit(at=stage.clock.now() + 8)

    with pytest.raises(LaneStopped, match="billing_error"):
        bb.run(run.id)

    (standing,) = bb.status()[1]
    assert standing.words == "stopped"
    assert standing.count.stopped > 0
    assert not standing.count.is_finished
    assert "`backburner resume default`" in standing.holds[0]
    sent = len(stage.world.ledger())
    with pytest.raises(LaneStopped):
        bb.drain()
    assert len(stage.world.ledger()) == sent
    stage.world.refill_credit()
    assert bb.resume().again == standing.count.stopped
    assert bb.run(run.id).receipt.outcomes == {"ok": 8}


def test_failing_for_the_account_again_and_again_uses_up_no_attempt(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    for _ in range(7):
        stage.world.exhaust_credit(at=stage.clock.now() + 5)
        with pytest.raises(LaneStopped):
            bb.run(run.id)
        stage.world.refill_credit()
        bb.resume()

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert bb.verify(run.id).differences == []


def test_canceling_ends_what_the_account_held(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    stage.world.exhaust_credit(at=stage.clock.now() + 5)
    with pytest.raises(LaneStopped):
        bb.run(run.id)

    bb.cancel(run.id)

    assert bb.run(run.id).receipt.outcomes == {"canceled": 2}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (refusals.TIER_SPEND_LIMIT, "wait until 2026-10-01 00:00 UTC"),
        (refusals.OWN_SPEND_LIMIT, "the limit that you set"),
        (refusals.ON_HOLD, "support to lift the hold"),
        (refusals.UNAUTHORIZED, "ANTHROPIC_API_KEY"),
        (refusals.NO_CREDIT, "add credit"),
        (refusals.NO_CREDIT_400, "add credit"),
        (refusals.FORBIDDEN, "may do"),
    ],
)
def test_a_refusal_that_no_waiting_clears_is_met_once_and_explained(stage, refusal, told):
    transport = Counting(stage.world)
    stage.world.script("create", refusal, times=None)
    bb = stage.open(transport=transport, requests=1)
    run = stage.run_of(bb, stage.table(5))

    with pytest.raises(LaneStopped) as raised:
        bb.run(run.id)
    with pytest.raises(LaneStopped):
        bb.drain()

    assert transport.creates == 1
    assert told in raised.value.hint
    assert told in bb.status()[0].reason
    assert states(bb, run) == [BatchState.SEALED] * 5


def test_two_workers_stop_together(stage):
    transport = Counting(stage.world)
    one, two = (stage.open(transport=transport, requests=1) for _ in range(2))
    stage.run_of(one, stage.table(9))
    stage.world.exhaust_credit()
    for bb in (one, two, one, two, one, two):
        try:
            Worker(bb.tools, ("default",)).tick(ReleaseAll())
        except LaneStopped:
            stage.clock.sleep(1)

    assert transport.creates == 1


def test_an_upload_under_way_is_not_armed_once_the_lane_is_stopped(stage):
    class Late(Counting):
        def handle_request(self, request):
            if request.method == "POST" and not stopped:
                stopped.append(True)
                with pytest.raises(LaneStopped):
                    other.drain()
            return super().handle_request(request)

    stopped = []
    bb = stage.open(transport=Late(stage.world), requests=1)
    other = stage.open(requests=1)
    run = stage.run_of(bb, stage.table(2))
    stage.world.script("create", refusals.NO_CREDIT)

    with pytest.raises(LaneStopped):
        bb.run(run.id)

    assert stopped
    assert stage.world.ledger() == []
    assert states(bb, run) == [BatchState.SEALED] * 2


def test_a_stopped_lane_still_collects_and_writes_what_is_finished(stage):
    bb = stage.open()
    first = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.world.exhaust_credit(at=stage.clock.now() + 30)
    stage.clock.sleep(40)
    second = stage.run_of(bb, stage.table(["other"], "b.csv"), "b.out.csv")
    finished = []

    with pytest.raises(LaneStopped):
        bb.drain(finished=finished.append)

    assert [one.receipt.run for one in finished] == [first.id]
    assert len(stage.rows()) == 3
    assert states(bb, second) == [BatchState.SEALED]


def test_a_full_queue_is_waited_for_without_sending_the_same_again_and_again(make_stage):
    stage = make_stage(limits=Limits(queued_requests=4), turnaround=3000)
    transport = Counting(stage.world)
    bb = stage.open(transport=transport, requests=3)
    run = stage.run_of(bb, stage.table(9))

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 9}
    assert [batch.count for batch in stage.world.ledger()] == [3, 3, 3]
    assert transport.creates <= 3 + 2 * 5


def test_a_batch_larger_than_the_whole_queue_is_halved_until_it_fits(make_stage):
    stage = make_stage(limits=Limits(queued_requests=3))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(11))

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 11}
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(11)]
    assert all(batch.count <= 3 for batch in stage.world.ledger())
    assert sum(batch.count for batch in stage.world.ledger()) == 11
    whole = [(one.first_request, one.requests) for one in batches(bb, run)]
    assert [first for first, _ in whole] == [
        sum(n for _, n in whole[:i]) for i in range(len(whole))
    ]
    segments = list((stage.home / "vault" / "segments").iterdir())
    assert len(segments) == len(whole)
    assert bb.verify(run.id).differences == []


def test_a_batch_of_retries_is_halved_with_its_origins(make_stage):
    stage = make_stage(errored_share=1.0)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(6))
    bb.drain()
    stage.clock.sleep(25)
    stage.world.script("create", refusals.RATE_LIMITED, times=3)

    finished = bb.run(run.id)

    assert [batch.count for batch in stage.world.ledger()] == [6, 3, 3]
    assert finished.receipt.outcomes == {"ok": 6}
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(6)]
    assert bb.verify(run.id).differences == []


def test_a_canary_that_never_arrives_is_told_and_not_waited_for_forever(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3), canary=1)
    with bb.tools.store.write() as tx:
        first, _ = batches_of_run(tx, run.id)
        batch_move(tx, first, BatchState.HELD, {"hold": Hold.PERSON})

    with pytest.raises(InDoubt, match="nothing of the run"):
        bb.run(run.id)

    assert stage.world.ledger() == []
