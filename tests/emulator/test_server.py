"""The emulator on a real socket."""

import json
import queue
import socket
import threading
from collections.abc import Iterator

import anthropic
import httpx2
import pytest

from backburner.emulator.faults import DropAfter
from backburner.emulator.server import Server, server_for
from backburner.emulator.settings import Settings

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[Server, str]]:
    addresses: queue.Queue[str] = queue.Queue()
    state = tmp_path_factory.mktemp("state")
    running = server_for(
        Settings(turnaround=3_600.0), state_dir=state, speed=1.0, ready=addresses.put
    )
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running, addresses.get(timeout=10)
    finally:
        running.should_exit = True
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert list(state.iterdir()) == []


@pytest.fixture
def url(server) -> str:
    return server[1]


@pytest.fixture
def http(url) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, headers=HEADERS) as client:
        yield client


def end_all(http, sdk, batch_id):
    """Moves the world's clock, then asks until the results have been written."""
    http.post("/_emulator/clock", json={"advance": 3_600}).raise_for_status()
    while (batch := sdk.messages.batches.retrieve(batch_id)).processing_status != "ended":
        pass
    return batch


def test_the_sdk_works_over_a_socket(url, http, ask):
    with anthropic.Anthropic(api_key="k", base_url=url, max_retries=0) as sdk:
        batch = sdk.messages.batches.create(
            requests=[{"custom_id": f"r-{i}", "params": ask(f"{i}")} for i in range(2_000)]
        )
        assert batch.processing_status == "in_progress"

        ended = end_all(http, sdk, batch.id)
        lines = list(sdk.messages.batches.results(batch.id))

    assert ended.results_url == f"{url}/v1/messages/batches/{batch.id}/results"
    assert {line.custom_id for line in lines} == {f"r-{i}" for i in range(2_000)}
    assert http.get("/_emulator/bill").json()["batches"][batch.id] > 0
    assert batch.id in [entry["id"] for entry in http.get("/_emulator/batches").json()]
    assert http.get("/_emulator/other").status_code == 404


def accepted(http):
    return len(http.get("/_emulator/batches").json())


def test_a_connection_cut_before_the_tail_creates_nothing(url, http, ask):
    before = accepted(http)
    body = json.dumps({"requests": [{"custom_id": "a", "params": ask()}]}).encode()
    host, _, port = url.removeprefix("http://").partition(":")
    head = (
        "POST /v1/messages/batches HTTP/1.1\r\nhost: emulator\r\nx-api-key: k\r\n"
        f"anthropic-version: 2023-06-01\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()

    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head + body[:-2])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""

    assert accepted(http) == before


def test_a_scripted_drop_closes_the_socket_without_an_answer(server, http, ask):
    before = accepted(http)
    server[0].world.script("create", DropAfter())

    with pytest.raises(httpx2.RemoteProtocolError):
        http.post("/v1/messages/batches", json={"requests": [{"custom_id": "a", "params": ask()}]})

    assert accepted(http) == before + 1


def test_the_reports_of_the_admin_api_are_served(http, url, ask):
    http.post("/v1/messages", json=ask()).raise_for_status()
    http.post("/_emulator/clock", json={"advance": 600}).raise_for_status()
    asked = {"starting_at": "2020-01-01T00:00:00Z", "limit": 31}
    boss = {**HEADERS, "x-api-key": "sk-ant-admin01-boss"}

    refused = http.get("/v1/organizations/cost_report", params=asked)
    page = httpx2.get(f"{url}/v1/organizations/cost_report", params=asked, headers=boss).json()

    assert refused.status_code == 401
    assert page["has_more"] is True
    assert page["data"][0] == {
        "starting_at": "2020-01-01T00:00:00Z",
        "ending_at": "2020-01-02T00:00:00Z",
        "results": [],
    }


def test_exact_hits_can_be_set_on_a_server(http):
    assert http.post("/_emulator/cache", json={"hits": 3, "of": 5}).json() == {"hits": 3, "of": 5}
    assert http.post("/_emulator/cache", json={"hits": 9, "of": 5}).status_code == 400
    assert http.post("/_emulator/cache", json={"hits": 1.0}).status_code == 200
