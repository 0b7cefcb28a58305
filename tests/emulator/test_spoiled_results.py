"""Results files that do not come through as they were written."""

import json

import httpx2
import pytest

from backburner.emulator.faults import Cut, Lag, Line
from backburner.emulator.transport import EmulatorTransport

BATCHES = "/v1/messages/batches"


def ended(api, clock, ask, count=10):
    requests = [{"custom_id": f"r-{i}", "params": ask(f"Question {i}")} for i in range(count)]
    batch = api.create(requests)["id"]
    clock.advance(300)
    return batch


@pytest.fixture
def batch(api, clock, ask):
    return ended(api, clock, ask)


@pytest.fixture
def http(api):
    with httpx2.Client(
        transport=EmulatorTransport(api.world),
        base_url="http://emulator",
        headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
    ) as client:
        yield client


@pytest.fixture
def spoil(api, batch):
    """The lines of a whole download, and those of one with faults."""

    def compare(*faults):
        whole = api.get(f"{BATCHES}/{batch}/results").body
        for fault in faults:
            api.world.script("results", fault)
        spoiled = api.get(f"{BATCHES}/{batch}/results").body
        assert api.get(f"{BATCHES}/{batch}/results").body == whole
        return whole.split(b"\n")[:-1], spoiled.split(b"\n")[:-1]

    return compare


def test_a_line_may_be_missing(spoil):
    whole, spoiled = spoil(Line("missing", 3))

    assert spoiled == whole[:3] + whole[4:]


def test_a_line_may_come_twice(spoil):
    whole, spoiled = spoil(Line("doubled", -1))

    assert spoiled == [*whole, whole[-1]]


def test_a_line_may_answer_what_nobody_asked(spoil):
    whole, spoiled = spoil(Line("unknown_id", 0))

    stranger = json.loads(spoiled[1])
    assert stranger["custom_id"] == "nobody-asked-for-this"
    assert stranger["result"] == json.loads(whole[0])["result"]
    assert [spoiled[0], *spoiled[2:]] == whole


def test_a_line_may_be_of_an_unknown_type(spoil):
    whole, spoiled = spoil(Line("unknown_type", 2))

    custom_id = json.loads(whole[2])["custom_id"]
    assert json.loads(spoiled[2]) == {"custom_id": custom_id, "result": {"type": "deferred"}}
    assert spoiled[:2] + spoiled[3:] == whole[:2] + whole[3:]


def test_a_line_may_be_unreadable(spoil):
    whole, spoiled = spoil(Line("mangled", 5))

    with pytest.raises(json.JSONDecodeError):
        json.loads(spoiled[5])
    assert len(spoiled) == len(whole)


def test_a_line_may_be_no_result_at_all(spoil):
    whole, spoiled = spoil(Line("garbage", 4), Line("blank", 7))

    assert spoiled[5].startswith(b"<html>")
    assert spoiled[9] == b""
    assert [line for place, line in enumerate(spoiled) if place not in (5, 9)] == whole


def test_lines_may_end_as_on_windows(spoil):
    whole, spoiled = spoil(Line("crlf"))

    assert spoiled == [line + b"\r" for line in whole]


def test_one_line_lacking_one_doubled_and_one_unknown_come_together(spoil):
    whole, spoiled = spoil(Line("missing", 0), Line("doubled", 1), Line("unknown_id", 2))

    known = [line for line in spoiled if b"nobody-asked" not in line]
    assert known == [whole[1], *whole[1:]]
    assert len(spoiled) == len(whole) + 1


def test_a_line_may_be_missing_for_ever(api, batch):
    api.world.script("results", Line("missing"), batch=0, times=None)

    first, second = (api.get(f"{BATCHES}/{batch}/results").body for _ in range(2))

    assert first == second
    assert first.count(b"\n") == 9


def test_a_download_may_break_off_at_a_byte(api, http, batch):
    whole = api.get(f"{BATCHES}/{batch}/results").body
    api.world.script("results", Cut(at=1_000))
    came = []

    with (
        http.stream("GET", f"{BATCHES}/{batch}/results") as answer,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        came.extend(answer.iter_raw())

    assert b"".join(came) == whole[:1_000]


def test_a_download_may_end_early_at_a_line_as_if_it_were_whole(api, http, batch):
    whole = api.get(f"{BATCHES}/{batch}/results").body
    api.world.script("results", Cut(at=0.55, clean=True, at_line=True))

    came = http.get(f"{BATCHES}/{batch}/results")

    assert came.status_code == 200
    assert "content-length" not in came.headers
    assert came.content.endswith(b"\n")
    assert whole.startswith(came.content)
    assert came.content.count(b"\n") == 5


def test_results_may_be_late(emulate, clock, ask):
    api = emulate()
    api.world.script("create", Lag(results=120))
    batch = ended(api, clock, ask, 1)
    assert api.get(f"{BATCHES}/{batch}").json["processing_status"] == "ended"
    first = api.get(f"{BATCHES}/{batch}/results").status
    clock.advance(120)

    assert (first, api.get(f"{BATCHES}/{batch}/results").status) == (404, 200)


def unbrought(api):
    [entry] = api.world.ledger()
    return [received.custom_id for received in entry.requests() if not received.brought]


def test_the_ledger_knows_which_lines_no_download_has_brought(api, batch):
    order = [json.loads(line)["custom_id"] for line in _lines(api, batch, Line("missing", 3))]
    [missing] = {f"r-{i}" for i in range(10)} - set(order)
    assert unbrought(api) == [missing]
    _lines(api, batch, Line("missing", 4))

    assert unbrought(api) == []


def test_lines_after_a_cut_have_not_been_brought(api, http, batch):
    assert len(unbrought(api)) == 10
    api.world.script("results", Cut(at=0.55, clean=True))

    complete = http.get(f"{BATCHES}/{batch}/results").content.split(b"\n")[:-1]

    brought = {json.loads(line)["custom_id"] for line in complete}
    assert set(unbrought(api)) == {f"r-{i}" for i in range(10)} - brought
    api.get(f"{BATCHES}/{batch}/results")
    assert unbrought(api) == []


def _lines(api, batch, fault):
    api.world.script("results", fault)
    return api.get(f"{BATCHES}/{batch}/results").body.splitlines()
