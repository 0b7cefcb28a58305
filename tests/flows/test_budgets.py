"""Budgets hold what could break them, let it go when there is room, and are never exceeded."""

import threading
from dataclasses import replace
from decimal import Decimal

import pytest

from backburner.emulator.faults import DropAfter, DropBefore
from backburner.emulator.settings import ItemFailure
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import BudgetReached
from backburner.nouns.batch import BatchState, Hold
from backburner.nouns.budget import MOST, WorstCase, billing_of
from backburner.nouns.money import PICODOLLARS
from backburner.store.batches import batches_of_run, batches_where
from backburner.store.budgets import budgets_in, worst_cases_of, worst_cases_put
from backburner.store.invariants import check_invariants
from backburner.telemetry import BudgetHeld
from backburner.worker.weighing import weigh_some

ROWS = 6
DOLLAR = PICODOLLARS


def usd(picodollars):
    return str(Decimal(picodollars) / PICODOLLARS)


def batches(bb, run):
    with bb.tools.store.read() as tx:
        return batches_of_run(tx, run.id)


def budget_of(bb, scope):
    with bb.tools.store.read() as tx:
        return budgets_in(tx, [scope]).get(scope)


def requests(count, ask, text="Say: hello", **more):
    return [{"custom_id": f"c{n}", "params": ask(f"{text} {n}", **more)} for n in range(count)]


def drain_till_quiet(stage, bb, rounds=30, pause=30.0):
    for _ in range(rounds):
        bb.drain()
        stage.clock.sleep(pause)


def test_a_run_within_its_budget_goes_through_and_leaves_nothing_reserved(stage, ask):
    bb = stage.open(requests=2)
    run = bb.enqueue(requests(ROWS, ask), budget="1.00")

    bb.run(run.id)

    budget = budget_of(bb, f"run:{run.id}")
    assert budget.reserved == 0
    assert budget.spent == stage.world.bill().total > 0
    check_invariants(bb.tools.store)


def test_a_run_without_room_sends_nothing_and_says_what_it_needs(stage, ask):
    bb = stage.open()
    run = bb.enqueue(requests(ROWS, ask), budget="0.0001")

    with pytest.raises(BudgetReached, match=r"^6 requests of") as raised:
        bb.run(run.id)

    assert stage.sent() == []
    assert f"backburner budget set run:{run.id} 0.01" in raised.value.hint
    assert "requests 1 to 6" in raised.value.hint
    [held] = batches(bb, run)
    assert (held.state, held.hold) == (BatchState.HELD, Hold.BUDGET)
    [event] = [one for one in stage.events if isinstance(one, BudgetHeld)]
    assert event.scopes == (f"run:{run.id}",)


def test_a_held_run_goes_on_when_its_budget_is_raised(stage, ask):
    bb = stage.open()
    run = bb.enqueue(requests(ROWS, ask), budget="0.0001")
    bb.drain()

    bb.set_budget(f"run:{run.id}", "1.00")
    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": ROWS}


def test_the_same_run_again_with_more_budget_raises_it(stage):
    bb = stage.open()
    source = stage.table(ROWS)
    run = stage.run_of(bb, source, billing=billing_of("0"))
    with pytest.raises(BudgetReached):
        bb.run(run.id)

    again = stage.run_of(bb, source, billing=billing_of("1"))

    assert again.id == run.id
    assert bb.run(run.id).receipt.outcomes == {"ok": ROWS}


def test_rows_that_wait_are_named_and_those_that_fit_go(stage):
    bb = stage.open(requests=2)
    source = stage.table(ROWS)
    bb.set_budget("tag:seo", "1")
    run = stage.run_of(bb, source, billing=billing_of(tags=("seo", "nightly")))
    bb.drain()
    each = budget_of(bb, "tag:seo").reserved // 3
    bb.cancel(run.id)
    drain_till_quiet(stage, bb)
    bb.set_budget("tag:seo", usd(budget_of(bb, "tag:seo").spent + each))

    later = stage.run_of(bb, source, "other.csv", billing=billing_of(tags=("seo",)))
    bb.drain()

    [standing] = bb.status(later.id)[1]
    assert standing.for_budget == 4
    assert "rows 3 to 6 (4 requests)" in standing.holds[0]
    assert standing.run.tags == "seo"


def test_what_was_held_follows_as_what_was_reserved_comes_back(stage, ask):
    bb = stage.open(requests=1)
    bb.set_budget("lane:default", "1")
    probe = bb.enqueue(requests(1, ask), name="probe")
    bb.drain()
    each = budget_of(bb, "lane:default").reserved
    bb.run(probe.id)
    spent = budget_of(bb, "lane:default").spent
    bb.set_budget("lane:default", usd(spent + 2 * each))

    run = bb.enqueue(requests(4, ask))
    bb.drain()
    waiting = [one.state for one in batches(bb, run)].count(BatchState.HELD)
    finished = bb.run(run.id)

    assert waiting == 2
    assert finished.receipt.outcomes == {"ok": 4}
    assert stage.world.bill().total <= spent + 2 * each


