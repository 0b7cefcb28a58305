"""Whole lives of runs under route rules: parted, changed as the rules say, and answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from backburner.client.preparing import Found, Fresh, RunOptions
from backburner.errors import ConfigError, InputError, InputFaults, ZoneNeeded
from backburner.nouns.budget import billing_of
from backburner.nouns.run import Run
from backburner.store.batches import batches_of_run

OPUS, SONNET, HAIKU = "claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5"
RULES = f"""
[[routes]]
name = "triage"
when = {{ kind = "triage" }}
give = {{ model = "{HAIKU}", max_tokens = 64, urgency = "soon" }}

[[routes]]
name = "drafts"
when = {{ kind = "draft" }}
give = {{ model = "{SONNET}" }}
"""


def ruled(stage: Any, text: str = RULES, **options: Any) -> Any:
    stage.home.mkdir(exist_ok=True)
    (stage.home / "backburner.toml").write_text(text, encoding="utf-8")
    return stage.open(**options)


def request(key: str, kind: str = "", **more: Any) -> dict[str, Any]:
    body = {"model": OPUS, "max_tokens": 500, "messages": [{"role": "user", "content": "Say: hi"}]}
    return {"custom_id": key, "params": {**body, **more}, **({"kind": kind} if kind else {})}


MIXED = [request("a", "draft"), request("b", "triage"), request("c"), request("d", "draft")]


def listed(stage: Any, requests: list[dict[str, Any]] = MIXED) -> Path:
    path: Path = stage.home.parent / "list.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in requests), encoding="utf-8")
    return path


def kept(bb: Any, source: Path, **more: Any) -> list[Run]:
    prepared = bb.intake.prepare_routed(RunOptions(source=str(source), **more))
    return [
        bb.intake.commit(one.run.staged) if isinstance(one.run, Fresh) else one.run.run
        for one in prepared
    ]


def test_a_list_is_parted_by_when_its_requests_travel(stage):
    bb = ruled(stage)
    output = stage.home.parent / "out.jsonl"

    first, second = kept(bb, listed(stage), output=str(output))
    answered = {one.custom_id for run in (first, second) for one in _results(bb, run)}

    assert (first.urgency, first.requests) == ("window", 3)
    assert (second.urgency, second.requests) == ("soon", 1)
    assert first.name == second.name
    assert answered == {"a", "b", "c", "d"}
    assert [Path(run.output or "").name for run in (first, second)] == [
        "out-window.jsonl",
        "out-soon.jsonl",
    ]


def _results(bb: Any, run: Run) -> list[Any]:
    bb.run(run.id)
    return list(bb.results(run))


def test_what_each_rule_took_and_changed_is_kept_with_the_run(stage):
    bb = ruled(stage)

    first, second = kept(bb, listed(stage))

    drafts, none = first.taken
    assert (drafts.rule, drafts.requests, drafts.model) == ("drafts", 2, SONNET)
    assert (drafts.reason, drafts.changed) == ("kind is draft", {"model": 2})
    assert (none.rule, none.requests, none.changed) == ("", 1, {})
    [triage] = second.taken
    assert (triage.urgency, triage.max_tokens) == ("soon", 64)
    assert triage.changed == {"model": 1, "max_tokens": 1}
    assert bb.get(first.id).routes == first.routes


def test_what_travels_is_what_the_rules_say_and_nothing_else_changed(stage):
    bb = ruled(stage)
    odd = request("a", "draft", stop_sequences=["é\\n"], metadata={"user_id": "é"})

    [run] = kept(bb, listed(stage, [odd]))
    bb.run(run.id)

    [body] = _segments(bb, run)
    assert json.loads(body) == {**odd["params"], "model": SONNET}


def _segments(bb: Any, run: Run) -> list[bytes]:
    with bb.tools.store.read() as tx:
        batches = batches_of_run(tx, run.id)
    return [line for one in batches for line in bb.tools.vault.lines(one.segment)]


def test_the_same_list_under_the_same_rules_is_the_same_runs(stage):
    bb = ruled(stage)
    source = listed(stage)

    before = kept(bb, source)
    again = bb.intake.prepare_routed(RunOptions(source=str(source)))

    assert all(isinstance(one.run, Found) for one in again)
    assert [one.run.run.id for one in again] == [run.id for run in before]


def test_other_rules_make_other_runs(stage):
    source = listed(stage)
    [before, _] = kept(ruled(stage), source)
    bb = ruled(stage, RULES.replace(SONNET, "claude-sonnet-5"))

    after = kept(bb, source)

    assert before.id not in {run.id for run in after}


def test_no_rule_is_applied_where_that_is_not_wanted(stage):
    bb = ruled(stage)

    [run] = kept(bb, listed(stage), routed=False)

    assert (run.requests, run.routes) == (4, "")
    assert {json.loads(line)["model"] for line in _segments(bb, run)} == {OPUS}


def test_a_list_that_no_rule_changes_is_staged_as_it_is(stage):
    bb = ruled(stage)
    source = listed(stage, [request("a"), request("b")])

    [run] = kept(bb, source)

    assert run.identity == kept(ruled(stage, ""), source)[0].identity


def test_a_fault_is_told_with_its_line_in_the_whole_list(stage):
    bb = ruled(stage)
    wrong = request("d", "draft", max_tokens=0)

    with pytest.raises(InputFaults, match="line 4"):
        kept(bb, listed(stage, [*MIXED[:3], wrong]))

    assert not bb.status()[1]


def test_a_custom_id_that_stands_in_two_parts_is_refused(stage):
    bb = ruled(stage)

    with pytest.raises(InputFaults, match="'a' stands in line 1 already"):
        kept(bb, listed(stage, [request("a", "draft"), request("a", "triage")]))


def test_a_kind_that_is_no_word_is_refused(stage):
    bb = ruled(stage)

    with pytest.raises(InputFaults, match="kind_invalid"):
        kept(bb, listed(stage, [{**request("a"), "kind": 7}]))


def test_tags_of_a_request_count_beside_those_of_the_run(stage):
    rules = RULES.replace('kind = "draft"', 'tags = "seo"')
    bb = ruled(stage, rules)
    requests = [{**request("a"), "tags": ["seo"]}, request("b")]

    [run] = kept(bb, listed(stage, requests))
    [tagged] = kept(bb, listed(stage, [request("c")]), billing=billing_of(tags=["seo"]))

    assert [(one.rule, one.requests) for one in run.taken] == [("drafts", 1), ("", 1)]
    assert [one.rule for one in tagged.taken] == ["drafts"]


def test_a_table_is_one_run_under_one_rule(stage):
    bb = ruled(stage)
    options = RunOptions(
        source=str(stage.table(3)),
        prompt="Say: {{ text }}",
        model=OPUS,
        max_tokens=100,
        kind="draft",
    )

    [prepared] = bb.intake.prepare_routed(options)
    run = bb.intake.commit(prepared.run.staged)
    bb.run(run.id)

    [taken] = run.taken
    assert (taken.rule, taken.requests, taken.changed) == ("drafts", 3, {"model": 3})
    assert {json.loads(line)["model"] for line in _segments(bb, run)} == {SONNET}


def test_a_rule_about_size_takes_a_table_only_if_each_row_is_of_that_size(stage):
    rules = f"""
