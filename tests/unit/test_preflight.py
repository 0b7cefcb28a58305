import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.request import read_params
from backburner.plan.preflight import (
    MAX_REQUEST_BYTES,
    Refusal,
    blank_message,
    length_refusal,
    refusals,
    size_refusal,
)

GOOD = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user"}]}


def found(changes: dict[str, Any], *, without: str = "", known: Any = None) -> list[Refusal]:
    params = {key: value for key, value in (GOOD | changes).items() if key != without}
    return list(refusals(read_params(json.dumps(params).encode()), known))


def test_a_plain_request_passes() -> None:
    assert found({}) == []
    assert found({"stream": False, "system": "s", "thinking": {}, "cache_control": {}}) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stream", True),
        ("speed", "fast"),
        ("speed", "standard"),
        ("temperature", 0.5),
        ("top_p", 1),
        ("top_k", 5),
        ("fallbacks", [{"model": "x"}]),
        ("store", True),
        ("billing_policy", {"bill_to": "user_profile"}),
    ],
)
def test_what_a_batch_refuses_is_named_with_its_value(key: str, value: Any) -> None:
    (refusal,) = found({key: value})

    assert refusal.code == "parameter_refused"
    assert refusal.what.startswith(f"{key} is {json.dumps(value, separators=(',', ':'))[:8]}")
    assert refusal.hint


@pytest.mark.parametrize(
    ("model", "geo", "told"),
    [
        ("claude-haiku-4-5", "us", ['inference_geo is "us", which claude-haiku-4-5 refuses']),
        ("claude-opus-4-5-20251101", "global", ['inference_geo is "global", which']),
        ("claude-sonnet-4-6", "eu", ['inference_geo is "eu", not us or global']),
        ("claude-sonnet-4-6", "us", []),
        ("claude-haiku-5-5", "global", []),
        ("claude-next", "us", []),
        ("claude-haiku-4-5", None, []),
    ],
)
def test_a_place_of_inference_is_refused_where_the_model_knows_none(
    model: str, geo: str | None, told: list[str]
) -> None:
    refused = found({"model": model, "inference_geo": geo})

    assert len(refused) == len(told)
    for refusal, words in zip(refused, told, strict=True):
        assert refusal.what.startswith(words)
        assert refusal.path == ("inference_geo",)


def test_betas_in_params_are_sent_to_their_option() -> None:
    (refusal,) = found({"betas": ["output-300k-2026-03-24"]})

    assert "--beta" in refusal.hint


@pytest.mark.parametrize("value", [0, -1, 1.0, "200", None, True, [1]])
def test_max_tokens_must_be_a_whole_number_of_at_least_one(value: Any) -> None:
    (refusal,) = found({"max_tokens": value})

    assert f"max_tokens is {json.dumps(value)}" in refusal.what


@pytest.mark.parametrize("key", ["model", "max_tokens", "messages"])
def test_what_every_request_needs_is_missed(key: str) -> None:
    (refusal,) = found({}, without=key)

    assert refusal.what == f"{key} is missing"


@pytest.mark.parametrize("value", [[], {}, "hello", None])
def test_messages_must_be_a_list_with_a_message(value: Any) -> None:
    (refusal,) = found({"messages": value})

    assert "messages" in refusal.what


def test_messages_spread_over_lines_pass() -> None:
    body = json.dumps(GOOD, indent=2).encode()

    assert refusals(read_params(body)) == ()
    assert refusals(read_params(body.replace(b'{\n      "role": "user"\n    }', b"")))


def test_an_unknown_model_is_refused_with_the_nearest_one() -> None:
    known = frozenset({"claude-haiku-4-5", "claude-opus-4-7"})

    (refusal,) = found({"model": "claude-hiaku-4-5"}, known=known)

    assert refusal.code == "model_unknown"
    assert refusal.hint == ("did you mean claude-haiku-4-5? If not, --allow-unknown-price sends it")
    assert found({"model": "claude-hiaku-4-5"}) == []
    assert "price table" in found({"model": "gpt"}, known=known)[0].hint


def test_all_reasons_are_given_at_once() -> None:
    keys = {"stream": True, "speed": "fast", "max_tokens": 0, "top_k": 1}

    assert len(found(keys, without="model")) == 5


def test_long_values_are_shown_short() -> None:
    (refusal,) = found({"fallbacks": "x" * 500})

    assert len(refusal.what) < 120


def test_a_request_over_the_messages_limit_is_refused() -> None:
    assert size_refusal(MAX_REQUEST_BYTES) is None
    refusal = size_refusal(MAX_REQUEST_BYTES + 1)
    assert refusal is not None
    assert "32,000,001" in refusal.what


def blank(*messages: dict[str, Any]) -> Refusal | None:
    return blank_message(read_params(json.dumps(GOOD | {"messages": messages}).encode()))


@pytest.mark.parametrize("content", ["", " ", "\n\t "])
def test_a_blank_message_is_refused_with_its_place(content: str) -> None:
    said = {"role": "user", "content": "x"}

    refusal = blank(said, {"role": "user", "content": content}, said)

    assert refusal is not None
    assert (refusal.code, refusal.path) == ("prompt_empty", ("messages", 1))


def test_blank_text_that_the_api_takes_passes() -> None:
    said = {"role": "user", "content": 'say "content": ""'}
    result = {"type": "tool_result", "tool_use_id": "t", "content": ""}

    assert blank(said) is None
    assert blank(said, {"role": "assistant", "content": ""}) is None
    assert blank({"role": "user", "content": [result]}) is None


def test_a_retired_model_is_named_with_its_day() -> None:
    (refusal,) = found({"model": "claude-opus-4-1-20250805"}, known={"claude-opus-4-7"})

    assert refusal.code == "model_retired"
    assert "2026-08-05" in refusal.what
    assert refusal.path == ("model",)


def test_a_prompt_beyond_the_window_is_refused() -> None:
    refusal = length_refusal("claude-haiku-4-5", b"some words " * 120_000)

    assert refusal is not None
    assert "200,000 tokens" in refusal.what
    assert length_refusal("claude-haiku-5-5", b"some words " * 120_000) is None


@given(st.dictionaries(st.sampled_from([*GOOD, "stream", "speed", "x"]), st.integers() | st.text()))
def test_judging_parameters_never_fails(params: dict[str, Any]) -> None:
    for refusal in refusals(read_params(json.dumps(params).encode()), {"m"}):
        assert refusal.what
