"""What becomes of single requests: defects, answers, forms."""

import json
import re

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.emulator import needles, schemas
from backburner.emulator.settings import ItemFailure, Rule, Switches, load_rules

NEW = {"anthropic-version": "2026-10-21"}


def without(params, key):
    return {name: value for name, value in params.items() if name != key}


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda p: without(p, "messages"), "invalid_request_error", "messages: Field required"),
        (lambda p: without(p, "model"), "invalid_request_error", "model: Field required"),
        (lambda p: without(p, "max_tokens"), "invalid_request_error", "max_tokens: Field required"),
        (lambda p: {**p, "model": "claude-9"}, "not_found_error", "model: claude-9"),
        (
            lambda p: {**p, "model": "claude-3-opus-20240229"},
            "not_found_error",
            "model: claude-3-opus-20240229",
        ),
        (
            lambda p: {**p, "stream": True},
            "invalid_request_error",
            '"stream=True" is not supported in the Message Batches API',
        ),
        (
            lambda p: {**p, "max_tokens": 0},
            "invalid_request_error",
            "max_tokens: must be greater than or equal to 1",
        ),
        (
            lambda p: {**p, "max_tokens": 70_000},
            "invalid_request_error",
            (
                "max_tokens: 70000 > 64000, which is the maximum allowed number of output tokens "
                "for claude-haiku-4-5"
            ),
        ),
        (
            lambda p: {**p, "betas": ["x"]},
            "invalid_request_error",
            "betas: Extra inputs are not permitted",
        ),
        (
            lambda p: {**p, "messages": [{"role": "user", "content": "x", "name": "y"}]},
            "invalid_request_error",
            "messages.0.name: Extra inputs are not permitted",
        ),
        (
            lambda p: {**p, "max_tokens": "many"},
            "invalid_request_error",
            "max_tokens: Input should be a valid integer",
        ),
        (
            lambda p: {**p, "messages": []},
            "invalid_request_error",
            "messages: at least one message is required",
        ),
        (
            lambda p: {**p, "speed": "standard"},
            "invalid_request_error",
            '"speed" is not supported in the Message Batches API',
        ),
        (
            lambda p: {**p, "fallbacks": []},
            "invalid_request_error",
            '"fallbacks" is not supported in the Message Batches API',
        ),
        (
            lambda p: {**p, "billing_policy": {"bill_to": "user_profile"}},
            "invalid_request_error",
            '"billing_policy.bill_to" is not supported in the Message Batches API',
        ),
        (
            lambda p: {**p, "inference_geo": "us"},
            "invalid_request_error",
            "inference_geo: not supported for claude-haiku-4-5-20251001",
        ),
        (
            lambda p: {
                **p,
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "image",
                                "source": {"type": "url", "url": "https://x.invalid/a"},
                            }
                        ],
                    }
                ],
            },
            "invalid_request_error",
            "Unable to download the file. Please verify the URL and try again.",
        ),
        (
            lambda p: {**p, "messages": [{"role": "user", "content": "x" * 800_000}]},
            "invalid_request_error",
            "prompt is too long: 228584 tokens > 200000 maximum",
        ),
    ],
)
def test_a_defect_is_an_errored_line_after_the_end(api, ask, change, kind, message):
    good, bad = api.run(ask(), change(ask()))

    assert good["type"] == "succeeded"
    assert bad["type"] == "errored"
    assert bad["error"]["type"] == "error"
    assert bad["error"]["error"]["type"] == kind
    assert bad["error"]["error"]["message"] == message
    assert bad["error"]["request_id"].startswith("req_")


@pytest.mark.parametrize("key", ["temperature", "top_p", "top_k"])
def test_the_new_version_refuses_sampling_parameters(api, ask, key):
    params = ask(**{key: 1})

    [old] = api.run(params)
    [new] = api.run(params, **NEW)

    assert old["type"] == "succeeded"
    assert new["error"]["error"]["message"] == f"{key}: Extra inputs are not permitted"


def test_a_switch_refuses_them_at_creation(emulate, ask):
    api = emulate(switches=Switches(version_violation="create"))

    answer = api.post(
        "/v1/messages/batches",
        {"requests": [{"custom_id": "a", "params": ask(top_k=1)}]},
        **NEW,
    )

    assert answer.status == 400
    assert answer.message == "requests.0.params.top_k: Extra inputs are not permitted"
    assert api.world.ledger() == []


