"""Calls whose effect and whose answer are not one."""

import json
from contextlib import suppress

import httpx2
import pytest

from backburner.emulator import refusals
from backburner.emulator.faults import (
    Cut,
    DisconnectedError,
    DropAfter,
    DropBefore,
    Late,
    Line,
    Slow,
    Status,
)
from backburner.emulator.settings import Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World

BATCHES = "/v1/messages/batches"
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def one(ask, custom_id="a"):
    return {"requests": [{"custom_id": custom_id, "params": ask()}]}


@pytest.fixture
def http(api, clock):
    transport = EmulatorTransport(api.world, sleep=clock.advance)
    with httpx2.Client(
        transport=transport, base_url="http://emulator", headers=HEADERS, timeout=30
    ) as client:
        yield client


def listed(api):
    return [batch["id"] for batch in api.get(BATCHES).json["data"]]


def test_an_answer_may_be_lost_with_the_connection(api, http, ask):
    api.world.script("create", DropAfter())

    with pytest.raises(httpx2.RemoteProtocolError):
        http.post(BATCHES, json=one(ask))

    [entry] = api.world.ledger()
    assert (entry.fault, entry.late, listed(api)) == ("drop_after", False, [entry.id])


def test_an_answer_may_take_longer_than_its_client_waits(api, clock, http, ask):
    api.world.script("create", Slow(600))
    before = clock()

    with pytest.raises(httpx2.ReadTimeout):
        http.post(BATCHES, json=one(ask))

    assert clock() == before + 30
    assert len(api.world.ledger()) == 1


def test_a_slow_answer_comes_in_the_end(api, clock, http, ask):
    api.world.script("create", Slow(20))
    before = clock()

    assert http.post(BATCHES, json=one(ask)).status_code == 200
    assert clock() == before + 20


@pytest.mark.parametrize("code", [500, 529])
def test_an_error_may_be_the_answer_to_what_was_accepted(api, ask, code):
    api.world.script("create", Status(code, after=True))

    answer = api.post(BATCHES, one(ask))

    assert answer.status == code
    assert answer.json["error"]["type"] == {500: "api_error", 529: "overloaded_error"}[code]
    assert [entry.fault for entry in api.world.ledger()] == [f"status {code} after"]


def test_an_answer_may_break_off(api, http, ask):
    api.world.script("create", Cut(at=40))

    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete"):
        http.post(BATCHES, json=one(ask))

    assert len(api.world.ledger()) == 1


def test_an_answer_may_break_off_as_if_it_were_whole(api, http, ask):
    api.world.script("create", Cut(at=40, clean=True))

    answer = http.post(BATCHES, json=one(ask))

    assert (answer.status_code, len(answer.content)) == (200, 40)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(api.world.ledger()) == 1


def test_a_batch_may_be_accepted_after_its_client_has_gone(api, clock, http, ask):
    api.world.script("create", Late(by=90))
    sent_at = clock()
    with pytest.raises(httpx2.RemoteProtocolError):
        http.post(BATCHES, json=one(ask))
    clock.advance(89)
    assert (listed(api), api.world.ledger()) == ([], [])
    clock.advance(1_000)

    [entry] = api.world.ledger()

    assert (entry.late, entry.fault, entry.created_at) == (True, "late", sent_at + 90)
    assert list(entry.custom_ids()) == ["a"]
    shown = api.get(f"{BATCHES}/{entry.id}").json
    assert shown["processing_status"] == "ended"


def test_any_call_may_take_effect_late(api, clock, ask):
    batch = api.create(one(ask)["requests"])
    api.world.script("cancel", Late(by=10))
    api.world.script("messages", Late(by=10))
    for target, body in ((f"{BATCHES}/{batch['id']}/cancel", None), ("/v1/messages", ask())):
        with pytest.raises(DisconnectedError):
            api.post(target, body)
    assert api.get(f"{BATCHES}/{batch['id']}").json["cancel_initiated_at"] is None
    assert api.world.bill().calls == 0
    clock.advance(10)

    assert api.get(f"{BATCHES}/{batch['id']}").json["processing_status"] == "canceling"
    assert api.world.bill().calls > 0


def test_a_late_batch_that_would_be_refused_is_never_accepted(api, clock):
    api.world.script("create", Late(by=10))
    with pytest.raises(DisconnectedError):
        api.post(BATCHES, {"requests": []})
    clock.advance(10)

    assert api.world.ledger() == []


def test_a_refused_batch_may_lose_its_answer_too(api, http, clock, ask):
    api.world.script("create", DropBefore())

    with pytest.raises(httpx2.RemoteProtocolError):
        http.post(BATCHES, json=one(ask))

    clock.advance(3_600)
    assert (api.world.ledger(), listed(api)) == ([], [])


