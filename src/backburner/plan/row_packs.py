"""Packs: several rows in one request, each under an id of its own, and their answers in one object.

A pack's prompt names its tasks by a word that stands in none of their texts, so that no row can end
its own task or begin another, and so that the text of each can be taken out again, exactly.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

MOST_BYTES: Final = 100_000
"""What the prompts of a pack have together, at most: packing is for short rows."""

_ID_TOKENS: Final = 16
"""For an id with its quotes, colon and comma, in the answer; generous."""

_WORTH: Final = 40
"""Characters that all prompts of a pack have in common, from which on they are written once."""

_WORD: Final = "task"
_ANSWER: Final = "answer"
_HOISTED: Final = ("$defs", "definitions")
_LOCAL: Final = tuple(f"#/{name}/" for name in _HOISTED)
_OPENING: Final = re.compile(
    r"(?s)\A[^\n]*\n\n(?=</?(?P<word>task\d*)[ -])"
    r"(?:<(?P=word)-start>\n(?P<start>.*?)\n</(?P=word)-start>\n\n)?"
    r"(?:<(?P=word)-end>\n(?P<end>.*?)\n</(?P=word)-end>\n\n)?"
    r'<(?P=word) id="t1">\n'
)

_encode = msgspec.json.Encoder().encode
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def row_id(place: int) -> str:
    """The id of a pack's row, by its place from 0."""
    return f"t{place + 1}"


def pack_prompt(prompts: Sequence[str]) -> str:
    """The prompt that asks all of these at once; what all begin or end with is written once."""
    word = _free_word(prompts)
    start, end = _common(prompts)
    parts = [_instructions(len(prompts), word, start, end)]
    parts += [f"<{word}-{name}>\n{text}\n</{word}-{name}>" for name, text in _ends(start, end)]
    for place, prompt in enumerate(prompts):
        own = prompt[len(start) : len(prompt) - len(end)]
        parts.append(f'<{word} id="{row_id(place)}">\n{own}\n</{word}>')
    return "\n\n".join(parts)


def _instructions(count: int, word: str, start: str, end: str) -> str:
    around = "".join(
        f"What <{word}-{name}> holds belongs {where} each of them. "
        for name, where, text in (("start", "before", start), ("end", "after", end))
        if text
    )
    return (
        f"Below are separate tasks ({count} of them), each inside <{word}> with an id. {around}"
        "Do each one by itself, as if the others were not there: nothing in one task is about "
        "another, or changes how another is to be done. "
        "Answer with one JSON object that has one entry for each id: the id, and what you would "
        "have answered to that task alone."
    )


def _ends(start: str, end: str) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in (("start", start), ("end", end)) if text)


def _common(prompts: Sequence[str]) -> tuple[str, str]:
    """What all of these begin with and end with, in whole lines or words; empty where it is short.

    The text of a template around its columns: the instructions, which then are paid once a pack.
    """
    if len(prompts) == 1:
        return "", ""
    start = _shared(min(prompts), max(prompts))
    start = start[: _last_break(start) + 1]
    start = start if len(start) >= _WORTH else ""
    rests = [prompt[len(start) :][::-1] for prompt in prompts]
    end = _shared(min(rests), max(rests))
    end = end[: _last_break(end) + 1]
    return start, end[::-1] if len(end) >= _WORTH else ""


def _shared(one: str, other: str) -> str:
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return one[: min(len(one), len(other)) if same is None else same]


def _last_break(text: str) -> int:
    at = text.rfind("\n")
    return at if at >= 0 else text.rfind(" ")


def _free_word(prompts: Sequence[str]) -> str:
    """A word for tasks that none of their texts has."""
    word, number = _WORD, 1
    while any(re.search(rf"</?{word}[ >-]", prompt) for prompt in prompts):
        number += 1
        word = f"{_WORD}{number}"
    return word


