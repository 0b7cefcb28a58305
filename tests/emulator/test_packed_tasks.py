"""Prompts that ask several tasks at once: each is answered by the rules, under its own id."""

import json

import pytest

from backburner.emulator import packs
from backburner.emulator.answers import Answers
from backburner.emulator.settings import Rule

PROMPT = 'Do these.\n\n<task id="t1">\nSay: one\n</task>\n\n<task id="t2">\nSay: two\n</task>'
STRINGS = {
    "type": "object",
    "properties": {"t1": {"type": "string"}, "t2": {"type": "string"}},
    "required": ["t1", "t2"],
    "additionalProperties": False,
}
SAY = Rule(match="^Say: (.*)$", answer=r"\1")


def said(*rules, schema=STRINGS):
    return packs.answer_all(packs.tasks_in(PROMPT, schema), schema, Answers(rules).to)


def test_each_task_has_its_own_answer():
    assert json.loads(said(SAY).text) == {"t1": "one", "t2": "two"}


@pytest.mark.parametrize(
    ("slip", "pairs"),
    [
        ("drop", [("t2", "two")]),
        ("double", [("t1", "one"), ("t1", "one"), ("t2", "two")]),
        ("spoil", [("t1", None), ("t2", "two")]),
    ],
)
def test_a_rule_may_spoil_the_answer_to_its_task(slip, pairs):
    answer = said(Rule(match="Say: (one)", answer=r"\1", slip=slip), SAY)

    assert json.loads(answer.text, object_pairs_hook=list) == pairs


def test_a_task_that_ends_otherwise_ends_so_for_all():
    assert said(SAY, Rule(match="x")).kind is None
    assert said(Rule(match="two", kind="refusal"), SAY).kind == "refusal"


def test_answers_have_the_form_that_each_task_asks():
    label = {"type": "object", "properties": {"of": {"enum": ["one", "two"]}}, "required": ["of"]}
    answer = {"$ref": "#/$defs/answer"}
    schema = {"properties": {"t1": answer, "t2": answer}, "$defs": {"answer": label}}

    assert json.loads(said(SAY, schema=schema).text) == {"t1": {"of": "one"}, "t2": {"of": "two"}}


@pytest.mark.parametrize("prompt", ["Say: one", '<b id="other">\nbold\n</b>'])
def test_another_prompt_has_no_tasks(prompt):
    assert packs.tasks_in(prompt, STRINGS) == {}


def test_what_stands_around_all_tasks_belongs_to_each():
    start, end = "<task-start>\nSay: \n</task-start>", "<task-end>\n!\n</task-end>"
    prompt = PROMPT.replace("Say: ", "").replace("Do these.", f"Do these.\n\n{start}\n\n{end}")

    assert packs.tasks_in(prompt, STRINGS) == {"t1": "Say: one!", "t2": "Say: two!"}
