"""A doubt is resolved by rest, by the list since the fence, and by the nonce; never by a guess."""

import pytest

from backburner.emulator.faultplan import FaultPlan
from backburner.emulator.faults import Cut, DropAfter, DropBefore, Lag, Late, Line, Slow, Status
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import LanePinned
from backburner.store.batches import batches_of_run
from backburner.telemetry import BatchResolved, BatchSent, FaultSeen

QUIET = 900.0
GAP = 60.0
HOUR = 3600.0
ACCEPTED = [
    DropAfter(),
    Late(by=300.0),
    Slow(),
    Cut(at=0.5),
    Cut(at=0.5, clean=True),
    Status(500, after=True),
    Status(529, "overloaded_error", after=True),
]
LOST = [
    DropBefore(),
    Status(500),
    Status(502),
    Status(529, "overloaded_error"),
    Status(408, "timeout_error"),
    Status(409, "conflict_error"),
]


class Calls(EmulatorTransport):
    """Notes the calls, with the time of each."""

    def __init__(self, world, clock):
        super().__init__(world)
        self._clock = clock
        self.seen = []

    def handle_request(self, request):
        self.seen.append((self._clock.now(), request.method, request.url.path))
        return super().handle_request(request)

    def times(self, method, ending):
        return [at for at, verb, path in self.seen if verb == method and path.endswith(ending)]


def batch_of(bb, run):
    with bb.tools.store.read() as tx:
        return batches_of_run(tx, run.id)[0]


def resolved(stage):
    return [event.how for event in stage.events if isinstance(event, BatchResolved)]


def check_paid_once(stage, bb, run):
    ours = [batch for batch in stage.world.ledger() if not batch.foreign]
    assert len(ours) == 1
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total


@pytest.mark.parametrize("fault", ACCEPTED, ids=str)
def test_a_batch_that_arrived_although_its_answer_was_lost_is_adopted(stage, fault):
    stage.world.script("create", fault)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert resolved(stage) == ["adopted"]
    check_paid_once(stage, bb, run)


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_a_batch_that_never_arrived_is_sent_again_under_the_next_try(stage, fault):
    stage.world.script("create", fault)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert resolved(stage) == ["absent"]
    assert {one[12] for one in stage.sent()[0]} == {"1"}
    check_paid_once(stage, bb, run)


def test_nothing_is_concluded_before_quiet_is_over_and_a_batch_must_be_absent_twice(stage):
    calls = Calls(stage.world, stage.clock)
    stage.world.script("create", DropBefore())
    bb = stage.open(transport=calls)
    bb.run(stage.run_of(bb, stage.table(1)).id)

    first, second = calls.times("POST", "/batches")
    looks = [at for at in calls.times("GET", "/batches") if first < at <= second]

    assert looks[0] - first >= QUIET
    assert looks[1] - looks[0] >= GAP
    assert second >= looks[1]


def test_a_definite_refusal_keeps_the_try(stage):
    stage.world.script("create", Status(429, "rate_limit_error", {"retry-after": "3"}))
    bb = stage.open()

    bb.run(stage.run_of(bb, stage.table(1)).id)

    assert {one[12] for one in stage.sent()[0]} == {"0"}


def test_a_strangers_batch_of_equal_size_and_a_thousand_newer_ones_mislead_nobody(stage):
    stage.world.plant_foreign(3, count=2)
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.world.plant_foreign(3, turnaround=60.0)
    stage.world.plant_foreign(7, count=1_100)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert resolved(stage) == ["adopted"]
    check_paid_once(stage, bb, run)


def test_a_strangers_batch_of_equal_size_is_not_taken_for_one_that_never_arrived(stage):
    stage.world.script("create", DropBefore())
    calls = Calls(stage.world, stage.clock)
    bb = stage.open(transport=calls)
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    (foreign,) = stage.world.plant_foreign(3, turnaround=3 * 3600.0)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert [row["answer"] for row in stage.rows()] == ["text 0", "text 1", "text 2"]
    assert resolved(stage) == ["absent"]
    assert len(calls.times("GET", f"{foreign}/results")) == 1
    check_paid_once(stage, bb, run)


def test_a_list_that_lags_for_minutes_does_not_make_a_batch_absent(make_stage):
    stage = make_stage(faults=FaultPlan(lag=Lag(in_list=600.0)))
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    check_paid_once(stage, bb, run)


def test_a_fence_that_was_deleted_does_not_hide_the_batch(stage):
    before = stage.open(lane="other")
    before.run(stage.run_of(before, stage.table(1, "before.csv"), "before.out.csv").id)
    fence = stage.world.ledger()[0].id
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    stage.make_client(stage.world).messages.batches.delete(fence)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert resolved(stage) == ["adopted"]
    assert len(stage.world.ledger()) == 2