def test_a_day_gives_room_again(stage, ask):
    bb = stage.open(requests=1)
    bb.set_budget("day", "1")
    probe = bb.enqueue(requests(1, ask), name="probe")
    bb.run(probe.id)
    spent = next(one.budget for one in bb.budgets() if one.budget.scope == "day").spent
    bb.set_budget("day", usd(spent))
    run = bb.enqueue(requests(1, ask), new=True)
    with pytest.raises(BudgetReached):
        bb.run(run.id)
    bb.set_budget("day", usd(spent * 100))
    bb.set_budget("day", usd(spent))

    stage.clock.sleep(25 * 3600)
    bb.set_budget("day", usd(spent * 100))
    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 1}
    [standing] = bb.budgets()
    assert standing.budget.spent == finished.receipt.paid.picodollars


def test_a_batch_in_doubt_keeps_its_reservation(stage, ask):
    bb = stage.open()
    stage.world.script("create", DropAfter())
    run = bb.enqueue(requests(1, ask), budget="1")
    bb.drain()
    [batch] = batches(bb, run)

    budget = budget_of(bb, f"run:{run.id}")

    assert batch.state is BatchState.UNKNOWN
    assert budget.reserved > 0
    bb.run(run.id)
    after = budget_of(bb, f"run:{run.id}")
    assert (after.reserved, after.spent) == (0, stage.world.bill().total)


def test_a_batch_that_never_arrived_reserves_anew(stage, ask):
    bb = stage.open()
    stage.world.script("create", DropBefore())
    run = bb.enqueue(requests(1, ask), budget="1")
    bb.drain()
    before = budget_of(bb, f"run:{run.id}").reserved

    bb.run(run.id)

    after = budget_of(bb, f"run:{run.id}")
    assert before > 0
    assert (after.reserved, after.spent) == (0, stage.world.bill().total)


def test_requests_without_a_bound_wait_unless_what_is_likely_is_enough(stage, ask):
    bb = stage.open()
    tools = [{"type": "web_search_20260209", "name": "web_search"}]
    run = bb.enqueue(requests(1, ask, tools=tools), budget="1")

    with pytest.raises(BudgetReached, match=r"^1 request of") as raised:
        bb.run(run.id)

    [held] = batches(bb, run)
    assert held.hold == Hold.UNBOUNDED
    assert "--budget-mode expected" in raised.value.hint
    freed = bb.enqueue(requests(1, ask, tools=tools), budget="1", budget_mode="expected")
    bb.drain()
    assert batches(bb, freed)[0].state is BatchState.SENT


def test_a_budget_that_is_set_late_reserves_what_is_on_its_way(stage, ask):
    bb = stage.open()
    run = bb.enqueue(requests(ROWS, ask), tags=("seo",), owner="ann")
    bb.drain()

    for scope in ("tag:seo", "owner:ann", "lane:default", "day", f"run:{run.id}"):
        bb.set_budget(scope, "1")
    reserved = {one.budget.scope: one.budget.reserved for one in bb.budgets()}
    bb.run(run.id)

    assert len(set(reserved.values())) == 1
    assert min(reserved.values()) > 0
    assert {one.budget.reserved for one in bb.budgets()} == {0}
    assert {one.budget.spent for one in bb.budgets()} == {stage.world.bill().total}
    check_invariants(bb.tools.store)


def test_a_home_opens_although_what_is_on_its_way_can_cost_more_than_can_be_counted(stage, ask):
    endless = [{"type": "web_search_20260209", "name": "web_search", "max_uses": 10**9}]
    bb = stage.open(requests=1)
    run = bb.enqueue(requests(3, ask, tools=endless))
    bb.drain()

    bb.set_budget("lane:default", "5")
    later = stage.open()

    assert budget_of(later, "lane:default").reserved == MOST
    later.run(run.id)
    budget = budget_of(later, "lane:default")
    assert (budget.reserved, budget.spent) == (0, stage.world.bill().total)
    stage.open()


def test_a_budget_that_is_lifted_holds_nobody(stage, ask):
    bb = stage.open()
    bb.set_budget("lane:default", "0")
    run = bb.enqueue(requests(ROWS, ask))
    bb.drain()

    bb.remove_budget("lane:default")

    assert bb.run(run.id).receipt.outcomes == {"ok": ROWS}
    assert bb.budgets() == []


