import json
from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.errors import InputFaults
from backburner.runs.bodies import BodyShape, read_param, render_bodies
from backburner.runs.faults import Faults
from backburner.runs.tables import Format, read_table
from backburner.runs.template import PromptTemplate

SHAPE = BodyShape(
    model="m",
    max_tokens=200,
    system='a "b"',
    params={"metadata": msgspec.Raw(b'{"user_id":1.0}'), "thinking": msgspec.Raw(b"{}")},
)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_body_holds_the_prompt_in_the_order_of_the_house(prompt: str) -> None:
    body = SHAPE.body(prompt)

    assert list(json.loads(body)) == [
        "model",
        "max_tokens",
        "system",
        "messages",
        "metadata",
        "thinking",
    ]
    assert json.loads(body)["messages"] == [{"role": "user", "content": prompt}]
    assert body.endswith(b',"metadata":{"user_id":1.0},"thinking":{}}')
    assert body == SHAPE.body(prompt)
    assert b"\n" not in body


def test_without_a_system_prompt_there_is_no_key() -> None:
    body = BodyShape(model="m", max_tokens=1).body("x")

    assert body == b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}'


def test_a_parameter_keeps_its_json() -> None:
    key, value = read_param('metadata={"a": 1.0,\n "b": 1e400}')

    assert (key, bytes(value)) == ("metadata", b'{"a":1.0,"b":1e400}')


@pytest.mark.parametrize("text", ["x", "=1", "x=", "x=auto", "messages=[]", "model=1", "x={"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(InputFaults, match="parameter_invalid") as caught:
        read_param(text)
    assert caught.value.hint


def rendered(data: str, template: str) -> tuple[list[Any], Faults]:
    faults = Faults()
    table = read_table(BytesIO(data.encode()), Format.CSV, faults)
    prompt = PromptTemplate.compile(template, "prompt.md")
    return list(render_bodies(table, prompt, SHAPE, faults)), faults


def test_rows_become_bodies_and_faults_their_own_lines() -> None:
    pairs, faults = rendered("id,text\n1,a\n2,\n3,c\n", "{{ text }}")

    assert [record.values["id"] for record, _ in pairs] == ["1", "3"]
    assert json.loads(pairs[1][1])["messages"][0]["content"] == "c"
    assert [(each.code, each.line) for each in faults.kept] == [("prompt_empty", 3)]


def test_a_body_over_the_limit_is_a_fault() -> None:
    pairs, faults = rendered("text\nx\n", "{{ text * 32000000 }}")

    assert pairs == []
    assert [each.code for each in faults.kept] == ["request_too_large"]


def test_faults_are_told_together_with_lines_and_hints() -> None:
    faults = Faults()
    faults.add("b", "second", line=9, hint="do this")
    faults.add("a", "first", line=2, hint="do this")
    faults.add("t", "other", line=5, path="prompt.md")

    with pytest.raises(InputFaults) as caught:
        faults.raise_if_any("reviews.csv")

    assert str(caught.value) == (
        "reviews.csv: 3 faults\n  prompt.md, line 5: other (t)\n  line 2: first (a)\n"
        "  line 9: second (b)"
    )
    assert caught.value.hint == "do this"


def test_without_faults_nothing_is_raised() -> None:
    Faults().raise_if_any("x")
