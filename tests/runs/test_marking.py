"""Marks are added to a body's bytes, and nothing else of it changes."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.emulator.catalogue import find
from backburner.emulator.marks import prompt_of
from backburner.emulator.parameters import lenient
from backburner.plan.caching.terms import Ttl
from backburner.runs.blocks import Section, read_prompt
from backburner.runs.marking import added_marks, marked, own_marks, unmarked

HAIKU = find("claude-haiku-4-5")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
lasting = st.sampled_from(list(Ttl))

# In another order of keys than a string is unwrapped to, so that the two can be told apart.
text_blocks = st.builds(lambda text: {"text": text, "type": "text"}, texts)
other_blocks = st.sampled_from(
    [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1.50}},
        {"type": "tool_result", "tool_use_id": "t", "content": "12"},
    ]
)
blocks = text_blocks | other_blocks
contents = texts | st.lists(blocks, max_size=4)
turns = st.builds(lambda role, content: {"role": role, "content": content}, texts, contents)
tools = st.builds(lambda name: {"name": name, "input_schema": {"type": "object"}}, texts)


@st.composite
def bodies(draw: Any) -> bytes:
    """Bodies as callers write them: in any order of keys, tight or spread, escaped or not."""
    keys = {
        "model": draw(texts),
        "max_tokens": draw(st.integers(1, 9)),
        "tools": draw(st.lists(tools, max_size=3)),
        "system": draw(contents),
        "messages": draw(st.lists(turns, min_size=1, max_size=4)),
        "metadata": {"user_id": draw(texts), "n": draw(st.floats(0, 1))},
    }
    order = draw(st.permutations(sorted(keys)))
    chosen = [key for key in order if key == "messages" or draw(st.booleans())]
    return json.dumps(
        {key: keys[key] for key in chosen},
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])),
    ).encode()


@st.composite
def marked_bodies(draw: Any) -> bytes:
    """Bodies that carry up to four marks of their own, longer ones first, or an automatic one."""
    body = json.loads(draw(bodies()))
    prompt = read_prompt(json.dumps(body).encode())
    assert prompt is not None
    able = [at for at, block in enumerate(prompt.blocks) if block.takes_mark]
    chosen = sorted(draw(st.sets(st.sampled_from(able), max_size=4))) if able else []
    longs = draw(st.integers(0, len(chosen)))
    ttls = {at: Ttl.ONE_HOUR if n < longs else Ttl.FIVE_MINUTES for n, at in enumerate(chosen)}
    whole = json.loads(marked(prompt, ttls))
    if len(chosen) < 4 and longs in {0, len(chosen)} and draw(st.booleans()):
        ttl = Ttl.ONE_HOUR if chosen and longs else Ttl.FIVE_MINUTES
        whole["cache_control"] = {"type": "ephemeral", "ttl": ttl.value}
    return json.dumps(whole).encode()


def without_marks(value: Any) -> Any:
    """A body's value without any mark, each string as the list of blocks that it stands for."""

    def content(given: Any) -> Any:
        if isinstance(given, str):
            return [{"type": "text", "text": given}]
        return [{k: v for k, v in one.items() if k != "cache_control"} for one in given]

    body = dict(value)
    for key in ("tools", "system"):
        if key in body:
            body[key] = content(body[key])
    body["messages"] = [{**turn, "content": content(turn["content"])} for turn in body["messages"]]
    return body


def marks_in(body: bytes) -> list[str]:
    """Every mark of a body in the order of the cache, by its lifetime."""
    value = json.loads(body)
    rows = [value.get("tools"), value.get("system"), *(t["content"] for t in value["messages"])]
    return [
        block["cache_control"].get("ttl", "5m")
        for row in rows
        if isinstance(row, list)
        for block in row
        if "cache_control" in block
    ]


@given(bodies(), st.data())
def test_without_its_marks_a_marked_body_is_the_body_byte_for_byte(
    body: bytes, data: st.DataObject
) -> None:
    prompt = read_prompt(body)
    assert prompt is not None
    wanted = data.draw(st.dictionaries(st.sampled_from(range(len(prompt.blocks) or 1)), lasting))
    wanted = {at: ttl for at, ttl in wanted.items() if at < len(prompt.blocks)}
    added = added_marks(prompt, wanted)

    whole = marked(prompt, added)

    back = whole
    for ttl in Ttl:
        mark = b'"cache_control":{"type":"ephemeral","ttl":"%b"}' % ttl.value.encode()
        back = re.sub(
            rb'\[\{"type":"text","text":("(?:[^"\\]|\\.)*"),' + mark + rb"\}\]", rb"\1", back
        )
        back = back.replace(b"," + mark, b"")
    assert back == body
    assert len(marks_in(whole)) == len(added)


@given(marked_bodies(), st.data())
def test_all_but_the_marks_stays_token_for_token(body: bytes, data: st.DataObject) -> None:
    prompt = read_prompt(body)
    assert prompt is not None
    numbers = st.sampled_from(range(max(len(prompt.blocks), 1)))
    wanted = data.draw(st.dictionaries(numbers, lasting))
    added = added_marks(prompt, {at: ttl for at, ttl in wanted.items() if at < len(prompt.blocks)})

    whole = marked(prompt, added)

    assert without_marks(json.loads(whole)) == without_marks(json.loads(body))
    rest = iter(TOKEN.findall(whole.decode()))
    assert all(token in rest for token in TOKEN.findall(body.decode()))


