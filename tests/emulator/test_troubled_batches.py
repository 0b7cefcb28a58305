"""Batches that hide, stall, linger, run out of credit or have strangers beside them."""

from email.utils import parsedate_to_datetime

import pytest

from backburner.emulator.batchbook import timestamp
from backburner.emulator.faultplan import FaultPlan, Neighbours
from backburner.emulator.faults import CreditOut, Lag, Linger, Stall
from backburner.emulator.settings import Switches

BATCHES = "/v1/messages/batches"
DAY = 24 * 3600


def many(ask, count=10):
    return [{"custom_id": f"r-{i}", "params": ask(f"Question {i}")} for i in range(count)]


def listed(api):
    return [batch["id"] for batch in api.get(BATCHES).json["data"]]


def status(api, batch):
    return api.get(f"{BATCHES}/{batch}").status


def test_a_list_may_lag_while_the_id_is_known_at_once(emulate, clock, ask):
    api = emulate(faults=FaultPlan(lag=Lag(in_list=60)))
    batch = api.create(many(ask))["id"]
    clock.advance(59)
    assert (listed(api), status(api, batch)) == ([], 200)
    clock.advance(1)

    assert listed(api) == [batch]


def test_an_id_may_be_unknown_for_minutes_after_its_creation(emulate, clock, ask):
    api = emulate(faults=FaultPlan(lag=Lag(by_id=180)))
    batch = api.create(many(ask))["id"]
    clock.advance(179)
    assert (listed(api), status(api, batch)) == ([batch], 404)
    clock.advance(1)

    assert status(api, batch) == 200


def test_a_lag_between_two_bounds_differs_by_batch_and_not_by_run(emulate, clock, ask):
    start = clock.time

    def shown_after(seconds):
        api = emulate(faults=FaultPlan(lag=Lag(in_list=(10.0, 20.0))))
        ids = [api.create(many(ask, 1))["id"] for _ in range(20)]
        clock.advance(seconds)
        shown = [batch for batch in ids if batch in listed(api)]
        clock.time = start
        return shown

    assert 0 < len(shown_after(15)) < 20
    assert shown_after(15) == shown_after(15)
    assert (len(shown_after(9)), len(shown_after(20))) == (0, 20)


def test_one_batch_may_lag_alone(api, ask):
    api.world.script("create", Lag(in_list=60))
    first, second = (api.create(many(ask))["id"] for _ in range(2))

    assert first != second
    assert listed(api) == [second]


def test_a_batch_may_stall_until_what_is_left_expires(api, clock, ask):
    api.world.script("create", Stall(done=0.3))
    batch = api.create(many(ask))["id"]
    clock.advance(DAY - 1)
    assert api.get(f"{BATCHES}/{batch}").json["processing_status"] == "in_progress"
    clock.advance(1)

    counts = api.get(f"{BATCHES}/{batch}").json["request_counts"]

    assert (counts["succeeded"], counts["expired"]) == (3, 7)


def test_a_stalled_batch_can_be_canceled(api, clock, ask):
    api.world.script("create", Stall(done=0.3))
    batch = api.create(many(ask))["id"]
    clock.advance(3_600)
    api.post(f"{BATCHES}/{batch}/cancel")
    clock.advance(25)

    counts = api.get(f"{BATCHES}/{batch}").json["request_counts"]

    assert (counts["succeeded"], counts["canceled"]) == (3, 7)


def test_canceling_may_last(api, clock, ask):
    api.world.script("create", Stall())
    batch = api.create(many(ask))["id"]
    api.world.script("cancel", Linger(3_600))
    api.post(f"{BATCHES}/{batch}/cancel")
    clock.advance(3_599)
    first = api.get(f"{BATCHES}/{batch}").json["processing_status"]
    clock.advance(1)

    assert first == "canceling"
    assert api.get(f"{BATCHES}/{batch}").json["processing_status"] == "ended"


