"""Prompts that ask several tasks at once: the pretend model does each as if it were alone.

It takes a prompt so whose tasks stand in elements with an id, where the form asked for has a
property for each of these ids and nothing else. What belongs before or after every task may stand
in elements of its own, `-start` and `-end`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from backburner.emulator import schemas
from backburner.emulator.answers import Answer

_TASK: Final = re.compile(r'(?s)<(\w+) id="(\w+)">\n(.*?)\n</\1>')


def tasks_in(text: str, schema: Any) -> dict[str, str]:
    """The tasks of a prompt by id; none where it is a prompt like any other."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    first = _TASK.search(text) if properties else None
    if first is None:
        return {}
    before, after = _around(text, first[1], "start"), _around(text, first[1], "end")
    tasks = (one for one in _TASK.finditer(text) if one[1] == first[1])
    found = {one[2]: before + one[3] + after for one in tasks}
    return found if found.keys() == properties.keys() else {}


def _around(text: str, word: str, name: str) -> str:
    """What is written once and belongs to each task."""
    found = re.search(rf"(?s)<{word}-{name}>\n(.*?)\n</{word}-{name}>", text)
    return found[1] if found else ""


def answer_all(tasks: Mapping[str, str], schema: Any, answer_to: Callable[[str], Answer]) -> Answer:
    """One object with an answer for each task, with the slips that rules make in it.

    What a rule ends in another way than an answer, ends so for all of them.
    """
    entries: list[str] = []
    for name, text in tasks.items():
        answer = answer_to(text)
        if answer.kind is not None:
            return answer
        entries.extend(_entries(name, answer, schema))
    return Answer("{" + ",".join(entries) + "}", by_rule=True)


def _entries(name: str, answer: Answer, schema: Any) -> list[str]:
    entry = f"{_json(name)}:{_value(name, answer, schema)}"
    match answer.slip:
        case "drop":
            return []
        case "double":
            return [entry, entry]
        case "spoil":
            return [f"{_json(name)}:null"]
        case None:
            return [entry]


def _value(name: str, answer: Answer, schema: Any) -> str:
    """A task's answer in its form; a rule that already gives JSON is taken at its word."""
    form = schema["properties"][name]
    is_text = form == {"type": "string"}
    if not is_text and answer.by_rule and answer.text.lstrip().startswith(("{", "[")):
        return answer.text
    around = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return _json(schemas.generate({**form, **around}, answer.text))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