@pytest.mark.parametrize("skew", [-420.0, 420.0])
def test_a_server_clock_that_is_minutes_off_does_not_hide_the_batch(make_stage, skew):
    stage = make_stage(faults=FaultPlan(skew=skew))
    stage.world.plant_foreign(5)
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    check_paid_once(stage, bb, run)


def test_a_candidate_that_runs_is_waited_for_and_status_says_so(make_stage):
    stage = make_stage(turnaround=5 * 3600.0)
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    (resting,) = bb.status()[0].doubts
    stage.clock.sleep(QUIET + 1)
    bb.drain()

    (waiting,) = bb.status()[0].doubts

    assert "2 requests" in resting
    assert "nothing is sent again before that" in resting
    assert stage.world.ledger()[0].id in waiting
    assert "as soon as it ends" in waiting
    assert bb.status()[1][0].words == "in doubt"
    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    check_paid_once(stage, bb, run)


def test_after_the_first_miss_status_says_when_it_is_looked_for_again(stage):
    stage.world.script("create", DropBefore())
    bb = stage.open()
    stage.run_of(bb, stage.table(2))
    bb.drain()
    stage.clock.sleep(QUIET + 1)
    bb.drain()

    (doubt,) = bb.status()[0].doubts

    assert "Anthropic does not list it" in doubt
    assert stage.world.ledger() == []


def test_with_hedge_a_running_candidate_is_not_waited_for(make_stage):
    stage = make_stage(turnaround=5 * 3600.0)
    stage.world.script("create", DropAfter())
    bb = stage.open(environment={"BACKBURNER_ON_DOUBT": "hedge"})
    run = stage.run_of(bb, stage.table(2))

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert resolved(stage) == ["hedged"]
    assert len(stage.world.ledger()) == 2


def test_a_key_of_another_workspace_resolves_nothing(make_stage):
    stage = make_stage(workspaces={"b": "wrkspc_b"})
    stage.world.script("create", DropAfter())
    bb = stage.open(key="a")
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    bb.close()
    stage.clock.sleep(QUIET + GAP)
    other = stage.open(key="b")

    with pytest.raises(LanePinned):
        other.run(run.id)

    other.close()
    assert stage.open(key="a").run(run.id).receipt.outcomes == {"ok": 2}
    assert len(stage.world.ledger()) == 1


@pytest.mark.parametrize("route", ["list", "results"])
def test_looks_that_fail_are_no_misses(stage, route):
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    stage.world.script(route, Status(500), times=3)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert len([one for one in stage.events if isinstance(one, FaultSeen)]) >= 4
    check_paid_once(stage, bb, run)


def test_a_stranger_whose_results_cannot_be_read_bars_the_way_until_it_is_deleted(stage):
    stage.world.script("create", DropBefore())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    (stranger,) = stage.world.plant_foreign(2)
    stage.world.script("results", Status(404), times=3)
    for _ in range(3):
        stage.clock.sleep(HOUR)
        bb.drain()
    assert bb.status()[1][0].words == "in doubt"
    stage.make_client(stage.world).messages.batches.delete(stranger)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert resolved(stage) == ["absent"]


def test_a_spoiled_first_line_is_no_proof_of_a_stranger(stage):
    stage.world.script("create", DropAfter())
    stage.world.script("results", Line("mangled", at=0), times=1)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))

    assert bb.run(run.id).receipt.outcomes == {"ok": 3}
    check_paid_once(stage, bb, run)


def test_two_batches_in_doubt_at_once_are_told_apart(stage):
    stage.world.script("create", DropAfter(), times=2)
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(4))

    assert bb.run(run.id).receipt.outcomes == {"ok": 4}
    assert len(stage.world.ledger()) == 2
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(4)]


def test_an_answer_that_comes_after_the_lease_was_taken_changes_nothing(stage):
    """The worker that armed stalls for hours; by then another has found its batch."""
    stage.world.script("create", Slow(QUIET - 61))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))

    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert [type(one) for one in stage.events if isinstance(one, BatchSent)] == [BatchSent]
    check_paid_once(stage, bb, run)


def test_a_batch_of_one_whose_only_line_is_never_served_cannot_be_proven_ours(stage):
    """The exception that law 2 names: only a stranger's line is there, so it counts as one's."""
    stage.world.script("create", DropAfter())
    stage.world.script("results", Line("missing", at=0), times=None, batch=0)
    stage.world.script("results", Line("unknown_id", at=0), times=None, batch=0)
    bb = stage.open()

    finished = bb.run(stage.run_of(bb, stage.table(1)).id)

    assert finished.receipt.outcomes == {"ok": 1}
    assert resolved(stage) == ["absent"]
    assert [batch.count for batch in stage.world.ledger()] == [1, 1]
