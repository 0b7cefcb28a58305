"""The life of a batch on a clock that tests move by hand."""

import json

import pytest

from backburner.emulator.batchbook import timestamp
from backburner.emulator.settings import Switches

BATCHES = "/v1/messages/batches"
DAY = 24 * 3600


def many(ask, count):
    return [{"custom_id": f"r-{i}", "params": ask(f"Question {i}")} for i in range(count)]


def test_a_new_batch_shows_every_field_in_the_order_of_the_wire(api, clock, ask):
    batch = api.create(many(ask, 3), host="127.0.0.1:8082")

    assert list(batch.items()) == [
        ("id", batch["id"]),
        ("type", "message_batch"),
        ("processing_status", "in_progress"),
        (
            "request_counts",
            {"processing": 3, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        ),
        ("ended_at", None),
        ("created_at", timestamp(clock())),
        ("expires_at", timestamp(clock() + DAY)),
        ("archived_at", None),
        ("cancel_initiated_at", None),
        ("results_url", None),
    ]
    assert batch["id"].startswith("msgbatch_01")


def test_an_ended_batch_names_its_results_by_the_callers_host(api, clock, ask):
    batch = api.create(many(ask, 1))
    clock.advance(1_000)

    shown = api.get(f"{BATCHES}/{batch['id']}", host="127.0.0.1:8082").json

    assert shown["results_url"] == f"http://127.0.0.1:8082{BATCHES}/{batch['id']}/results"
    assert shown["ended_at"] == timestamp(clock() - 700)


def test_counts_stay_under_processing_until_the_end(api, clock, ask):
    batch = api.create(many(ask, 10))
    clock.advance(299)

    assert api.get(f"{BATCHES}/{batch['id']}").json["request_counts"]["processing"] == 10


def test_a_switch_lets_counts_move(emulate, clock, ask):
    api = emulate(switches=Switches(counts="progressive"))
    batch = api.create([*many(ask, 9), {"custom_id": "bad", "params": {}}])
    clock.advance(150)
    half = api.get(f"{BATCHES}/{batch['id']}").json["request_counts"]
    clock.advance(150)
    whole = api.get(f"{BATCHES}/{batch['id']}").json["request_counts"]

    assert half["processing"] == 5
    assert half["succeeded"] + half["errored"] == 5
    assert (whole["succeeded"], whole["errored"]) == (9, 1)


def test_a_batch_under_way_tells_when_to_ask_again(api, clock, ask):
    batch = api.create(many(ask, 1))
    running = api.get(f"{BATCHES}/{batch['id']}")
    clock.advance(300)
    ended = api.get(f"{BATCHES}/{batch['id']}")

    assert running.headers["retry-after"] == "10"
    assert "retry-after" not in ended.headers


def test_results_are_missing_until_the_end(api, ask):
    batch = api.create(many(ask, 1))

    answer = api.get(f"{BATCHES}/{batch['id']}/results")

    assert answer.status == 404
    assert answer.json["error"]["type"] == "not_found_error"
    assert answer.message == f"Message Batch `{batch['id']}` has no available results."
    assert answer.headers["x-should-retry"] == "false"


def test_results_come_as_lines_in_another_order(api, clock, ask):
    batch = api.create(many(ask, 200))
    clock.advance(300)

    answer = api.get(f"{BATCHES}/{batch['id']}/results")

    order = [json.loads(line)["custom_id"] for line in answer.body.splitlines()]
    assert answer.headers["content-type"] == "application/x-jsonl"
    assert sorted(order) == sorted(f"r-{i}" for i in range(200))
    assert order != [f"r-{i}" for i in range(200)]


def test_results_can_be_read_again_and_are_the_same(api, clock, ask):
    batch = api.create(many(ask, 20))
    clock.advance(300)

    first = api.get(f"{BATCHES}/{batch['id']}/results").body

    assert api.get(f"{BATCHES}/{batch['id']}/results").body == first


def test_what_is_not_done_in_a_day_expires(emulate, clock, ask):
    api = emulate(turnaround=2.0 * DAY)
    batch = api.create(many(ask, 10))
    clock.advance(DAY - 1)
    assert api.get(f"{BATCHES}/{batch['id']}").json["processing_status"] == "in_progress"
    clock.advance(1)

    shown = api.get(f"{BATCHES}/{batch['id']}").json

    assert shown["processing_status"] == "ended"
    assert shown["ended_at"] == shown["expires_at"]
    assert (shown["request_counts"]["succeeded"], shown["request_counts"]["expired"]) == (5, 5)
    lines = api.get(f"{BATCHES}/{batch['id']}/results").lines
    assert [line for line in lines.values() if line == {"type": "expired"}] == [
        {"type": "expired"}
    ] * 5


def test_a_share_of_requests_may_expire(emulate, clock, ask):
    api = emulate(expired_share=0.5)
    batch = api.create(many(ask, 40))
    clock.advance(300)
    assert api.get(f"{BATCHES}/{batch['id']}").json["processing_status"] == "in_progress"
    clock.advance(DAY)

    counts = api.get(f"{BATCHES}/{batch['id']}").json["request_counts"]

    assert 5 < counts["expired"] < 35
    assert counts["expired"] + counts["succeeded"] == 40


def test_results_are_gone_29_days_after_creation(emulate, clock, ask):
    api = emulate(turnaround=10 * 3600.0)
    batch = api.create(many(ask, 1))
    clock.advance(29 * DAY - 1)
    assert api.get(f"{BATCHES}/{batch['id']}/results").status == 200
    clock.advance(1)

    assert api.get(f"{BATCHES}/{batch['id']}/results").status == 404
    assert api.get(f"{BATCHES}/{batch['id']}").json["archived_at"] == timestamp(clock())


def test_a_cancel_ends_the_batch_a_little_later(emulate, clock, ask):
    api = emulate(cancel_delay=5.0)
    batch = api.create(many(ask, 10))
    clock.advance(90)
    first = api.post(f"{BATCHES}/{batch['id']}/cancel").json
    clock.advance(4)
    second = api.post(f"{BATCHES}/{batch['id']}/cancel").json
    clock.advance(1)
    ended = api.get(f"{BATCHES}/{batch['id']}").json

    assert first["processing_status"] == second["processing_status"] == "canceling"
    assert ended["processing_status"] == "ended"
    assert ended["cancel_initiated_at"] == first["cancel_initiated_at"]
    assert (ended["request_counts"]["succeeded"], ended["request_counts"]["canceled"]) == (3, 7)
    lines = api.get(f"{BATCHES}/{batch['id']}/results").lines
    assert sum(line == {"type": "canceled"} for line in lines.values()) == 7


def test_an_ended_batch_cannot_be_canceled_unless_switched(emulate, clock, ask):
    for switches, status in ((Switches(), 400), (Switches(cancel_ended="accept"), 200)):
        api = emulate(switches=switches)
        batch = api.create(many(ask, 1))
        clock.advance(300)

        assert api.post(f"{BATCHES}/{batch['id']}/cancel").status == status
        assert api.get(f"{BATCHES}/{batch['id']}").json["processing_status"] == "ended"


def test_a_batch_under_way_cannot_be_deleted(api, ask):
    batch = api.create(many(ask, 1))

    answer = api.call("DELETE", f"{BATCHES}/{batch['id']}")

    assert answer.status == 400
    assert answer.message == (
        "In progress batches cannot be deleted. Consider canceling the batch instead."
    )


def test_a_deleted_batch_is_gone_but_stays_in_the_ledger(api, clock, ask):
    batch = api.create(many(ask, 2))
    clock.advance(300)

    answer = api.call("DELETE", f"{BATCHES}/{batch['id']}")

    assert answer.json == {"id": batch["id"], "type": "message_batch_deleted"}
    gone = api.get(f"{BATCHES}/{batch['id']}/results")
    assert (gone.status, gone.message) == (404, f"Message Batch `{batch['id']}` not found.")
    assert api.get(BATCHES).json["data"] == []
    [entry] = api.world.ledger()
    assert entry.deleted
    assert list(entry.custom_ids()) == ["r-0", "r-1"]
    assert api.world.bill().batches[batch["id"]] > 0


def test_an_empty_list_has_no_ends(api):
    assert api.get(BATCHES).json == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_a_list_is_paged_in_both_directions(api, ask):
    ids = [api.create(many(ask, 1))["id"] for _ in range(5)][::-1]

    first = api.get(f"{BATCHES}?limit=2").json
    second = api.get(f"{BATCHES}?limit=2&after_id={first['last_id']}").json
    back = api.get(f"{BATCHES}?limit=2&before_id={second['first_id']}").json

    assert [batch["id"] for batch in first["data"]] == ids[:2]
    assert (first["has_more"], first["first_id"], first["last_id"]) == (True, ids[0], ids[1])
    assert [batch["id"] for batch in second["data"]] == ids[2:4]
    assert [batch["id"] for batch in back["data"]] == ids[:2]
    assert not back["has_more"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "after_id=a&before_id=b", "after_id=a"]
)
def test_a_senseless_page_is_refused(api, query):
    assert api.get(f"{BATCHES}?{query}").status == 400


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("0", "greater than or equal to 1"),
        ("-1", "greater than or equal to 1"),
        ("1001", "less than or equal to 1000"),
        ("1.5", "a valid integer"),
        ("9" * 5_000, "a valid integer"),
    ],
)
def test_what_is_wrong_with_a_limit_is_said(api, limit, said):
    refused = api.get(f"{BATCHES}?limit={limit}")

    assert refused.status == 400
    assert refused.json["error"]["message"] == f"limit: Input should be {said}"


def test_the_same_seed_gives_the_same_world(emulate, clock, ask):
    def life(seed):
        api = emulate(seed=seed, errored_share=0.2)
        start = clock.time
        batch = api.create(many(ask, 50))
        clock.advance(300)
        results = api.get(f"{BATCHES}/{batch['id']}/results")
        clock.time = start
        return batch, results.body, results.headers["request-id"]

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_a_switch_lets_results_be_read_in_parts(emulate, clock, ask):
    api = emulate(switches=Switches(results_range=True))
    batch = api.create(many(ask, 5))
    clock.advance(300)
    whole = api.get(f"{BATCHES}/{batch['id']}/results").body

    part = api.get(f"{BATCHES}/{batch['id']}/results", range="bytes=100-199")

    assert (part.status, part.body) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"


def test_a_turnaround_may_depend_on_the_batch(emulate, clock, ask):
    api = emulate(turnaround=lambda ordinal, count: 100.0 * ordinal + count)
    first, second = api.create(many(ask, 5)), api.create(many(ask, 5))
    clock.advance(5)

    statuses = [
        api.get(f"{BATCHES}/{batch['id']}").json["processing_status"] for batch in (first, second)
    ]

    assert statuses == ["ended", "in_progress"]