def test_a_planted_batch_looks_like_any_other(api, clock):
    [batch] = api.world.plant_foreign(7, prefix="theirs")
    running = api.get(f"{BATCHES}/{batch}").json
    clock.advance(300)
    ended = api.get(f"{BATCHES}/{batch}").json
    lines = api.get(f"{BATCHES}/{batch}/results").lines

    assert (running["processing_status"], running["request_counts"]["processing"]) == (
        "in_progress",
        7,
    )
    assert (ended["processing_status"], ended["request_counts"]["succeeded"]) == ("ended", 7)
    assert sorted(lines) == [f"theirs-{i:06d}" for i in range(7)]
    assert {result["type"] for result in lines.values()} == {"succeeded"}


def test_planted_batches_are_marked_and_free_and_shift_no_ordinals(api, clock, ask):
    api.create(many(ask))
    api.world.plant_foreign(10, count=3)
    api.create(many(ask))
    clock.advance(300)

    entries = api.world.ledger()

    assert [entry.ordinal for entry in entries] == [0, -1, -2, -3, 1]
    assert [entry.foreign for entry in entries] == [False, True, True, True, False]
    assert len(api.world.bill().batches) == 2
    assert next(entries[1].custom_ids()) == "task-000000"


def test_thousands_of_large_batches_can_be_planted(api, ask):
    mine = api.create(many(ask))["id"]
    api.world.plant_foreign(100_000, count=1_500)

    first = api.get(f"{BATCHES}?limit=1000").json
    second = api.get(f"{BATCHES}?limit=1000&after_id={first['last_id']}").json

    assert (len(first["data"]), len(second["data"])) == (1_000, 501)
    assert second["data"][-1]["id"] == mine
    assert api.post(BATCHES, {"requests": many(ask)}).status == 200


def test_a_stranger_that_is_canceled_or_deleted_is_seen_in_the_ledger(api, clock):
    [batch] = api.world.plant_foreign(4)
    clock.advance(150)
    api.post(f"{BATCHES}/{batch}/cancel")
    clock.advance(25)
    types = [r["type"] for r in api.get(f"{BATCHES}/{batch}/results").lines.values()]
    api.call("DELETE", f"{BATCHES}/{batch}")

    [entry] = api.world.ledger()

    assert types == ["succeeded", "succeeded", "canceled", "canceled"]
    assert (entry.canceled, entry.deleted) == (True, True)
    assert [outcome for _, outcome in entry.outcomes()] == types


@pytest.mark.parametrize(("where", "place"), [("before", 1), ("after", 0)])
def test_a_stranger_of_equal_size_may_appear_beside_each_accepted_batch(emulate, ask, where, place):
    plan = FaultPlan(neighbours=Neighbours(probability=1.0, where=where))
    api = emulate(faults=plan)
    api.create(many(ask, 6))

    batches = api.get(BATCHES).json["data"]

    assert [batch["request_counts"]["processing"] for batch in batches] == [6, 6]
    assert batches[0]["created_at"] == batches[1]["created_at"]
    foreign = {entry.id: entry.foreign for entry in api.world.ledger()}
    assert foreign[batches[place]["id"]]
    assert not foreign[batches[1 - place]["id"]]


def test_strangers_may_come_by_chance_on_either_side(emulate, ask):
    plan = FaultPlan(neighbours=Neighbours(probability=0.5, requests=3))
    first, second = emulate(faults=plan), emulate(faults=plan)
    for api in (first, second):
        for _ in range(40):
            api.create(many(ask, 1))

    order = [entry.foreign for entry in first.world.ledger()]

    assert order == [entry.foreign for entry in second.world.ledger()]
    assert 8 < order.count(True) < 32