def test_the_new_version_refuses_misplaced_blocks(api, ask):
    document = {"type": "document", "source": {"type": "text", "data": "x"}}
    cited = {"type": "text", "text": "x", "citations": [{"type": "char_location"}]}
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [document]}]

    results = api.run(ask(messages=turns), ask([cited]), **NEW)

    assert [result["type"] for result in results] == ["errored", "errored"]
    assert [r["type"] for r in api.run(ask(messages=turns), ask([cited]))] == ["succeeded"] * 2


def test_a_beta_allows_longer_output(api, ask):
    params = ask(model="claude-opus-5-5", max_tokens=300_000)

    [refused] = api.run(params)
    [allowed] = api.run(params, anthropic_beta="output-300k-2026-03-24")

    assert refused["type"] == "errored"
    assert allowed["type"] == "succeeded"


def test_a_call_with_a_defect_is_refused_at_once(api, ask):
    missing = api.post("/v1/messages", ask(model="claude-9"))
    streamed = api.post("/v1/messages", ask(stream=True))

    assert (missing.status, missing.json["error"]["type"]) == (404, "not_found_error")
    assert (streamed.status, "does not stream" in streamed.message) == (400, True)


def test_the_first_rule_that_matches_gives_the_answer(emulate, ask):
    api = emulate(
        rules=(
            Rule(r"is (\w+) red", r"Yes, \1 is."),
            Rule("red", "Who knows?"),
            Rule("forbidden", kind="refusal"),
            Rule("broken", kind="overloaded_error"),
        )
    )

    first, second, refused, broken, other = api.run(
        ask("is blood red"), ask("red"), ask("forbidden"), ask("broken"), ask("else")
    )

    assert first["message"]["content"] == [{"type": "text", "text": "Yes, blood is."}]
    assert second["message"]["content"][0]["text"] == "Who knows?"
    assert refused["message"]["stop_reason"] == "refusal"
    assert refused["message"]["stop_details"]["type"] == "refusal"
    assert broken["error"]["error"]["type"] == "overloaded_error"
    assert other["message"]["content"][0]["text"] == "You said: else"


@pytest.mark.parametrize(
    "pattern",
    [
        r"red",
        r"(?i)\bred\b|blue",
        r"(red|blue)+ car",
        r"re?d",
        r"(?:red)? car",
        r"(?i)(?P<a>red)\s+(?P=a)",
        r"(?i:RED)",
        r"[rR]ed|x",
        r"(?x) red  # colour",
        r"^(?!.*blue).*red",
        r"(?s)red.*car",
        r"",
    ],
)
@pytest.mark.parametrize(
    "text",
    ["red", "RED", "Red red", "a blue car", "red car", "rd", "kar \u212a RED", "", "x", "red\ncar"],
)
def test_the_quick_search_finds_what_the_plain_one_finds(pattern, text):
    quick, plain = needles.search(pattern)(text), re.search(pattern, text)

    assert (quick and quick.span()) == (plain and plain.span())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rules.toml", "[[rules]]\nmatch = 'a(b)'\nanswer = '\\1'\n"),
        ("rules.json", '[{"match": "a(b)", "answer": "\\\\1"}]'),
    ],
)
def test_rules_come_from_a_file(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    assert load_rules(tmp_path / name) == (Rule("a(b)", "\\1"),)


@pytest.mark.parametrize("text", ['[{"match": "("}]', '[{"answer": "x"}]', '[{"match":"x","y":1}]'])
def test_faulty_rules_are_refused(tmp_path, text):
    (tmp_path / "rules.json").write_text(text)

    with pytest.raises(ValueError, match=r"pattern|rule"):
        load_rules(tmp_path / "rules.json")


def test_the_last_user_text_decides(emulate, ask):
    api = emulate(rules=(Rule("^last$", "found"),))
    turns = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": [{"type": "text", "text": "last"}]},
        {"role": "assistant", "content": "prefilled"},
    ]

    [result] = api.run(ask(messages=turns))

    assert result["message"]["content"][0]["text"] == "found"


def test_an_answer_stops_at_max_tokens(api, ask):
    [result] = api.run(ask("a long question " * 20, max_tokens=5))

    assert result["message"]["stop_reason"] == "max_tokens"
    assert result["message"]["usage"]["output_tokens"] == 5


def test_an_answer_stops_at_a_stop_sequence(api, ask):
    [result] = api.run(ask("one STOP two", stop_sequences=["STOP"]))

    assert result["message"]["content"][0]["text"] == "You said: one "
    assert result["message"]["stop_reason"] == "stop_sequence"
    assert result["message"]["stop_sequence"] == "STOP"


