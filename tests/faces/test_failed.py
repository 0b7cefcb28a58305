"""`status --failed`: which requests are not ok, and what was tried."""

import pytest

from backburner.emulator.settings import Rule


@pytest.fixture
def world(make_world):
    return make_world(rules=(Rule("bad", kind="invalid_request_error"), Rule("", "fine")))


@pytest.fixture
def finished(call, requests):
    run = call("enqueue", requests, "--json").json["run"]
    call("run", requests, "--yes")
    return run


def test_failed_requests_are_shown_with_their_reason(call, finished):
    said = call("status", finished, "--failed")

    assert said.code == 0
    assert f"1 request of run {finished} not ok" in said.out
    assert "rejected (invalid_request_error)" in said.out


def test_failed_requests_are_told_as_json_and_their_number_is_bounded(call, finished):
    said = call("status", finished, "--failed", "--limit", "1", "--json")

    (one,) = said.json["requests"]
    assert said.json["failed"] == 1
    assert (one["row"], one["outcome"], one["state"]) == (2, "rejected", "final")
    assert one["attempts"][0]["cost_usd"] == "0"
    told = call("status", one["request_id"], "--json").json
    assert told["attempts"] == one["attempts"]
    assert "attempt 1" in call("status", one["request_id"]).out


def test_failed_needs_a_run(call):
    said = call("status", "--failed")

    assert said.code == 2
    assert "--failed needs a run" in said.err