[[routes]]
name = "short"
when = {{ max_input_tokens = 40 }}
give = {{ model = "{HAIKU}" }}

[[routes]]
name = "rest"
give = {{ model = "{SONNET}" }}
"""
    bb = ruled(stage, rules)
    short = stage.table(["a", "b"], "short.csv")
    mixed = stage.table(["a", "word " * 100], "mixed.csv")
    asked = {"prompt": "Say: {{ text }}", "model": OPUS, "max_tokens": 100}

    [one], [other] = kept(bb, short, **asked), kept(bb, mixed, **asked)

    assert [taken.rule for taken in one.taken] == ["short"]
    assert [taken.rule for taken in other.taken] == ["rest"]


def test_a_rule_about_size_parts_a_list_request_by_request(stage):
    rules = f"""
[[routes]]
name = "long"
when = {{ min_input_bytes = 1000 }}
give = {{ model = "{SONNET}" }}
"""
    bb = ruled(stage, rules)
    long = request("b", messages=[{"role": "user", "content": "word " * 300}])

    [run] = kept(bb, listed(stage, [request("a"), long]))

    assert [(one.rule, one.requests) for one in run.taken] == [("", 1), ("long", 1)]


def test_a_rule_moves_requests_to_another_lane_and_they_are_sent_there(stage):
    rules = f"""
[lanes.nightly]

[[routes]]
name = "drafts"
when = {{ kind = "draft" }}
give = {{ lane = "nightly", model = "{SONNET}" }}
"""
    bb = ruled(stage, rules)

    moved, stayed = kept(bb, listed(stage))
    bb.run(moved.id)

    assert (moved.lane, moved.requests) == ("nightly", 2)
    assert (stayed.lane, stayed.requests) == ("default", 2)
    assert bb.is_finished(moved.id)
    assert not bb.is_finished(stayed.id)


def test_a_rule_promises_an_answer_by_a_time_of_the_zone(stage):
    rules = 'zone = "Europe/Berlin"\n' + RULES.replace('urgency = "soon"', 'by = "07:00"')
    bb = ruled(stage, rules)

    [run] = kept(bb, listed(stage, [request("a", "triage")]))

    assert run.urgency == "deadline"
    assert run.deadline is not None
    assert stage.clock.now() < run.deadline <= stage.clock.now() + 86_400


def test_a_time_without_a_zone_is_refused(stage):
    bb = ruled(stage, RULES.replace('urgency = "soon"', 'by = "07:00"'))
    if bb.settings.zone is not None:
        pytest.skip("this machine names its zone")

    with pytest.raises(ZoneNeeded):
        kept(bb, listed(stage, [request("a", "triage")]))


def test_a_model_that_is_not_known_is_refused_with_what_may_be_meant(stage):
    bb = ruled(stage, RULES.replace(SONNET, "claude-sonet-4-6"))

    with pytest.raises(ConfigError, match="claude-sonet-4-6") as caught:
        kept(bb, listed(stage))

    assert caught.value.hint == f"did you mean {SONNET}?"


def test_one_budget_is_not_taken_for_several_runs(stage):
    bb = ruled(stage)

    with pytest.raises(InputError, match="the routes make 2"):
        kept(bb, listed(stage), billing=billing_of("5.00"))


def test_objects_are_routed_as_lines_are(stage):
    bb = ruled(stage)

    runs = bb.enqueue_routed(MIXED, RunOptions(source="python"))

    assert [(run.name, run.requests) for run in runs] == [("python", 3), ("python", 1)]
    assert {one.custom_id for run in runs for one in _results(bb, run)} == {"a", "b", "c", "d"}


def test_a_routed_run_verifies(stage):
    bb = ruled(stage)

    runs = kept(bb, listed(stage))
    for run in runs:
        bb.run(run.id)

    assert not bb.verify().differences
