"""`enqueue`, `drain`, `status`, `results`, `cancel`: the queue by hand."""

import json
import re

import pytest

from .conftest import MODEL

PROMPT = ("--prompt", "Judge: {{ text }}")


@pytest.fixture
def enqueued(call, requests):
    """The run of a list of requests that was enqueued."""
    return call("enqueue", requests, "--json").json["run"]


def test_enqueue_keeps_requests_and_sends_nothing(call, requests, world):
    said = call("enqueue", requests, client=None)

    assert said.code == 0
    assert "is kept, and nothing was sent: 2 requests" in said.out
    assert "`backburner drain` sends it" in said.out
    assert list(world.ledger()) == []


def test_enqueue_keeps_the_same_requests_once(call, requests, enqueued):
    said = call("enqueue", requests)

    assert f"run {enqueued} was kept before" in said.out


def test_enqueue_takes_a_list_from_standard_input(call, requests):
    said = call("enqueue", "-", stdin=requests.read_bytes())

    assert said.code == 0
    assert "standard input: 2 requests" in said.out


def test_enqueue_takes_a_table_with_its_options(call, reviews, tmp_path, clock):
    output = tmp_path / "out.csv"

    said = call("enqueue", reviews, *PROMPT, *MODEL, "-o", output)
    call("drain")
    clock.sleep(30)
    drained = call("drain")

    assert said.code == 0
    assert re.search(r"run \w{6} is finished: 4 ok; paid \$", drained.out)
    assert f"4 rows in {output}" in drained.out
    assert output.read_text().count("\n") == 5


@pytest.mark.usefixtures("enqueued")
def test_drain_does_one_pass_and_waits_for_nothing(call, world, clock):
    before = clock.now()

    said = call("drain")

    assert said.code == 0
    assert "sent 2 requests" in said.out
    assert "1 run not finished yet" in said.out
    assert clock.now() == before
    assert len(world.ledger()) == 1


def test_drain_collects_what_has_ended(call, enqueued, clock):
    call("drain")
    clock.sleep(30)

    said = call("drain", "--json")

    assert said.json["events"]["batch.collected"] == 1
    assert said.json["runs_waiting"] == 0
    assert said.json["finished"][0]["run"] == enqueued


@pytest.mark.usefixtures("enqueued")
def test_drain_collect_sends_no_first_attempts(call, world):
    said = call("drain", "--collect")

    assert "nothing was due" in said.out
    assert list(world.ledger()) == []


def test_status_of_an_empty_home_says_where_it_is_and_what_to_do(call, home):
    said = call("status")

    assert str(home) in said.out
    assert "no runs yet: `backburner run" in said.out


def test_status_lists_the_runs_in_words(call, enqueued):
    waiting = call("status").out
    call("drain")
    away = call("status").out

    assert re.search(rf"^{enqueued} .* waiting to be sent +0 of 2", waiting, re.MULTILINE)
    assert re.search(rf"^{enqueued} .* with Anthropic +0 of 2", away, re.MULTILINE)


def test_status_of_a_run_says_how_far_it_is_and_when_it_is_back(call, enqueued):
    call("drain")

    said = call("status", enqueued)

    assert re.search(r"^back +0 of 2$", said.out, re.MULTILINE)
    assert re.search(r"^batches +1 batch: 1 with Anthropic$", said.out, re.MULTILINE)
    back = r"^back in +7 min to 1 h 51 min .*, from a general prior: no history yet$"
    assert re.search(back, said.out, re.MULTILINE)


def test_status_takes_the_custom_id_that_travelled(call, enqueued, world):
    call("drain")
    travelled = next(world.ledger()[0].custom_ids())

    said = call("status", travelled, "--json")

    assert said.json["run"] == enqueued
    assert said.json["outcome"] is None


def test_results_of_a_list_are_the_same_on_standard_output_as_in_a_file(call, requests, tmp_path):
    run = call("run", requests, "--yes", "--json").json["run"]

    shown = call("results", run)
    call("results", run, "-o", tmp_path / "results.jsonl")

    assert shown.out == (tmp_path / "results.jsonl").read_text()
    assert [json.loads(line)["custom_id"] for line in shown.out.splitlines()] == ["good", "bad"]


def test_results_of_an_unfinished_run_are_refused(call, enqueued, tmp_path):
    said = call("results", enqueued, "-o", tmp_path / "r.jsonl")

    assert said.code == 2
    assert f"the run {enqueued} is not finished" in said.err


def test_results_of_a_table_need_a_file(call, reviews, tmp_path):
    run = call("run", reviews, *PROMPT, *MODEL, "--yes", "--json").json["run"]

    refused = call("results", run)
    written = call("results", run, "-o", tmp_path / "out.csv")

    assert refused.code == 2
    assert f"backburner results {run} -o FILE" in refused.err
    assert written.code == 0
    assert "4 rows in" in written.out


def test_cancel_ends_what_was_not_sent_at_once(call, enqueued, world):
    said = call("cancel", enqueued)

    assert said.code == 0
    assert "2 requests never sent: ended as canceled, at no cost" in said.out
    assert list(world.ledger()) == []
    assert "canceled" in call("status", enqueued).out


def test_cancel_asks_upstream_at_once_where_there_is_a_key(call, enqueued, clock):
    call("drain")

    said = call("cancel", enqueued)
    clock.sleep(60)
    call("drain")

    assert "1 batch with Anthropic: what it has finished is paid, and kept" in said.out
    assert "asked Anthropic to cancel msgbatch_" in said.out
    assert re.search(r"\d canceled", call("status", enqueued).out)


def test_cancel_without_a_key_leaves_the_asking_to_drain(call, enqueued):
    call("drain")

    said = call(
        "cancel",
        enqueued,
        "--json",
        client=None,
        environment={"ANTHROPIC_BASE_URL": "http://emulator"},
    )
    drained = call("drain")

    assert said.json["asked_now"] is False
    assert said.json["batches_asked"] == 1
    assert "asked Anthropic to cancel" in drained.out


def test_cancel_of_a_finished_run_changes_nothing(call, requests):
    run = call("run", requests, "--yes", "--json").json["run"]

    said = call("cancel", run)

    assert "is finished already" in said.out
    assert call("status", run, "--json").json["runs"][0]["cancel_asked_at"] is None


def test_a_run_that_was_enqueued_is_asked_about_before_it_is_sent(call, enqueued, requests, world):
    refused = call("run", requests, ask=lambda *_: "n")
    sent = call("run", requests, ask=lambda *_: "")

    assert refused.code == 130
    assert f"`backburner cancel {enqueued}` drops it" in refused.out
    assert sent.code == 0
    assert len(world.ledger()) == 1
    assert json.loads(call("status", "--json").out)["runs"][0]["back"] == 2


def test_control_characters_of_a_name_never_reach_the_terminal(call, tmp_path, reviews):
    source = tmp_path / "a\nb\x1b[31m\x9b1m\u202e.csv"
    source.write_bytes(reviews.read_bytes())
    output = tmp_path / "o\x1b[2J.csv"

    told = call("run", source, "--prompt", "{{ text }}", *MODEL, "--yes", "-o", output)
    listed = call("status")
    refused = call("run", tmp_path / "\x1b[31m.csv", "--prompt", "{{ text }}", *MODEL)

    assert told.code == listed.code == 0
    assert refused.code == 2
    for said in (told, listed, refused):
        assert not {"\x1b", "\x9b", "\u202e"} & set(said.out + said.err)
    assert r"a\nb\x1b[31m\x9b1m\u202e.csv" in listed.out