def test_scripted_failures_hit_one_request_of_one_batch(emulate, ask):
    failures = (ItemFailure(0, 1, "api_error"), ItemFailure(1, 0, "expired"))
    api = emulate(fail_once=failures)

    first = api.run(ask(), ask(), ask())
    second = api.run(ask(), ask())

    assert [result["type"] for result in first] == ["succeeded", "errored", "succeeded"]
    assert [result["type"] for result in second] == ["expired", "succeeded"]


def test_chance_failures_do_not_hit_the_same_request_twice(emulate, ask):
    api = emulate(errored_share=0.3, seed=7)
    first = api.run(*(ask(f"Question {i}") for i in range(60)))
    failed = [i for i, result in enumerate(first) if result["type"] == "errored"]

    second = api.run(*(ask(f"Question {i}") for i in failed))

    assert 5 < len(failed) < 35
    assert {first[i]["error"]["error"]["type"] for i in failed} == {"api_error", "overloaded_error"}
    assert {result["type"] for result in second} == {"succeeded"}


SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["good", "bad", "mixed"]},
        "kind": {"const": "review"},
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 2},
        "when": {"type": "string", "format": "date-time"},
        "note": {"anyOf": [{"type": "null"}, {"type": "string", "minLength": 3}]},
        "tree": {"$ref": "#/$defs/node"},
    },
    "required": ["label", "kind", "score", "share", "tags", "when", "note", "tree"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name", "children"],
            "additionalProperties": False,
        }
    },
}


def formed(schema):
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def test_an_answer_satisfies_the_schema_asked_for(api, ask):
    results = api.run(*(ask(f"Rate {i}", **formed(SCHEMA)) for i in range(20)))

    answers = [json.loads(result["message"]["content"][0]["text"]) for result in results]
    for answer in answers:
        jsonschema.validate(answer, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert len({answer["label"] for answer in answers}) > 1


_leaves = st.one_of(
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.builds(
        lambda low, span: {"type": "number", "minimum": low, "exclusiveMaximum": low + span},
        st.integers(-5, 5),
        st.integers(1, 3),
    ),
    st.builds(
        lambda low, span: {"type": "string", "minLength": low, "maxLength": low + span},
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    st.just({"type": "boolean"}),
    st.just({"type": ["string", "null"]}),
    st.just({"type": "integer", "multipleOf": 7, "minimum": 3}),
    st.lists(st.integers() | st.text(max_size=3), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
)
_schemas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda item, n: {"type": "array", "items": item, "minItems": n},
            inner,
            st.integers(0, 3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda fields: {"type": "object", "properties": fields, "required": list(fields)}
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(schema=_schemas, hint=st.text(max_size=12))
def test_generated_values_satisfy_their_schema(schema, hint):
    jsonschema.validate(schemas.generate(schema, hint), schema)


def test_a_schema_beyond_the_emulator_is_named(api, ask):
    [result] = api.run(ask(**formed({"type": "string", "pattern": "^a+$"})))

    assert result["type"] == "errored"
    assert "pattern" in result["error"]["error"]["message"]


def test_a_rule_chooses_among_the_values_of_a_schema(emulate, ask):
    api = emulate(rules=(Rule("great", "good"), Rule("json", '{"label": "mixed"}')))
    schema = formed({"type": "object", "properties": {"label": SCHEMA["properties"]["label"]}})

    results = api.run(ask("great", **schema), ask("json", **schema))

    answers = [json.loads(result["message"]["content"][0]["text"]) for result in results]
    assert answers == [{"label": "good"}, {"label": "mixed"}]


def test_a_forced_tool_is_called_with_a_fitting_input(api, ask):
    tool = {"name": "rate", "input_schema": SCHEMA}

    [result] = api.run(ask(tools=[tool], tool_choice={"type": "tool", "name": "rate"}))

    [block] = result["message"]["content"]
    assert (block["type"], block["name"]) == ("tool_use", "rate")
    assert result["message"]["stop_reason"] == "tool_use"
    jsonschema.validate(block["input"], SCHEMA)


def test_a_forced_tool_that_is_cut_off_has_no_input_and_costs_no_more(api, ask):
    tool = {"name": "rate", "input_schema": SCHEMA}

    [result] = api.run(ask(tools=[tool], tool_choice={"type": "any"}, max_tokens=2))

    message = result["message"]
    assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("max_tokens", 2)
    assert message["content"][0]["input"] == {}
