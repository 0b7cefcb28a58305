"""Requests that somebody waits for: asked one by one, kept, judged and booked like all others."""

from dataclasses import replace
from hashlib import blake2b
from threading import Event

import httpx2
import pytest

from backburner.emulator.faults import DropAfter, Status
from backburner.emulator.settings import Rule
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import LaneStopped, StoreDamaged
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.lanes import ReleaseAll
from backburner.store.batches import batches_of_run
from backburner.store.ledger import ledger_ended
from backburner.worker import Worker
from backburner.worker.leasing import Abandoned

NOW = Timing(urgency=Urgency.NOW)
DIRECT_WORDS = "$0.00052 for 20 answers, at the price of sync calls"


def open_with(stage, concurrency, **options):
    """A Backburner that has as many calls under way at once."""
    stage.home.mkdir(exist_ok=True)
    (stage.home / "backburner.toml").write_text(f"[worker]\nconcurrency = {concurrency}\n")
    return stage.open(**options)


def test_a_run_that_is_needed_now_is_answered_without_a_batch(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(20), timing=NOW)

    finished = bb.run(run.id)

    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(20)]
    assert stage.world.ledger() == []
    assert len(stage.world.messages()) == 20
    assert finished.receipt.paid.picodollars == stage.world.bill().calls
    assert finished.receipt.sync_equivalent == finished.receipt.paid
    assert finished.receipt.paid_directly == finished.receipt.paid
    assert ("of it asked directly", DIRECT_WORDS) in finished.receipt.lines()
    assert sum(float(row["cost_usd"]) for row in stage.rows()) == pytest.approx(
        finished.receipt.paid.picodollars / 10**12
    )
    assert bb.verify().differences == []


def test_a_request_is_asked_with_the_bytes_it_was_sealed_with(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3), timing=NOW)

    bb.run(run.id)

    with bb.tools.store.read() as tx:
        segment = batches_of_run(tx, run.id)[0].segment
    sealed = {blake2b(line, digest_size=16).hexdigest() for line in bb.tools.vault.lines(segment)}
    assert {one.digest for one in stage.world.messages()} == sealed


def test_a_refusal_for_now_is_waited_out_and_is_no_attempt(stage):
    stage.world.script("messages", Status(429, headers={"retry-after": "7"}), times=3)
    stage.world.script("messages", Status(529), times=2)
    bb = open_with(stage, 2)
    run = stage.run_of(bb, stage.table(6), timing=NOW)
    started = stage.clock.now()

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 6}
    assert len(stage.world.messages()) == 6
    assert [event for event in stage.events if event.event == "retries.sealed"] == []
    assert stage.clock.now() >= started + 14


def test_what_the_api_refuses_is_told_and_what_it_failed_on_is_asked_again(stage):
    stage.world.script("messages", Status(500), times=2)
    stage.world.script("messages", Status(400, message="messages: too odd"), times=1)
    bb = open_with(stage, 1)
    run = stage.run_of(bb, stage.table(5), timing=NOW)

    finished = bb.run(run.id)

    rows = stage.rows()
    assert finished.receipt.outcomes == {"ok": 4, "rejected": 1}
    assert [row["outcome"] for row in rows] == ["ok", "ok", "rejected", "ok", "ok"]
    assert len(stage.world.messages()) == 4
    assert stage.world.ledger() == []
    assert bb.verify().differences == []


def test_a_key_that_is_refused_stops_the_lane_and_nothing_is_lost(stage):
    stage.world.script("messages", Status(401), times=1)
    bb = open_with(stage, 1)
    run = stage.run_of(bb, stage.table(5), timing=NOW)

    with pytest.raises(LaneStopped):
        bb.run(run.id)
    bb.resume()
    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 5}
    assert len(stage.world.messages()) == 5


def test_a_call_without_an_answer_is_held_for_a_person_and_stays_reserved(stage):
    stage.world.script("messages", DropAfter())
    bb = open_with(stage, 1)
    bb.set_budget("lane:default", "1")
    run = stage.run_of(bb, stage.table(3), timing=NOW)

    finished = bb.run(run.id)

    calls = stage.world.messages()
    budget = bb.budgets()[0].budget
    assert [row["outcome"] for row in stage.rows()] == ["missing", "ok", "ok"]
    assert [one.fault for one in calls] == ["drop_after", "", ""]
    assert finished.receipt.paid.picodollars == sum(one.cost for one in calls[1:])
    assert budget.spent == finished.receipt.paid.picodollars
    assert budget.reserved >= calls[0].cost
    assert bb.savings().total.doubted == 1
    assert bb.savings().total.doubt == budget.reserved
    assert "may have been paid" in bb.failed(run.id).shown[0].reason
    assert bb.verify().differences == []


def test_a_person_may_ask_again_what_was_in_doubt(stage):
    stage.world.script("messages", DropAfter())
    bb = open_with(stage, 1)
    run = stage.run_of(bb, stage.table(3), timing=NOW)
    bb.run(run.id)

    bb.retry(run.id)
    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert stage.world.ledger() == []
    assert len(stage.world.messages()) == 4
    assert bb.savings().total.doubted == 1
    assert bb.verify().differences == []


def test_hedging_asks_again_by_itself_what_was_in_doubt(stage):
    stage.world.script("messages", DropAfter())
    bb = open_with(stage, 1, environment={"BACKBURNER_ON_DOUBT": "hedge"})
    run = stage.run_of(bb, stage.table(3), timing=NOW)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert len(stage.world.messages()) == 4
    assert bb.savings().total.doubted == 1