@given(marked_bodies(), st.data())
def test_marks_keep_the_rules_of_the_api(body: bytes, data: st.DataObject) -> None:
    prompt = read_prompt(body)
    assert prompt is not None
    before = own_marks(prompt)
    wanted = {at: data.draw(lasting) for at in range(len(prompt.blocks))}

    added = added_marks(prompt, wanted)

    whole = {**before, **added}
    lifetimes = [whole[at] for at in sorted(whole)]
    assert len(whole) <= 4
    assert not set(added) & set(before)
    assert lifetimes == sorted(lifetimes, key=[Ttl.ONE_HOUR, Ttl.FIVE_MINUTES].index)
    assert all(prompt.blocks[at].takes_mark for at in added)


@given(marked_bodies(), st.data())
def test_the_emulator_takes_every_marked_body(body: bytes, data: st.DataObject) -> None:
    prompt = read_prompt(body)
    assert prompt is not None
    wanted = {at: data.draw(lasting) for at in range(len(prompt.blocks))}
    added = added_marks(prompt, wanted)

    after = prompt_of(lenient.decode(marked(prompt, added)), HAIKU)

    before = prompt_of(lenient.decode(body), HAIKU)
    assert [place.end for place in after.places] == [place.end for place in before.places]
    marks = {**own_marks(prompt), **added}
    assert [one.ttl for one in after.breakpoints] == [marks[at] for at in sorted(marks)]


def read(**body: Any) -> Any:
    found = read_prompt(msgspec.json.encode(body))
    assert found is not None
    return found


def test_a_prompt_is_read_in_the_order_of_the_cache() -> None:
    prompt = read(
        messages=[{"role": "user", "content": "Hi"}],
        system=[{"type": "text", "text": "Be kind"}],
        tools=[{"name": "look"}],
    )

    assert [block.section for block in prompt.blocks] == list(Section)
    assert [block.text_bytes for block in prompt.blocks] == [len('{"name":"look"}'), 7, 2]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "s"},
        {"type": "text", "text": ""},
        {"type": "text", "text": " \n"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    ],
)
def test_a_block_that_takes_no_mark_gets_none(block: dict[str, Any]) -> None:
    prompt = read(messages=[{"role": "assistant", "content": [block]}])

    assert not prompt.blocks[0].takes_mark
    assert added_marks(prompt, {0: Ttl.FIVE_MINUTES}) == {}


def test_a_tool_that_is_loaded_later_gets_no_mark() -> None:
    prompt = read(tools=[{"name": "a", "defer_loading": True}], messages=[])

    assert added_marks(prompt, {0: Ttl.ONE_HOUR}) == {}


def test_an_hour_is_never_put_behind_five_minutes() -> None:
    mark = {"type": "ephemeral"}
    prompt = read(
        tools=[{"name": "look"}],
        system=[{"type": "text", "text": "Be kind", "cache_control": mark}],
        messages=[{"role": "user", "content": "Hi"}],
    )

    added = added_marks(prompt, {0: Ttl.ONE_HOUR, 2: Ttl.ONE_HOUR})

    assert own_marks(prompt) == {1: Ttl.FIVE_MINUTES}
    assert added == {0: Ttl.ONE_HOUR}


def test_the_automatic_mark_takes_the_last_block_and_one_of_the_four() -> None:
    prompt = read(
        cache_control={"type": "ephemeral"},
        system=[{"type": "text", "text": word} for word in "abcde"],
        messages=[{"role": "user", "content": "Hi"}],
    )

    added = added_marks(prompt, dict.fromkeys(range(6), Ttl.FIVE_MINUTES))

    assert own_marks(prompt) == {5: Ttl.FIVE_MINUTES}
    assert list(added) == [0, 1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b'{"system":"a","system":"b","messages":[]}',
        b'{"system":7,"messages":[]}',
        b'{"messages":[{"role":"user"}]}',
        (
            b'{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":'
            b'[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}]}'
        ),
        b'{"system":[{"type":"text","text":"x","cache_control":null}],"messages":[]}',
        b'{"system":[{"type":"text","text":"x","cache_control":{"ttl":"1d"}}],"messages":[]}',
    ],
)
def test_a_body_whose_marks_cannot_be_told_for_sure_is_left_alone(body: bytes) -> None:
    assert read_prompt(body) is None


def test_words_about_a_mark_are_no_mark() -> None:
    prompt = read(system='put "cache_control": {"type": "ephemeral"} into it', messages=[])

    assert own_marks(prompt) == {}
    assert added_marks(prompt, {0: Ttl.ONE_HOUR}) == {0: Ttl.ONE_HOUR}


@given(bodies(), st.data())
def test_marks_that_were_added_can_be_taken_out_again(body: bytes, data: st.DataObject) -> None:
    prompt = read_prompt(body)
    assert prompt is not None
    places = st.integers(0, max(len(prompt.blocks) - 1, 0))
    wanted = data.draw(st.dictionaries(places, lasting, max_size=4)) if prompt.blocks else {}

    assert unmarked(marked(prompt, added_marks(prompt, wanted))) == body


def test_what_only_looks_like_a_mark_in_a_text_is_left_alone() -> None:
    text = 'a,"cache_control":{"type":"ephemeral","ttl":"5m"}'
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()

    assert unmarked(body) == body