@pytest.mark.parametrize("name", refusals.REFUSALS)
def test_known_refusals_last_for_as_many_calls_as_scripted(api, ask, name):
    refusal = refusals.REFUSALS[name]
    api.world.script("create", refusal, times=2)

    first, second, third = (api.post(BATCHES, one(ask)) for _ in range(3))

    assert (first.status, second.status, third.status) == (refusal.code, refusal.code, 200)
    assert first.message == refusal.message
    assert len(api.world.ledger()) == 1


def test_a_busy_limit_says_when_to_come_back_and_a_spent_one_does_not(api, ask):
    api.world.script("create", refusals.RATE_LIMITED)
    api.world.script("create", refusals.TIER_SPEND_LIMIT)
    api.world.script("create", refusals.OWN_SPEND_LIMIT)

    busy, spent, own = (api.post(BATCHES, one(ask)) for _ in range(3))

    assert busy.headers["retry-after"] == "30"
    assert "retry-after" not in spent.headers
    assert spent.json["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert own.message.startswith("You have reached your specified API usage limits")


def test_a_status_can_fail_for_an_hour(api, clock, ask):
    batch = api.create(one(ask)["requests"])
    api.world.script("retrieve", Status(500), lasting=3_600)
    target = f"{BATCHES}/{batch['id']}"

    statuses = []
    for _ in range(4):
        statuses.append(api.get(target).status)
        clock.advance(1_200)

    assert statuses == [500, 500, 500, 200]


def test_a_fault_can_strike_every_route(api, ask):
    api.world.script("any", refusals.UNAUTHORIZED, times=3)

    answers = [
        api.get(BATCHES),
        api.post(BATCHES, one(ask)),
        api.get("/v1/models"),
        api.get(BATCHES),
    ]

    assert [answer.status for answer in answers] == [401, 401, 401, 200]


def test_a_fault_can_be_for_one_batch_only(api, clock, ask):
    first, second = (api.create(one(ask)["requests"])["id"] for _ in range(2))
    api.world.script("results", Status(500), batch=1, times=None)
    clock.advance(300)

    assert [api.get(f"{BATCHES}/{it}/results").status for it in (first, second, second)] == [
        200,
        500,
        500,
    ]


def test_a_fault_can_wait_for_the_batch_that_a_create_would_make(api, ask):
    api.world.script("create", Status(500), batch=1)

    assert [api.post(BATCHES, one(ask)).status for _ in range(3)] == [200, 500, 200]


def test_a_fault_that_makes_no_sense_on_a_route_is_refused(api):
    with pytest.raises(ValueError, match="happens on results, not on create"):
        api.world.script("create", Line("blank"))
    with pytest.raises(ValueError, match="no route 'creat'"):
        api.world.script("creat", DropAfter())


def test_what_has_struck_is_counted(api, ask):
    api.world.script("create", DropAfter(), times=2)
    api.world.script("create", refusals.OVERLOADED)
    for _ in range(2):
        with pytest.raises(DisconnectedError):
            api.post(BATCHES, one(ask))
    api.post(BATCHES, one(ask))

    assert api.world.struck() == {"create drop_after": 2, "create status 529": 1}


def test_a_client_that_goes_before_the_end_of_its_body_is_struck_by_nothing(api):
    api.world.script("create", Late())
    exchange = api.world.open("POST", BATCHES, HEADERS)
    exchange.feed(b'{"requests":[')
    exchange.abort()

    assert api.world.struck() == {}


def witnessed(clock, tmp_path, ask, fault):
    seen = []
    world = World(
        Settings(),
        now=clock,
        state_dir=tmp_path,
        on_complete_body=lambda *told: seen.append((*told, len(world.ledger()))),
    )
    if fault is not None:
        world.script("create", fault)
    with (
        httpx2.Client(transport=EmulatorTransport(world), headers=HEADERS) as http,
        suppress(httpx2.TransportError),
    ):
        http.post(f"http://emulator{BATCHES}", json=one(ask, "nonce1-00000"))
    clock.advance(1_000)
    accepted = len(world.ledger())
    world.close()
    return seen, accepted


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [(None, 1), (DropAfter(), 1), (Late(5), 1), (DropBefore(), 0), (Status(500), 0)],
)
def test_a_witness_sees_every_complete_body_once_before_anything_is_made_of_it(
    clock, tmp_path, ask, fault, accepted
):
    assert witnessed(clock, tmp_path, ask, fault) == ([("nonce1-00000", 1, 0)], accepted)


def test_a_witness_sees_no_body_that_is_cut(clock, tmp_path, ask):
    seen = []
    world = World(now=clock, state_dir=tmp_path, on_complete_body=lambda *told: seen.append(told))
    body = json.dumps(one(ask)).encode()
    exchange = world.open("POST", BATCHES, {**HEADERS, "content-length": str(len(body))})
    exchange.feed(body[:-2])
    exchange.abort()

    assert seen == []
    world.close()