def test_credit_may_run_out_in_mid_batch(api, clock, ask):
    api.world.script("create", CreditOut(after=4))
    batch = api.create(many(ask))["id"]
    clock.advance(300)
    results = api.get(f"{BATCHES}/{batch}/results").lines.values()

    kinds = [result["error"]["error"]["type"] for result in results if result["type"] == "errored"]
    refused = api.post(BATCHES, {"requests": many(ask)})

    assert kinds == ["billing_error"] * 6
    assert (refused.status, refused.json["error"]["type"]) == (402, "billing_error")
    assert api.post("/v1/messages", ask()).status == 402
    assert len(api.world.ledger()) == 1


def test_credit_comes_back_for_what_is_still_to_be_done(api, clock, ask):
    batch = api.create(many(ask))["id"]
    clock.advance(60)
    api.world.exhaust_credit(400)
    refused = api.post(BATCHES, {"requests": many(ask)})
    clock.advance(120)
    api.world.refill_credit()
    accepted = api.post(BATCHES, {"requests": many(ask)})
    clock.advance(120)

    counts = api.get(f"{BATCHES}/{batch}").json["request_counts"]

    assert (refused.status, refused.json["error"]["type"]) == (400, "invalid_request_error")
    assert "credit balance is too low" in refused.message
    assert accepted.status == 200
    assert (counts["succeeded"], counts["errored"]) == (6, 4)


def test_progressive_counts_know_that_the_credit_is_gone(emulate, clock, ask):
    api = emulate(switches=Switches(counts="progressive"))
    batch = api.create(many(ask))["id"]
    clock.advance(60)
    api.world.exhaust_credit()
    clock.advance(120)

    counts = api.get(f"{BATCHES}/{batch}").json["request_counts"]

    assert (counts["succeeded"], counts["errored"], counts["processing"]) == (1, 5, 4)


@pytest.mark.parametrize("skew", [-180.0, 420.0])
def test_the_clock_that_is_shown_may_be_off(emulate, clock, ask, skew):
    api = emulate(faults=FaultPlan(skew=skew))
    created = api.create(many(ask))
    clock.advance(299)
    running = api.get(f"{BATCHES}/{created['id']}")
    clock.advance(1)
    ended = api.get(f"{BATCHES}/{created['id']}").json

    assert created["created_at"] == timestamp(clock() - 300 + skew)
    assert created["expires_at"] == timestamp(clock() - 300 + DAY + skew)
    assert running.json["processing_status"] == "in_progress"
    assert ended["ended_at"] == timestamp(clock() + skew)
    assert api.world.ledger()[0].created_at == clock() - 300
    assert int(skew) == _seconds(running.headers["date"]) - (int(clock()) - 1)


def _seconds(date):
    return int(parsedate_to_datetime(date).timestamp())


def test_the_ledger_tells_what_came_and_what_became_of_it_even_after_a_delete(emulate, clock, ask):
    api = emulate(turnaround=2.0 * DAY)
    requests = [*many(ask, 4), {"custom_id": "bad", "params": {}}]
    batch = api.create(requests)["id"]
    [before] = api.world.ledger()
    assert {outcome for _, outcome in before.outcomes()} == {"processing"}
    clock.advance(DAY)
    results = api.get(f"{BATCHES}/{batch}/results").lines
    api.call("DELETE", f"{BATCHES}/{batch}")

    [entry] = api.world.ledger()

    outcomes = dict(api.world.outcomes(batch))
    assert outcomes == {custom_id: result["type"] for custom_id, result in results.items()}
    assert list(outcomes) == ["r-0", "r-1", "r-2", "r-3", "bad"]
    assert "expired" in outcomes.values()
    assert (entry.deleted, entry.cost) == (True, api.world.bill().total)
    received = list(entry.requests())
    assert [(one.custom_id, one.digest) for one in received] == list(entry.digests())
    assert all(one.brought for one in received)


def test_equal_parameters_have_equal_digests_and_others_have_not(api, ask):
    api.create([*many(ask, 2), {"custom_id": "again", "params": ask("Question 0")}])

    digests = dict(api.world.ledger()[0].digests())

    assert digests["r-0"] == digests["again"] != digests["r-1"]
