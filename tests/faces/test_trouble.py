"""What is said when something is wrong: one plain sentence, a hint, a code, an exit code."""

import json
import re

import pytest

from .conftest import MODEL, RULES

PROMPT = ("--prompt", "Judge: {{ text }}")
WORDS = (*PROMPT, *MODEL, "--yes")
CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def table(tmp_path):
    """Makes a table of some bytes."""

    def make(data: bytes):
        path = tmp_path / "table.csv"
        path.write_bytes(data)
        return path

    return make


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty (input_empty)"),
        (b"text\n", "holds a heading but no row (input_empty)"),
        (b'text\n"a\n', "line 2: a quote that opens in this row is never closed (csv_broken)"),
        (b"text\ncaf\xe9\n", "line 2, column 4: byte 0xE9 at offset 8 is not UTF-8 (not_utf8)"),
        (b"title\na\n", "names the column 'text', which the table does not have (column_missing)"),
        (b"text,answer\na,b\n", "the column 'answer' has the name of a column that the output"),
    ],
)
def test_a_fault_of_the_input_is_named_before_anything_is_sent(call, table, world, data, told):
    said = call("run", table(data), *WORDS)

    assert said.code == 2
    assert told in said.err
    assert "\nhint: " in said.err
    assert list(world.ledger()) == []
    assert "no runs yet" in call("status").out


def test_all_faults_of_an_input_are_told_together(call, table):
    said = call("run", table(b"text,b\n1\n1,2\n1,2,3\n"), *WORDS, "--json")

    assert said.error["code"] == "input_faults"
    assert "2 faults" in said.error["message"]
    assert "line 2:" in said.error["message"]
    assert "line 4:" in said.error["message"]


def test_an_unknown_model_is_refused_with_a_suggestion(call, reviews):
    said = call("run", reviews, *PROMPT, "--model", "claude-haiku-45", "--yes")

    assert said.code == 2
    assert "(model_unknown)" in said.err
    assert "claude-haiku-4-5" in said.err


def test_a_parameter_that_a_batch_refuses_is_refused(call, reviews):
    said = call("run", reviews, *WORDS, "--param", "temperature=0.5")

    assert said.code == 2
    assert "temperature is 0.5, which a batch refuses (parameter_refused)" in said.err


def test_a_file_of_somebody_else_is_not_replaced_unless_forced(call, reviews, tmp_path):
    output = tmp_path / "mine.csv"
    output.write_text("mine")

    refused = call("run", reviews, *WORDS, "-o", output)
    forced = call("run", reviews, *WORDS, "-o", output, "--force")

    assert refused.code == 2
    assert "(output_blocked)" in refused.err
    assert "--force" in refused.err
    assert forced.code == 0
    assert output.read_text().startswith("id,text,answer")


def test_an_output_that_an_unfinished_run_owns_is_not_given_to_another(call, reviews, tmp_path):
    output = tmp_path / "out.csv"
    call("enqueue", reviews, *PROMPT, *MODEL, "-o", output)

    said = call("run", reviews, "--prompt", "B {{ text }}", *MODEL, "--yes", "-o", output)

    assert said.code == 2
    assert "which is not finished (output_blocked)" in said.err


def test_without_a_key_the_run_is_kept(call, reviews):
    said = call("run", reviews, *WORDS, client=None)

    assert said.code == 4
    assert "sent once that is mended: the variable ANTHROPIC_API_KEY is not set" in said.out
    assert said.err.startswith(
        "error: there is no key for Anthropic's API (key_missing)\nhint: set"
    )
    assert re.search(r"note: the run \w{6} is kept; the same command goes on with it", said.err)
    assert "waiting to be sent" in call("status", client=None).out


def test_a_refused_key_is_one_sentence_and_a_good_one_goes_on(
    call, reviews, tmp_path, make_world, make_client
):
    world = make_world(rules=RULES, refused_keys=frozenset({"sk-secret"}))
    words = ("run", reviews, *WORDS, "-o", tmp_path / "out.csv")

    refused = call(*words, client=make_client(world, key="sk-secret"))
    stopped = call("status", client=make_client(world))
    call("resume", client=make_client(world))
    went_on = call(*words, client=make_client(world))

    assert refused.code == 5
    assert "(HTTP 401) (lane_stopped)" in refused.err
    assert "sk-secret" not in refused.out + refused.err
    assert "stopped: " in stopped.out
    assert went_on.code == 0
    assert len(world.ledger()) == 1


def test_without_a_network_nothing_is_lost(call, reviews):
    environment = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": CLOSED}

    said = call("run", reviews, *WORDS, client=None, environment=environment)

    assert said.code == 5
    assert "Anthropic cannot be reached" in said.err
    assert "(unreachable)" in said.err
    assert "trying again" in said.out
    assert call("status", client=None, environment=environment).code == 0


