"""A canary: the first requests alone, their answers shown, the rest let go or held."""

import pytest

from .conftest import MODEL, RULES

PROMPT = ("--prompt", "Judge: {{ text }}")
WORDS = (*PROMPT, *MODEL, "--canary", 2)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "many.csv"
    rows = ["good one", "good one", "bad one", *(f"film {n}" for n in range(7))]
    path.write_text("text\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_a_canary_that_is_all_ok_lets_the_rest_go(call, table, tmp_path, world):
    output = tmp_path / "out.csv"

    said = call("run", table, *WORDS, "--yes", "-o", output)

    assert said.code == 0
    assert "the first 2 requests alone for $" in said.out
    assert "positive" in said.out
    assert "the whole run" in said.out
    assert [batch.count for batch in world.ledger()] == [2, 7]
    assert output.read_text().count("\n") == 11


@pytest.mark.parametrize("first", [9, 100])
def test_a_run_that_is_no_larger_than_its_canary_says_that_it_has_none(call, table, world, first):
    said = call("run", table, *PROMPT, *MODEL, "--canary", first, "--yes")

    assert "none: there is no more than 9 requests to send" in said.out
    assert [batch.count for batch in world.ledger()] == [9]


def test_one_request_that_is_held_is_told_as_one(call, table):
    said = call("run", table, *PROMPT, *MODEL, "--canary", 8, ask=lambda _page, asked: _no(asked))

    assert "The other 1 request is held." in said.out


def _no(asked):
    return "n" if "the other" in asked else ""


def test_a_person_who_says_no_keeps_the_rest_and_may_go_on_later(call, table, world):
    answers = iter(["", "n", ""])
    words = ("run", table, *WORDS)

    no = call(*words, ask=lambda *_: next(answers))
    status = call("status", "--json").json["runs"][0]
    drained = call("drain", "--json").json
    assert len(world.ledger()) == 1
    yes = call(*words, ask=lambda *_: next(answers))

    assert no.code == 130
    assert "backburner release" in no.out
    assert status["state"] == "its canary is back"
    assert drained["canaries"] == [status["run"]]
    assert yes.code == 0
    assert [batch.count for batch in world.ledger()] == [2, 7]


def test_a_canary_that_is_not_ok_holds_the_rest_until_it_is_released(
    call, table, make_world, make_client
):
    world = make_world(rules=(type(RULES[0])("bad", kind="refusal"), *RULES))
    client = make_client(world)

    said = call("run", table, *WORDS, "--yes", "--json", client=client)
    run = said.json["run"]
    before = len(world.ledger())
    released = call("release", run, client=client)
    again = call("run", table, *WORDS, "--yes", "--json", client=client)

    assert said.code == 3
    assert before == 1
    canary = said.json["canary"]
    assert (canary["requests"], canary["held"], canary["all_ok"]) == (2, 7, False)
    assert [(one["row"], one["outcome"]) for one in canary["answers"]] == [
        (1, "ok"),
        (3, "refused"),
    ]
    assert "7 requests in 1 batch" in released.out
    assert again.json["receipt"]["rows"] == 10


def test_enqueued_with_a_canary_only_that_is_drained(call, table, world):
    run = call("enqueue", table, *WORDS, "--json").json["run"]

    call("drain")
    call("drain")
    assert [batch.count for batch in world.ledger()] == [2]
    call("release", run)
    call("drain")

    assert [batch.count for batch in world.ledger()] == [2, 7]


def test_a_stopped_lane_is_resumed_by_name(call, table, world):
    world.exhaust_credit()
    refused = call("run", table, *PROMPT, *MODEL, "--yes")
    drained = call("drain")
    resumed = call("resume", "default")
    world.refill_credit()

    assert (refused.code, drained.code) == (5, 5)
    assert "the lane 'default' is stopped: Anthropic refused: Your credit" in drained.err
    assert drained.err.count("lane_stopped") == 1
    assert "9 requests in 1 batch will be released" in resumed.out
    assert "was not stopped" in call("resume").out
    assert call("run", table, *PROMPT, *MODEL, "--yes").code == 0
