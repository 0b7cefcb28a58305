"""Packs of rows: prompts that can be taken apart again, and answers by id."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.client.pack_check import agreement_interval
from backburner.plan.row_packs import (
    alone,
    answers_in,
    lost_references,
    pack_prompt,
    pack_schema,
    pack_tokens,
    prompts_in,
)

PIECES = st.lists(
    st.sampled_from(
        ["x", "\n", "<task ", "</task>", "</task2>", '<task id="t1">\n', '<task2 id="t2">', "é"]
    ),
    max_size=8,
).map("".join)


LONG = "Say whether this is good or bad, in one word, and nothing else."


@given(
    st.lists(PIECES, min_size=1, max_size=5),
    st.sampled_from(["", LONG, f"{LONG}\n\nText: "]),
    st.sampled_from(["", f"\n{LONG}", f" {LONG}\n"]),
)
def test_a_prompt_is_taken_apart_exactly_whatever_its_rows_say(
    texts: list[str], before: str, after: str
) -> None:
    prompts = [before + text + after for text in texts]

    assert prompts_in(pack_prompt(prompts)) == prompts


def test_what_all_rows_begin_and_end_with_is_written_once() -> None:
    prompts = [f"{LONG}\n\nText: {text}\n{LONG}" for text in ("one", "two", "three")]

    whole = pack_prompt(prompts)

    assert whole.count(LONG) == 2
    assert whole.count("Text: ") == 3
    assert prompts_in(whole) == prompts


def test_what_is_no_prompt_of_a_pack_is_not_taken_apart() -> None:
    with pytest.raises(ValueError, match="no prompt of a pack"):
        prompts_in("Say: hello")


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ('{"t1":"a","t2":"b"}', [b'"a"', b'"b"']),
        ('{"t2":"b","t1":"a","t9":"c"}', [b'"a"', b'"b"']),
        ('{"t1":"a"}', [b'"a"', None]),
        ('{"t1":"a","t2":"b","t1":"a"}', [None, b'"b"']),
        ('{"t1":{"t2":1,"t2":2},"t2":"b"}', [b'{"t2":1,"t2":2}', b'"b"']),
        ('{"t1":"a","t2"', [None, None]),
        ('["a","b"]', [None, None]),
        ("", [None, None]),
    ],
)
def test_an_answer_counts_whose_id_stands_there_once(text: str, answers: list[object]) -> None:
    assert answers_in(text, 2) == answers


def test_a_schema_keeps_its_definitions_beside_the_answers() -> None:
    schema = {"type": "object", "$defs": {"answer": {"type": "string"}}}

    packed = pack_schema(msgspec.json.encode(schema), 2)

    assert packed["properties"] == {key: {"$ref": "#/$defs/answer_"} for key in ("t1", "t2")}
    assert packed["$defs"] == {"answer": {"type": "string"}, "answer_": {"type": "object"}}


def test_references_that_a_pack_would_break_are_found() -> None:
    schema = {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/x"}, {"$ref": "#/properties/y"}]}

    assert list(lost_references(schema)) == ["#", "#/properties/y"]


@pytest.mark.parametrize(("count", "cap", "most"), [(10, 64_000, 2_160), (10, 1_000, 1_000)])
def test_a_pack_has_room_for_all_answers_up_to_the_cap(count: int, cap: int, most: int) -> None:
    assert pack_tokens(200, count, cap) == most


def test_a_row_alone_keeps_all_else_of_its_pack() -> None:
    body = b'{"model":"m","max_tokens":9,"system":"s","messages":[],"x":1.50,"output_config":{}}'

    kept = alone(body, "Say", 3, None)

    assert kept == (
        b'{"model":"m","max_tokens":3,"system":"s",'
        b'"messages":[{"role":"user","content":"Say"}],"x":1.50}'
    )


@pytest.mark.parametrize(
    ("equal", "compared", "interval"),
    [(97, 100, (0.9148, 0.9938)), (100, 100, (0.9638, 1.0)), (0, 10, (0.0, 0.3085))],
)
def test_the_interval_of_a_check_is_the_exact_binomial_one(
    equal: int, compared: int, interval: tuple[float, float]
) -> None:
    assert agreement_interval(equal, compared) == pytest.approx(interval, abs=1e-4)