def test_a_lane_of_another_upstream_names_the_option(call, reviews):
    call("run", reviews, *WORDS)

    said = call("run", reviews, *WORDS, client=None, environment={"ANTHROPIC_BASE_URL": CLOSED})

    assert said.code == 4
    assert "(lane_pinned)" in said.err
    assert "--lane NAME" in said.err


@pytest.mark.parametrize(
    ("place", "lacks"),
    [
        ('{ file = "/nonexistent" }', "there is no file /nonexistent"),
        ('{ env = "NOPE" }', "the variable NOPE is not set"),
    ],
)
def test_what_a_lanes_own_credential_lacks_is_named(call, reviews, home, place, lacks):
    home.mkdir(mode=0o700)
    (home / "backburner.toml").write_text(f"[lanes.default]\ncredential = {place}\n")

    run = call("run", reviews, *WORDS, client=None)
    checked = call("doctor", client=None)

    assert f"sent once that is mended: {lacks}" in run.out
    assert f"there is no key for lane 'default': {lacks} (key_missing)" in run.err
    assert lacks in checked.out
    assert "ANTHROPIC_API_KEY" not in run.out + run.err + checked.out


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("drain",),
        ("enqueue", "missing.csv", *PROMPT, *MODEL),
    ],
)
def test_a_command_that_keeps_nothing_pins_no_lane(call, reviews, words):
    call(*words, client=None, environment={"ANTHROPIC_BASE_URL": CLOSED, "ANTHROPIC_API_KEY": "k"})

    said = call("run", reviews, *WORDS)

    assert said.code == 0


def test_a_home_that_cannot_be_used_is_named(call, tmp_path):
    (tmp_path / "file").write_text("")

    said = call("status", "--home", tmp_path / "file" / "home")

    assert said.code == 6
    assert "(store_unusable)" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "x.csv", "--bogus"], "No such option: --bogus"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run"], "Missing argument 'SOURCE'"),
        (["run", "x.csv", "--limit", "0"], "--limit"),
        (["status", "nope"], "there is no run 'nope'"),
        (["status", "aaaaaaaaaaaa-00000"], "there is no request 'aaaaaaaaaaaa-00000'"),
    ],
)
def test_words_that_mean_nothing_are_named(call, words, told):
    said = call(*words)

    assert said.code == 2
    assert told in said.err
    assert "hint: " in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("resume", "nihgtly"),
        ("drain", "--lane", "nihgtly"),
        ("status", "--lane", "nihgtly"),
        ("worker", "--lane", "nihgtly"),
        ("worker", "--lane", "nightly", "--lane", "nihgtly"),
        ("install", "cron", "--zone", "Europe/Berlin", "--lane", "nihgtly"),
        ("windows", "--lane", "nihgtly"),
        ("report", "--lane", "nihgtly"),
        ("budget", "set", "lane:nihgtly", "3"),
    ],
)
def test_a_mistyped_lane_is_named_and_not_made(call, requests, words):
    call("enqueue", requests, "--lane", "nightly")

    said = call(*words)

    assert said.code == 2
    assert "there is no lane 'nihgtly' (not_found)" in said.err
    assert "did you mean nightly? there is default, nightly" in said.err
    assert call("status", "--json").json["lane"]["other_lanes"] == ["nightly"]


def test_a_lane_that_the_file_names_is_there_before_its_first_work(call, home):
    home.mkdir()
    (home / "backburner.toml").write_text("[lanes.weekly]\nqueue_limit = 9\n")

    said = call("drain", "--lane", "weekly")

    assert said.code == 0


@pytest.mark.parametrize("name", ["", "a b", "a/../c", "a\nb"])
@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_what_is_no_word_is_no_lane(call, reviews, command, name):
    asked = () if command == "status" else (reviews, *PROMPT, *MODEL)

    said = call(command, *asked, "--lane", name)

    assert said.code == 2
    assert f"{name!r} is no name of a lane" in said.err


def test_with_json_an_error_is_one_object_on_standard_error(call):
    said = call("run", "missing.csv", *WORDS, "--json")

    assert said.out == ""
    assert set(json.loads(said.err)["error"]) == {
        "code",
        "message",
        "hint",
        "notes",
        "exit_code",
    }


def failing(*_):
    raise RuntimeError("a prompt that nobody may see")


def test_an_unexpected_error_is_a_plain_sentence_without_its_message(call, reviews):
    said = call("run", reviews, *PROMPT, *MODEL, ask=failing)

    assert said.code == 1
    assert "Backburner failed in a way it should not: RuntimeError" in said.err
    assert "nobody may see" not in said.err


def test_with_debug_an_unexpected_error_shows_where_it_happened(call, reviews):
    with pytest.raises(RuntimeError):
        call("--debug", "run", reviews, *PROMPT, *MODEL, ask=failing)