def test_a_run_that_is_canceled_gives_its_room_back(stage, ask):
    bb = stage.open()
    bb.set_budget("lane:default", "1")
    run = bb.enqueue(requests(ROWS, ask))

    bb.cancel(run.id)
    bb.drain()

    budget = budget_of(bb, "lane:default")
    assert (budget.reserved, budget.spent) == (0, 0)


def test_retries_reserve_again_and_are_paid_by_their_own_run(make_stage, ask):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1), ItemFailure(ordinal=1, index=0)))
    bb = stage.open()
    first = bb.enqueue(requests(3, ask), name="a", tags=("a",), budget="1")
    second = bb.enqueue(requests(3, ask, text="Say: other"), name="b", tags=("b",), budget="1")
    bb.set_budget("tag:a", "1")

    bb.run(first.id)
    bb.run(second.id)

    paid = {run.id: bb.receipt(run.id).paid.picodollars for run in (first, second)}
    for run in (first, second):
        budget = budget_of(bb, f"run:{run.id}")
        assert (budget.reserved, budget.spent) == (0, paid[run.id])
    assert budget_of(bb, "tag:a").spent == paid[first.id]
    assert sum(paid.values()) == stage.world.bill().total
    check_invariants(bb.tools.store)


class OneAtATime(EmulatorTransport):
    """The emulator's world answers one call after another, as its server does."""

    turn = threading.Lock()

    def handle_request(self, request):
        with self.turn:
            return super().handle_request(request)


def at_once(each, queues):
    """Lets every queue do the same in a thread of its own; gives what went wrong."""
    faults = []

    def work(bb):
        try:
            each(bb)
        except Exception as error:  # noqa: BLE001  # told by the test
            faults.append(error)

    threads = [threading.Thread(target=work, args=(bb,)) for bb in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_four_runs_at_once_stay_within_one_dollar(make_stage, ask):
    stage = make_stage(turnaround=0.2)
    opener = stage.open(requests=5)
    opener.set_budget("tag:shared", "1.00")
    # Together they would cost about five dollars.
    bodies = {"model": "claude-opus-4-6", "max_tokens": 1_600}
    runs = [
        opener.enqueue(
            requests(60, ask, text=f"Say: {'word ' * 1000} {n}", **bodies),
            name=f"r{n}",
            tags=("shared",),
        )
        for n in range(4)
    ]
    queues = [stage.open(transport=OneAtATime(stage.world)) for _ in runs]

    faults = at_once(lambda bb: drain_till_quiet(stage, bb), queues)

    assert faults == []
    # The clock is everybody's: who is slow may have slept through a lease, and left a doubt.
    drain_till_quiet(stage, opener, rounds=12, pause=1800.0)
    budget = budget_of(opener, "tag:shared")
    bill = stage.world.bill().total
    assert 0.8 * DOLLAR < bill <= DOLLAR
    assert (budget.reserved, budget.spent) == (0, bill)
    with opener.tools.store.read() as tx:
        held = batches_where(tx, ["default"], [BatchState.HELD])
    assert {one.hold for one in held} == {Hold.BUDGET}
    assert len({one.run for one in held}) >= 2
    check_invariants(opener.tools.store)


def test_a_request_that_waits_for_a_budget_says_so(stage, ask):
    bb = stage.open()
    run = bb.enqueue(requests(1, ask), budget="0")
    bb.drain()
    [batch] = batches(bb, run)

    standing = bb.request(f"{batch.nonce}-00000")

    assert "until a budget has room" in standing.held


def test_a_price_that_is_known_by_now_counts_after_resume(stage, ask):
    bb = stage.open()
    bb.set_budget("lane:default", "1")
    run = bb.enqueue(requests(1, ask))
    with bb.tools.store.write() as tx:
        [batch] = batches_of_run(tx, run.id)
        unknown = WorstCase(run=run.id, requests=1, unbounded=1, amount=0)
        worst_cases_put(tx, batch.id, [unknown])
    bb.drain()
    before = batches(bb, run)[0].hold

    bb.resume()
    bb.drain()

    assert before == Hold.UNBOUNDED
    assert batches(bb, run)[0].state is BatchState.SENT


def test_one_step_weighs_no_more_than_it_has_time_for(stage, ask):
    bb = stage.open(requests=1)
    run = bb.enqueue(requests(3, ask))
    large = [replace(one, body_bytes=40_000_000) for one in batches(bb, run)]

    weigh_some(bb.tools, large)
    once = weighed_of(bb, large)
    weigh_some(bb.tools, large)

    assert once == [True, False, False]
    assert weighed_of(bb, large) == [True, True, False]


def weighed_of(bb, some):
    with bb.tools.store.read() as tx:
        return [bool(worst_cases_of(tx, one.id)) for one in some]
