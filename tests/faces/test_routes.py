"""Route rules on the command line: what explains them, and what the plan, status and run say."""

import json
from pathlib import Path
from typing import Any

import pytest

RULES = """
[[routes]]
name = "triage"
when = { kind = "triage" }
give = { model = "claude-haiku-4-5", max_tokens = 64, urgency = "soon" }

[[routes]]
name = "drafts"
when = { kind = "draft" }
give = { model = "claude-sonnet-4-6" }
"""


@pytest.fixture
def ruled(home: Path) -> Path:
    home.mkdir()
    file = home / "backburner.toml"
    file.write_text(RULES, encoding="utf-8")
    return file


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.jsonl"
    body = {
        "model": "claude-opus-4-7",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "good"}],
    }
    lines: list[dict[str, Any]] = [
        {"custom_id": "a", "kind": "draft", "params": body},
        {"custom_id": "b", "kind": "triage", "params": body},
        {"custom_id": "c", "params": body},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_explain_tells_which_rule_takes_each_request(call, ruled, mixed):
    said = call("route", "explain", mixed)

    assert said.code == 0
    assert f"2 rules in {ruled}; the first that matches wins" in said.out
    lines = [line.split() for line in said.out.splitlines()]
    assert ["1", "a", "claude-opus-4-7", "drafts", "model"] in lines
    assert ["2", "b", "claude-opus-4-7", "triage", "model,", "max_tokens"] in lines
    assert ["3", "c", "claude-opus-4-7", "(none)", "nothing"] in lines


@pytest.mark.usefixtures("ruled")
def test_explain_keeps_nothing_and_needs_no_key(call, mixed, home):
    said = call("route", "explain", mixed, "--json", client=None)

    assert [one["rule"] for one in said.json["requests"]] == ["drafts", "triage", None]
    assert [(one["rule"], one["requests"]) for one in said.json["rules"]] == [
        ("triage", 1),
        ("drafts", 1),
        (None, 1),
    ]
    assert [path.name for path in home.iterdir()] == ["backburner.toml"]


@pytest.mark.usefixtures("ruled")
def test_explain_shows_a_rule_that_takes_nothing(call, mixed):
    said = call("route", "explain", mixed, "--limit", "1")

    assert "takes nothing here" in said.out


@pytest.mark.usefixtures("ruled")
def test_explain_puts_the_rules_to_a_table_as_a_whole(call, reviews):
    said = call("route", "explain", reviews, "--prompt", "{{ text }}", "--kind", "draft", "--json")

    taken = {one["rule"]: one for one in said.json["rules"]}
    assert (taken["drafts"]["requests"], taken["triage"]["requests"]) == (3, 0)


@pytest.mark.usefixtures("ruled")
def test_explain_names_lines_that_are_no_requests(call, tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text('{"custom_id": "a"}\n')

    said = call("route", "explain", path)

    assert said.code == 2
    assert "1 line of it hold no request: `backburner check` says what is wrong" in said.out


def test_explain_without_rules_says_where_to_find_some(call, mixed):
    said = call("route", "explain", mixed)

    assert said.code == 2
    assert "has no routes" in said.err
    assert "docs/routes.md" in said.err


@pytest.mark.usefixtures("ruled")
def test_enqueue_plans_and_keeps_a_run_for_each_way_of_travelling(call, mixed):
    said = call("enqueue", mixed)

    assert said.code == 0
    assert "1 request → claude-sonnet-4-6 (kind is draft; changes model)" in said.out
    assert (
        "1 request → claude-haiku-4-5, at most 64 tokens, the next batch "
        "(kind is triage; changes model, max_tokens)"
    ) in said.out
    assert said.out.count("is kept, and nothing was sent") == 2


@pytest.mark.usefixtures("ruled")
def test_status_tells_what_the_rules_did(call, mixed):
    runs = call("enqueue", mixed, "--json").json["runs"]

    said = call("status", runs[0]["run"])
    as_json = call("status", runs[0]["run"], "--json").json["runs"][0]["routes"]

    assert "route drafts" in said.out
    assert as_json[0] == {
        "rule": "drafts",
        "reason": "kind is draft",
        "requests": 1,
        "model": "claude-sonnet-4-6",
        "max_tokens": None,
        "lane": None,
        "urgency": None,
        "changed": {"model": 1},
    }


@pytest.mark.usefixtures("ruled")
def test_run_sends_every_part_and_writes_an_output_for_each(call, mixed, tmp_path):
    said = call("run", mixed, "-o", tmp_path / "out.jsonl", "--yes", "--json")

    assert said.code == 0
    assert [one["receipt"]["requests"] for one in said.json["runs"]] == [2, 1]
    kept = [
        [json.loads(line)["custom_id"] for line in (tmp_path / name).read_text().splitlines()]
        for name in ("out-window.jsonl", "out-soon.jsonl")
    ]
    assert kept == [["a", "c"], ["b"]]
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.usefixtures("ruled")
def test_run_asks_once_for_all_parts_and_keeps_nothing_where_that_is_not_wanted(call, mixed, world):
    questions = []

    said = call("run", mixed, ask=lambda _page, question: questions.append(question) or "n")

    assert said.code == 130
    assert ["Send 3 requests in 2 runs?" in question for question in questions] == [True]
    assert call("status", "--json").json["runs"] == []
    assert not world.ledger()


@pytest.mark.usefixtures("ruled")
def test_the_same_run_again_sends_nothing(call, mixed, world):
    call("run", mixed, "--yes")
    sent = len(world.ledger())

    said = call("run", mixed, "--yes")

    assert said.out.count("nothing is sent again") == 2
    assert len(world.ledger()) == sent


@pytest.mark.usefixtures("ruled")
def test_a_table_needs_no_model_where_a_rule_gives_it(call, reviews):
    said = call("enqueue", reviews, "--prompt", "{{ text }}", "--kind", "draft", "--json")

    assert said.code == 0
    assert said.json["plan"]["models"] == ["claude-sonnet-4-6"]


@pytest.mark.usefixtures("ruled")
def test_no_routes_leaves_everything_as_it_was_asked(call, mixed):
    said = call("enqueue", mixed, "--no-routes", "--json")

    assert said.json["plan"]["models"] == ["claude-opus-4-7"]
    assert said.json["plan"]["routes"] == []


def test_a_table_from_standard_input_is_measured_and_sent(call, home):
    home.mkdir()
    (home / "backburner.toml").write_text(
        '[[routes]]\nname = "short"\nwhen = { max_input_bytes = 9000 }\n'
        'give = { model = "claude-haiku-4-5" }\n'
    )
    table = b"text\ngood\nbad\n"
    words = ("--format", "csv", "--prompt", "{{ text }}", "--json")

    said = call("enqueue", "-", *words, stdin=table)

    assert [one["rule"] for one in said.json["plan"]["routes"]] == ["short"]
    assert said.json["plan"]["requests"] == 2


@pytest.mark.usefixtures("ruled")
def test_a_kind_that_is_no_word_is_refused(call, mixed):
    said = call("enqueue", mixed, "--kind", "two words")

    assert said.code == 2
    assert "'two words' is no kind" in said.err


@pytest.mark.usefixtures("ruled")
def test_plan_shows_each_way_of_travelling_and_the_sum(call, mixed, tmp_path):
    said = call("plan", mixed, "--offline", "-o", tmp_path / "out.jsonl")

    assert said.code == 0
    assert "1 request → claude-sonnet-4-6 (kind is draft; changes model)" in said.out
    assert "changes model, max_tokens" in said.out
    assert "out-window.jsonl" in said.out
    assert "out-soon.jsonl" in said.out
    assert "all together" in said.out


@pytest.mark.usefixtures("ruled")
def test_plan_and_enqueue_name_the_same_prices(call, mixed):
    planned = call("plan", mixed, "--offline", "--json").json["runs"]
    kept = call("enqueue", mixed, "--json").json["runs"]

    assert [one["estimate"] for one in planned] == [one["plan"]["estimate"] for one in kept]
    assert [one["routes"] for one in planned] == [one["plan"]["routes"] for one in kept]


def test_plan_prices_what_a_rule_asks_now_as_sync_calls(call, ruled, mixed):
    ruled.write_text('[[routes]]\nname = "all"\ngive = { urgency = "now" }\n')

    said = call("plan", mixed, "--offline")
    as_json = call("plan", mixed, "--offline", "--json").json

    assert "3, made at once at the full price of sync calls" in said.out
    assert "sync, at once" in said.out
    assert as_json["estimate"]["expected_usd"] == as_json["estimate"]["sync_expected_usd"]
    assert as_json["cheaper"] == []


@pytest.mark.usefixtures("ruled")
def test_plan_without_routes_takes_requests_as_they_are_asked(call, mixed):
    said = call("plan", mixed, "--offline", "--no-routes", "--json")

    assert said.json["models"] == ["claude-opus-4-7"]
    assert said.json["routes"] == []


@pytest.mark.usefixtures("ruled")
def test_plan_and_check_ask_for_no_model_where_a_rule_gives_it(call, reviews):
    words = (reviews, "--prompt", "{{ text }}", "--kind", "draft", "--json")

    planned, checked = call("plan", *words, "--offline"), call("check", *words)

    assert planned.json["models"] == checked.json["models"] == ["claude-sonnet-4-6"]
    assert [one["requests"] for one in checked.json["routes"]] == [3]


@pytest.mark.usefixtures("ruled")
def test_check_finds_no_fault_in_a_request_that_gets_its_model_from_a_rule(call, tmp_path):
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": "good"}]}
    path = tmp_path / "bare.jsonl"
    lines = [
        {"custom_id": "a", "kind": "triage", "params": body},
        {"custom_id": "b", "params": body},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    routed, plain = call("check", path, "--json"), call("check", path, "--json", "--no-routes")

    assert (routed.code, plain.code) == (2, 2)
    assert [[one["line"] for one in run["faults"]] for run in routed.json["runs"]] == [[], [2]]
    assert [one["line"] for one in plain.json["faults"]] == [1, 2]
