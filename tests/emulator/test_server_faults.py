"""Faults over a real socket, and the controls of the server's judge."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from backburner.emulator.faultplan import Chance, FaultPlan
from backburner.emulator.faults import Status
from backburner.emulator.server import server_for
from backburner.emulator.settings import Settings

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
BATCHES = "/v1/messages/batches"
HOUR = 3_600


@pytest.fixture(scope="module")
def witnessed() -> list[tuple[str, int]]:
    return []


@contextmanager
def served(settings: Settings, **options: Any) -> Iterator[httpx2.Client]:
    """A client of a server that runs meanwhile."""
    addresses: queue.Queue[str] = queue.Queue()
    running = server_for(settings, ready=addresses.put, **options)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        with httpx2.Client(base_url=addresses.get(timeout=10), headers=HEADERS) as client:
            yield client
    finally:
        running.should_exit = True
        thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def http(tmp_path_factory, witnessed) -> Iterator[httpx2.Client]:
    state = tmp_path_factory.mktemp("state")
    tell = witnessed.append
    with served(
        Settings(turnaround=HOUR), state_dir=state, on_complete_body=lambda *told: tell(told)
    ) as client:
        yield client


def script(http, *entries):
    answer = http.post("/_emulator/script", json=list(entries))
    assert answer.json() == {"scripted": len(entries)}


def ledger(http):
    return [json.loads(line) for line in http.get("/_emulator/ledger").text.splitlines()]


def create(http, ask, custom_id, **options):
    body = {"requests": [{"custom_id": f"{custom_id}-{i}", "params": ask()} for i in range(3)]}
    return http.post(BATCHES, json=body, **options)


def entry_of(http, custom_id):
    """The ledger's entry of the batch whose first custom_id begins so, or None."""
    found = [e for e in ledger(http) if e["requests"][0][0].startswith(f"{custom_id}-")]
    return found[0] if found else None


def advance(http, seconds):
    http.post("/_emulator/clock", json={"advance": seconds}).raise_for_status()


def end(http, batch):
    advance(http, HOUR)
    while http.get(f"{BATCHES}/{batch}").json()["processing_status"] != "ended":
        pass


def test_a_batch_is_accepted_after_the_socket_has_closed(http, ask, witnessed):
    script(http, {"route": "create", "fault": "late", "by": 90})

    with pytest.raises(httpx2.RemoteProtocolError):
        create(http, ask, "late")

    assert ("late-0", 3) in witnessed
    assert entry_of(http, "late") is None
    advance(http, 90)
    entry = entry_of(http, "late")
    assert (entry["late"], entry["fault"], entry["foreign"]) == (True, "late", False)
    assert [(custom_id, outcome) for custom_id, _, outcome, _ in entry["requests"]] == [
        (f"late-{i}", "processing") for i in range(3)
    ]
    assert http.get(f"{BATCHES}/{entry['id']}").status_code == 200


@pytest.mark.parametrize(("fault", "accepted"), [("drop_before", False), ("drop_after", True)])
def test_a_socket_closes_without_an_answer(http, ask, witnessed, fault, accepted):
    script(http, {"route": "create", "fault": fault})

    with pytest.raises(httpx2.RemoteProtocolError):
        create(http, ask, fault)

    assert (entry_of(http, fault) is not None) == accepted
    assert (f"{fault}-0", 3) in witnessed


def test_a_slow_answer_outlasts_its_client(http, ask):
    script(http, {"route": "create", "fault": "slow", "seconds": 600})

    with pytest.raises(httpx2.ReadTimeout):
        create(http, ask, "slow", timeout=0.2)

    assert entry_of(http, "slow") is not None
    assert http.get("/_emulator/struck").json()["create slow"] == 1


def test_a_slow_answer_comes_in_wall_time(http):
    script(http, {"route": "list", "fault": "slow", "seconds": 0.2})

    answer = http.get(BATCHES)

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_an_answer_breaks_off_on_the_wire(http, ask):
    script(
        http,
        {"route": "create", "fault": "cut", "at": 40},
        {"route": "create", "fault": "cut", "at": 40, "clean": True},
        {"route": "create", "fault": "status", "code": 529, "after": True},
    )

    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete"):
        create(http, ask, "cut")
    clean = create(http, ask, "clean")
    busy = create(http, ask, "busy")

    assert (clean.status_code, len(clean.content), busy.status_code) == (200, 40, 529)
    assert all(entry_of(http, name) for name in ("cut", "clean", "busy"))


def test_results_break_off_and_are_spoiled_on_the_wire(http, ask):
    batch = create(http, ask, "results").json()["id"]
    end(http, batch)
    whole = http.get(f"{BATCHES}/{batch}/results").content
    script(
        http,
        {"route": "results", "fault": "cut", "at": 700},
        {"route": "results", "fault": "line", "kind": "missing", "at": 1},
    )
    came = []

    with (
        http.stream("GET", f"{BATCHES}/{batch}/results") as answer,
        pytest.raises(httpx2.RemoteProtocolError, match="without sending complete"),
    ):
        came.extend(answer.iter_raw())

    lines = whole.splitlines(keepends=True)
    assert b"".join(came) == (lines[0] + lines[2])[:700]
    assert http.get(f"{BATCHES}/{batch}/results").content == whole
    requests = entry_of(http, "results")["requests"]
    assert [(outcome, brought) for *_, outcome, brought in requests] == [("succeeded", True)] * 3


def test_strangers_and_credit_can_be_controlled(http, ask):
    planted = http.post("/_emulator/foreign", json={"requests": 3, "count": 2}).json()["ids"]
    http.post("/_emulator/credit", json={"left": False, "code": 402}).raise_for_status()
    refused = create(http, ask, "broke")
    http.post("/_emulator/credit", json={"left": True}).raise_for_status()
    accepted = create(http, ask, "rich")

    assert (refused.status_code, accepted.status_code) == (402, 200)
    assert [entry["id"] for entry in ledger(http) if entry["foreign"]] == planted


@pytest.mark.parametrize(
    "body", ["{", '{"route": "create", "fault": "lat"}', '{"route": "x", "fault": "late"}', "3"]
)
def test_a_senseless_script_is_refused(http, body):
    assert http.post("/_emulator/script", content=body).status_code == 400


def test_calm_ends_scripted_faults_and_those_by_chance():
    chances = (Chance(route="models", fault=Status(500), probability=1.0),)
    with served(Settings(faults=FaultPlan(chances=chances))) as http:
        script(http, {"route": "list", "fault": "status", "code": 529, "times": 100})
        before = [http.get("/v1/models").status_code, http.get(BATCHES).status_code]

        http.post("/_emulator/calm").raise_for_status()

        assert before == [500, 529]
        assert http.get("/v1/models").status_code == 200
        assert http.get(BATCHES).status_code == 200


def test_a_body_that_comes_to_a_halt_is_cut_off_and_forgotten(ask):
    body = json.dumps({"requests": [{"custom_id": "halt-0", "params": ask()}]}).encode()
    lines = [f"POST {BATCHES} HTTP/1.1", "Host: emulator", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, *(f"{k}: {v}" for k, v in HEADERS.items()), "", ""]).encode()
    with served(Settings(), patience=0.05) as http:
        address = (http.base_url.host, http.base_url.port)

        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(head + body[:-2])
            answer = connection.recv(1)

        assert answer == b""
        assert ledger(http) == []
