"""`retry`: how many, at what price, and a question first."""

import pytest

from backburner.emulator.settings import ItemFailure, Rule


@pytest.fixture
def world(make_world):
    return make_world(
        rules=(Rule("", "fine"),),
        fail_once=(ItemFailure(0, 0, "refusal"), ItemFailure(0, 1, "invalid_request_error")),
    )


@pytest.fixture
def finished(call, requests):
    run = call("enqueue", requests, "--json").json["run"]
    call("run", requests, "--yes")
    return run


def test_it_says_how_many_and_at_what_price_and_asks(call, finished):
    asked = []

    def no(_page, question):
        asked.append(question)
        return "n"

    said = call("retry", finished, ask=no)

    assert said.code == 130
    assert "again            2 requests: 1 refused, 1 rejected" in said.out
    assert "likely to fail again" in said.out
    assert "estimated price" in said.out
    assert asked == ["Send 2 requests again? [Y/n] "]
    assert call("status", finished, "--json").json["runs"][0]["retrying"] == 0


def test_a_script_says_yes_and_the_next_run_sends_them(call, requests, finished, world):
    said = call("retry", finished, "--only", "refused", "--yes", "--json")
    call("run", requests, "--yes")

    assert (said.json["retried"], said.json["outcomes"]) == (1, {"refused": 1})
    assert set(said.json["estimate"]) >= {"low_usd", "high_usd"}
    assert [batch.count for batch in world.ledger()] == [2, 1]
    outcomes = call("status", finished, "--json").json["runs"][0]["outcomes"]
    assert outcomes == {"ok": 1, "rejected": 1}


def test_one_request_is_told_as_one(call, finished):
    said = call("retry", finished, "--only", "refused", "--yes")

    assert "1 request waits: `backburner drain` sends it" in said.out


def test_a_script_without_yes_is_told_so(call, finished):
    said = call("retry", finished, "--json")

    assert said.code == 2
    assert said.error["code"] == "choice_needed"


def test_a_condition_that_does_not_fit_is_named_once(call, finished):
    said = call("retry", finished, "--where", "custom_idd == 'a'")

    assert said.code == 2
    assert said.err.count("--where") == 1
    assert "requests.jsonl: --where, line 1: names the column 'custom_idd'" in said.err
    assert "hint: did you mean custom_id?" in said.err


def test_nothing_to_send_again_is_no_fault(call, finished):
    said = call("retry", finished, "--where", "custom_id == 'nobody'")

    assert said.code == 0
    assert "nothing is to be sent again" in said.out


def test_an_output_that_somebody_worked_in_is_moved_before_a_retry_replaces_it(
    call, requests, tmp_path
):
    output = tmp_path / "answers.jsonl"
    run = call("run", requests, "--yes", "-o", output, "--json").json["run"]
    output.write_text("corrected by hand")

    refused = call("retry", run, "--yes")
    output.rename(tmp_path / "mine.jsonl")
    call("retry", run, "--yes")
    call("run", requests, "--yes")

    assert refused.code == 2
    assert f"{output} was changed since the run {run} wrote it" in refused.err
    assert (tmp_path / "mine.jsonl").read_text() == "corrected by hand"
    assert len(output.read_text().splitlines()) == 2