def test_a_call_that_never_left_is_made_again(stage):
    bb = stage.open(transport=Unplugged(stage.world, calls=3))
    run = stage.run_of(bb, stage.table(6), timing=NOW)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 6}
    assert len(stage.world.messages()) == 6
    assert bb.savings().total.doubted == 0


class Unplugged(EmulatorTransport):
    """A network that is away for the first calls."""

    def __init__(self, world, calls):
        super().__init__(world)
        self.left = calls

    def handle_request(self, request):
        if self.left > 0:
            self.left -= 1
            raise httpx2.ConnectError("unplugged", request=request)
        return super().handle_request(request)


def test_what_was_not_asked_when_its_run_was_canceled_ends_as_canceled(stage):
    stage.world.script("messages", Status(429, headers={"retry-after": "60"}), times=4)
    bb = open_with(stage, 4)
    run = stage.run_of(bb, stage.table(6), timing=NOW)
    bb.drain()

    bb.cancel(run.id)
    bb.drain()

    assert bb.receipt(run.id).outcomes == {"canceled": 6}
    assert stage.world.messages() == []
    assert bb.verify().differences == []


def test_a_run_that_is_canceled_while_its_calls_are_made_makes_no_more(stage):
    overtaking = Overtaking(stage)
    bb = open_with(stage, 1, transport=overtaking)
    run = stage.run_of(bb, stage.table(40), timing=NOW)
    overtaking.then = lambda: bb.cancel(run.id)

    bb.drain()

    assert len(stage.world.messages()) == 1
    assert bb.receipt(run.id).outcomes == {"ok": 1, "canceled": 39}
    assert bb.savings().total.doubted == 0
    assert bb.verify().differences == []


def test_a_canceled_run_does_not_wait_until_its_calls_would_be_taken_again(stage):
    stage.world.script("messages", Status(429, headers={"retry-after": "600"}), times=1)
    overtaking = Overtaking(stage)
    bb = open_with(stage, 1, transport=overtaking)
    run = stage.run_of(bb, stage.table(3), timing=NOW)
    overtaking.then = lambda: bb.cancel(run.id)

    bb.drain()

    assert bb.receipt(run.id).outcomes == {"canceled": 3}


def test_a_request_that_cannot_be_read_was_never_asked(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(20), timing=NOW)
    with bb.tools.store.read() as tx:
        segment = stage.home / "vault" / batches_of_run(tx, run.id)[0].segment
    bytes_before = segment.read_bytes()
    segment.write_bytes(b"?" * 20 + bytes_before[20:])
    with pytest.raises(StoreDamaged):
        bb.drain()
    segment.write_bytes(bytes_before)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 20}
    assert bb.savings().total.doubted == 0


def test_what_was_refused_while_a_step_was_left_is_asked_again(stage):
    transport = HoldingUp(stage.world)
    bb = open_with(stage, 2, transport=transport)
    run = stage.run_of(bb, stage.table(4), timing=NOW)

    def moving():
        if stage.world.messages():
            transport.goes_on.set()
            raise Abandoned

    worker = Worker(replace(bb.tools, moving=moving), ("default",))
    while not transport.goes_on.is_set():
        worker.tick(ReleaseAll())
    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 4}
    assert len(stage.world.messages()) == 4
    assert bb.savings().total.doubted == 0


class HoldingUp(EmulatorTransport):
    """Keeps one call until it may go on, and lets it fail then, before it left."""

    def __init__(self, world):
        super().__init__(world)
        self.goes_on = Event()

    def handle_request(self, request):
        if b"text 1" in request.read() and not self.goes_on.is_set():
            self.goes_on.wait()
            raise httpx2.ConnectError("unplugged", request=request)
        return super().handle_request(request)


def test_an_account_of_batches_is_not_compared_with_calls(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3), timing=NOW)
    bb.run(run.id)

    with bb.tools.store.read() as tx:
        ended = ledger_ended(tx, 0.0, stage.clock.now() + 1)

    assert ended == []


def test_what_nobody_got_is_wasted_at_the_price_of_calls(make_stage):
    cut = Rule(match="text 1", kind="max_tokens")
    stage = make_stage(rules=(cut, Rule(match=r"(?s)^Say: (.*)$", answer=r"\1")))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3), timing=NOW)

    finished = bb.run(run.id)

    *first, _again = (one.cost for one in stage.world.messages())
    assert finished.receipt.outcomes == {"ok": 2, "truncated": 1}
    assert bb.savings().total.wasted == min(first)


def test_a_worker_that_lost_its_batch_arms_nothing_more(stage):
    other = stage.open()
    overtaking = Overtaking(stage)
    bb = open_with(stage, 1, transport=overtaking)
    overtaking.then = lambda: (stage.clock.sleep(500), other.drain())
    run = stage.run_of(bb, stage.table(3), timing=NOW)

    finished = bb.run(run.id)

    charged = [one.digest for one in stage.world.messages()]
    assert len(charged) == len(set(charged)) == 3
    assert finished.receipt.outcomes == {"ok": 2, "missing": 1}
    assert bb.savings().total.doubted == 1
    assert bb.verify().differences == []


class Overtaking(EmulatorTransport):
    """Lets something happen while the first call is under way."""

    def __init__(self, stage):
        super().__init__(stage.world)
        self.then = None

    def handle_request(self, request):
        happening, self.then = self.then, None
        if happening is not None and request.url.path == "/v1/messages":
            happening()
        elif happening is not None:
            self.then = happening
        return super().handle_request(request)
