"""What a retry changes in a request, and that it changes nothing else."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.attempt import Attempt, turn_so_far
from backburner.nouns.model import most_output_tokens
from backburner.nouns.outcome import Outcome
from backburner.nouns.policy import Then
from backburner.plan.changing import STUCK, Changed, Stuck, change, turn_of

CAP = 64_000
TURN = b'[{"type":"text","text":"so \\u0066ar"}, {"type":"server_tool_use","id":"x","n":1.50}]'


def turn(content=TURN, stop_reason="max_tokens", thinking_tokens=0):
    usage = {"output_tokens_details": {"thinking_tokens": thinking_tokens}}
    message = {"content": msgspec.Raw(content), "stop_reason": stop_reason, "usage": usage}
    line = {"custom_id": "a", "result": {"type": "succeeded", "message": message}}
    return turn_of(msgspec.json.encode(line))


def body(**more):
    asked = {"model": "m", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi"}]}
    return msgspec.json.encode(asked | more)


numbers = st.sampled_from([b"1.50", b"1e3", b"-0.0", b"12345678901234567890123", b"true", b"null"])
texts = st.sampled_from([rb'"\u00e9\/"', '"é"'.encode(), rb'"\ud83d\ude00"', b'"plain"'])
values = st.one_of(
    numbers, texts, st.lists(numbers, max_size=3).map(lambda all_: b"[ " + b" ,".join(all_) + b"]")
)
extras = st.dictionaries(st.text("abcdefgh_", min_size=3), values, max_size=6)


@given(extras, st.sampled_from([Then.LONGER, Then.CONTINUE, Then.REPAIR]), st.data())
def test_every_other_parameter_keeps_its_bytes_and_its_place(extra, then, data):
    asked = {
        "model": b'"m"',
        "max_tokens": b"10",
        "messages": b'[{"role": "user","content":"\\u0048i"}]',
        **extra,
    }
    keys = data.draw(st.permutations(list(asked)))
    params = b"{" + b",".join(f'"{key}":'.encode() + asked[key] for key in keys) + b"}"

    changed = change(then, params, turn(), cap=CAP, complaint="wrong")

    after = msgspec.json.decode(changed.params, type=dict[str, msgspec.Raw])
    touched = "max_tokens" if then is Then.LONGER else "messages"
    assert list(after) == list(keys)
    assert {k: bytes(v) for k, v in after.items() if k != touched} == {
        k: v for k, v in asked.items() if k != touched
    }
    assert bytes(after["messages"]).startswith(b'[{"role": "user","content":"\\u0048i"}')


@given(extras)
def test_again_sends_the_very_same_bytes(extra):
    params = b'{ "model":"m",' + b",".join(f'"{k}": '.encode() + v for k, v in extra.items()) + b"}"

    assert change(Then.AGAIN, params, None, cap=CAP) == Changed(params, None)


@pytest.mark.parametrize(
    ("asked", "cap", "given_"), [(1000, 64_000, 2000), (40_000, 64_000, 64_000)]
)
def test_a_cut_answer_gets_twice_the_tokens_up_to_the_cap(asked, cap, given_):
    changed = change(Then.LONGER, body(max_tokens=asked), turn(), cap=cap)

    assert json.loads(changed.params)["max_tokens"] == given_
    assert changed.code == f"max_tokens:{given_}"


@given(st.integers(1024, 63_998), st.integers(1, 64_000))
def test_a_budget_for_thinking_stays_below_max_tokens(budget, above):
    asked = min(budget + above, CAP - 1)
    params = body(max_tokens=asked, thinking={"type": "enabled", "budget_tokens": budget})

    after = json.loads(change(Then.LONGER, params, turn(), cap=CAP).params)

    assert after["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert asked < after["max_tokens"] <= CAP
    assert budget < after["max_tokens"]


@pytest.mark.parametrize(
    "thinking", [{"type": "enabled", "budget_tokens": 2048}, {"type": "adaptive"}]
)
def test_at_the_cap_thinking_is_turned_off(thinking):
    changed = change(Then.LONGER, body(max_tokens=CAP, thinking=thinking), turn(), cap=CAP)

    assert changed.code == "thinking_off"
    assert json.loads(changed.params)["thinking"] == {"type": "disabled"}
    assert json.loads(changed.params)["max_tokens"] == CAP


@pytest.mark.parametrize(
    "thought",
    [
        turn(thinking_tokens=7),
        turn(b'[{"type":"thinking","thinking":"","signature":"s"}]'),
        turn(b'[{"type":"redacted_thinking","data":"s"}]'),
    ],
)
def test_a_model_that_thinks_by_itself_is_told_not_to(thought):
    changed = change(Then.LONGER, body(max_tokens=CAP), thought, cap=CAP)

    assert json.loads(changed.params)["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("thinking", [{}, {"thinking": {"type": "disabled"}}])
def test_at_the_cap_without_thinking_there_is_nothing_to_change(thinking):
    assert change(Then.LONGER, body(max_tokens=CAP, **thinking), turn(), cap=CAP) == Stuck("at_cap")


def test_a_full_context_window_does_not_grow():
    full = turn(stop_reason="model_context_window_exceeded")

    assert change(Then.LONGER, body(), full, cap=CAP) == Stuck("context_full")


def test_a_paused_turn_is_sent_back_exactly_as_it_was_received():
    changed = change(Then.CONTINUE, body(), turn(), cap=CAP)

    assert changed.code == "continued"
    assert b'{"role":"assistant","content":' + TURN + b"}]" in changed.params
    assert [one["role"] for one in json.loads(changed.params)["messages"]] == ["user", "assistant"]


def test_a_repair_sends_the_answer_back_with_what_is_wrong_with_it():
    changed = change(Then.REPAIR, body(), turn(), cap=CAP, complaint="at $.a: not a number")

    messages = json.loads(changed.params)["messages"]
    assert changed.code == "repaired"
    assert [one["role"] for one in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"] == "at $.a: not a number"


def test_an_empty_answer_is_not_sent_back_since_the_api_takes_no_empty_turn():
    repaired = change(Then.REPAIR, body(), turn(b"[]"), cap=CAP, complaint="it is no JSON")

    assert [one["role"] for one in json.loads(repaired.params)["messages"]] == ["user", "user"]
    assert change(Then.CONTINUE, body(), turn(b"[]"), cap=CAP) == Stuck("no_answer")


def test_what_would_be_too_large_is_not_sent():
    long = turn(msgspec.json.encode([{"type": "text", "text": "x" * 32_000_000}]))

    assert change(Then.CONTINUE, body(), long, cap=CAP) == Stuck("too_large")


def test_every_reason_to_give_up_has_its_words():
    assert set(STUCK) == {"at_cap", "context_full", "too_large", "no_answer"}


@pytest.mark.parametrize(
    ("model", "betas", "tokens"),
    [
        ("claude-haiku-4-5", (), 64_000),
        ("claude-sonnet-4-5-20250929", (), 64_000),
        ("claude-sonnet-4-6", (), 128_000),
        ("claude-fable-5", (), 128_000),
        ("claude-opus-5-5", ("output-300k-2026-03-24",), 300_000),
        ("claude-fable-5", ("output-300k-2026-03-24",), 128_000),
        ("claude-haiku-4-5", ("output-300k-2026-03-24",), 64_000),
        ("somebody-elses", (), 64_000),
    ],
)
def test_a_model_writes_so_much_and_no_more(model, betas, tokens):
    assert most_output_tokens(model, betas) == tokens


def attempts(*steps):
    return [
        Attempt(
            batch=1,
            position=0,
            attempt=number,
            in_batch=number,
            in_position=0,
            outcome=outcome,
            change=code,
        )
        for number, (outcome, code) in enumerate(steps, 1)
    ]


def test_an_answer_goes_on_from_every_paused_part_of_its_turn():
    earlier = attempts(
        (Outcome.PAUSED, None), (Outcome.SERVER_ERROR, "continued"), (Outcome.PAUSED, None)
    )

    assert [one.attempt for one in turn_so_far(earlier, "continued")] == [1, 3]


def test_a_repair_begins_the_answer_anew():
    earlier = attempts((Outcome.PAUSED, None), (Outcome.INVALID_OUTPUT, "continued"))

    assert turn_so_far(earlier, "repaired") == []
    again = [*earlier, *attempts((Outcome.PAUSED, "repaired"))]
    assert [one.change for one in turn_so_far(again, "continued")] == ["repaired"]