def prompts_in(text: str) -> list[str]:
    """The prompts that a pack asks, exactly as they were before."""
    opening = _OPENING.match(text)
    if opening is None:
        raise ValueError("this is no prompt of a pack")
    word = opening["word"]
    start, end = opening["start"] or "", opening["end"] or ""
    rest = text[opening.end() :].removesuffix(f"\n</{word}>")
    own = re.split(rf'\n</{word}>\n\n<{word} id="t\d+">\n', rest)
    return [start + one + end for one in own]


def prompt_of(content: bytes) -> str:
    """The text of a message's content: a string, or blocks of text."""
    value = msgspec.json.decode(content)
    return value if isinstance(value, str) else "".join(block["text"] for block in value)


def pack_schema(schema: bytes | None, count: int) -> dict[str, Any]:
    """The schema of a pack's answer, for answers of a schema, or of free text."""
    ids = [row_id(place) for place in range(count)]
    around: dict[str, Any] = {}
    one: dict[str, Any] = {"type": "string"}
    if schema is not None:
        whole = msgspec.json.decode(schema)
        around = {key: whole.pop(key) for key in _HOISTED if key in whole}
        definitions = around.setdefault("$defs", {})
        name = _ANSWER
        while name in definitions:
            name += "_"
        definitions[name] = whole
        one = {"$ref": f"#/$defs/{name}"}
    return {
        "type": "object",
        "properties": dict.fromkeys(ids, one),
        "required": ids,
        "additionalProperties": False,
        **around,
    }


def lost_references(schema: Any) -> Iterator[str]:
    """References of a schema that would point elsewhere inside a pack's."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith(_LOCAL):
            yield reference
        for inner in schema.values():
            yield from lost_references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from lost_references(inner)


def pack_tokens(max_tokens: int, count: int, cap: int) -> int:
    """The `max_tokens` of a pack: room for every answer as if it were alone, and for the ids."""
    return max(max_tokens, min((max_tokens + _ID_TOKENS) * count, cap))


def alone(body: bytes, prompt: str, max_tokens: int, config: bytes | None) -> bytes:
    """The request that asks one row of a pack by itself, with all else as the pack had it.

    Args:
        body: The pack's.
        prompt: The row's.
        max_tokens: A single answer's.
        config: Its `output_config`; None without one.
    """
    keys = dict(_keys(body))
    keys["max_tokens"] = msgspec.Raw(_encode(max_tokens))
    keys["messages"] = msgspec.Raw(_encode([{"role": "user", "content": prompt}]))
    if config is None:
        keys.pop("output_config", None)
    else:
        keys["output_config"] = msgspec.Raw(config)
    return _encode(keys)


class _Content(msgspec.Struct, gc=False):
    content: msgspec.Raw


class _Body(msgspec.Struct, gc=False):
    messages: list[_Content]


_body = msgspec.json.Decoder(_Body).decode


def prompts_of_body(body: bytes) -> list[str]:
    """The prompts of the rows that a pack's body asks."""
    return prompts_in(prompt_of(bytes(_body(body).messages[0].content)))


def answers_in(text: str, count: int) -> list[bytes | None]:
    """The answer to each row of a pack, as JSON; None of an id that is missing or doubled.

    Ids that nobody asked for are passed over.
    """
    try:
        values = _keys(text)
        times = _times(text)
    except (ValueError, RecursionError):
        return [None] * count
    ids = map(row_id, range(count))
    return [bytes(values[one]) if times.get(one) == 1 else None for one in ids]


def _times(text: str) -> Mapping[str, int]:
    """How often each key stands in an object of JSON; objects inside it count for themselves."""
    counted: Counter[str] = Counter()

    def note(pairs: list[tuple[str, Any]]) -> None:
        # The outermost object ends last.
        nonlocal counted
        counted = Counter(key for key, _ in pairs)

    json.loads(text, object_pairs_hook=note)
    return counted


def text_in(answer: bytes) -> str | None:
    """A free answer as text; None where it is no string."""
    value = msgspec.json.decode(answer)
    return value if isinstance(value, str) else None
