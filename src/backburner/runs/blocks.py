"""The blocks of a prompt, as they stand in a body's bytes: a cache mark may end each of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from backburner.plan.caching.terms import Ttl

MARK_KEY: Final = b"cache_control"
_MARK: Final = re.compile(rb'(?<!\\)"cache_control"[ \t\r\n]*:')
_KEY: Final = re.compile(rb'[ \t\r\n,]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_GAP: Final = re.compile(rb"[ \t\r\n,]*")
_ENCODED: Final = b'"base64"'

_MARKABLE: Final = frozenset({"text", "image", "document", "tool_use", "tool_result"})
"""Content blocks that take a mark: thinking and empty text do not.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (what can be cached), read
2026-08-22. Blocks of server tools are left alone, which costs at most a saving.
"""


class Section(IntEnum):
    """The parts of a prompt in the order of the cache, which is not that of a body's keys."""

    TOOLS = 0
    SYSTEM = 1
    MESSAGES = 2


class Block(msgspec.Struct, frozen=True, gc=False):
    """One block of a prompt.

    Attributes:
        start: Where it begins in the body; `end` is where it ends.
        role: Who says it; empty for tools and system.
        turn: Which message it belongs to, from 0.
        is_string: Whether a string stands there, for one block of text.
        text_bytes: UTF-8 bytes of what counts as text; none of an image or an encoded document.
        own: How long a mark that the caller set keeps it; None without one.
        takes_mark: Whether a mark may be added.
    """

    section: Section
    start: int
    end: int
    role: str
    turn: int
    is_string: bool
    text_bytes: int
    own: Ttl | None
    takes_mark: bool


class Prompt(msgspec.Struct, frozen=True, gc=False):
    """A body's prompt, block by block.

    Attributes:
        blocks: In the order of the cache: tools, system, messages.
        parts: The body's values by key.
        automatic: How long the mark lives that a `cache_control` of the body itself sets; the API
            puts it on the last block that takes one.
    """

    body: bytes
    blocks: tuple[Block, ...]
    parts: Mapping[str, msgspec.Raw]
    automatic: Ttl | None


class _Mark(msgspec.Struct, gc=False):
    ttl: Ttl | None = None


class _Fields(msgspec.Struct, gc=False):
    type: Any = None
    text: Any = None
    defer_loading: Any = False
    cache_control: _Mark | UnsetType | None = UNSET


class _Turn(msgspec.Struct, gc=False):
    role: str
    content: msgspec.Raw


_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_fields = msgspec.json.Decoder(_Fields).decode
_turn = msgspec.json.Decoder(_Turn).decode
_mark = msgspec.json.Decoder(_Mark | None).decode


def read_prompt(body: bytes) -> Prompt | None:
    """The blocks of a body's prompt; None where nothing should be added to it.

    That is a body which the API would refuse, one that says the same key twice, and one that has a
    `cache_control` in a place that is not looked into, or one of null: it may count too.
    """
    try:
        parts = _parts(body)
        at = dict(_members(body, 0, parts))
        blocks = tuple(_blocks(body, parts, at))
        automatic = _mark(parts["cache_control"]) if "cache_control" in parts else None
    except (ValueError, LookupError, RecursionError):
        return None
    if MARK_KEY in body:
        seen = sum(not block.takes_mark and block.own is not None for block in blocks)
        if len(_MARK.findall(body)) != seen + ("cache_control" in parts):
            return None
    ttl = None if automatic is None else automatic.ttl or Ttl.FIVE_MINUTES
    return Prompt(body, blocks, parts, ttl)


def text_of(prompt: Prompt, block: Block) -> str:
    """What a block says; of one that is not text, its JSON."""
    raw = prompt.body[block.start : block.end]
    if block.is_string:
        return _string(raw)
    text = _fields(raw).text
    return text if isinstance(text, str) else raw.decode()


def _blocks(
    body: bytes, parts: Mapping[str, msgspec.Raw], at: Mapping[str, int]
) -> Iterator[Block]:
    for key, section in (("tools", Section.TOOLS), ("system", Section.SYSTEM)):
        if key in parts:
            yield from _content(body, at[key], parts[key], section)
    if "messages" not in parts:
        return
    turns = _list(parts["messages"])
    for number, (start, raw) in enumerate(_elements(body, at["messages"], turns)):
        turn = _turn(raw)
        content = dict(_members(body, start, _parts(raw)))["content"]
        yield from _content(body, content, turn.content, Section.MESSAGES, turn.role, number)


def _content(
    body: bytes,
    start: int,
    raw: msgspec.Raw,
    section: Section,
    role: str = "",
    turn: int = 0,
) -> Iterator[Block]:
    if body[start : start + 1] == b'"':
        text = _string(raw)
        yield Block(
            section,
            start,
            start + len(memoryview(raw)),
            role,
            turn,
            is_string=True,
            text_bytes=len(text.encode()),
            own=None,
            takes_mark=bool(text.strip()),
        )
        return
    if body[start : start + 4] == b"null":
        return
    for begin, one in _elements(body, start, _list(raw)):
        yield _block(section, begin, one, role, turn)


def _block(section: Section, start: int, raw: msgspec.Raw, role: str, turn: int) -> Block:
    fields = _fields(raw)
    size = len(memoryview(raw))
    mark = fields.cache_control
    own = None if mark is UNSET or mark is None else mark.ttl or Ttl.FIVE_MINUTES
    return Block(
        section,
        start,
        start + size,
        role,
        turn,
        is_string=False,
        text_bytes=_text_bytes(fields, raw, size),
        own=own,
        takes_mark=mark is UNSET and _may_hold(section, fields),
    )


def _may_hold(section: Section, fields: _Fields) -> bool:
    if section is Section.TOOLS:
        # A tool that is loaded later is not in the prompt, so no prefix ends with it.
        return not fields.defer_loading
    if fields.type == "text":
        return isinstance(fields.text, str) and bool(fields.text.strip())
    return isinstance(fields.type, str) and fields.type in _MARKABLE


def _text_bytes(fields: _Fields, raw: msgspec.Raw, size: int) -> int:
    if isinstance(fields.text, str):
        return len(fields.text.encode())
    return 0 if _ENCODED in bytes(raw) else size


def _members(
    body: bytes, start: int, parts: Mapping[str, msgspec.Raw]
) -> Iterator[tuple[str, int]]:
    """Where the value of each key of an object begins.

    Raises:
        ValueError: A key stands there twice, with different values.
    """
    place = start + len(_GAP.match(body, start)[0]) + 1  # type: ignore[index]  # matches nothing too
    while found := _KEY.match(body, place):
        key = _string(found[1])
        raw = parts[key]
        place = found.end()
        size = len(memoryview(raw))
        if body[place : place + size] != bytes(raw):
            raise ValueError("a key stands twice")
        yield key, place
        place += size


def _elements(
    body: bytes, start: int, raws: Sequence[msgspec.Raw]
) -> Iterator[tuple[int, msgspec.Raw]]:
    """Where each element of an array begins."""
    place = start + 1
    for raw in raws:
        place += len(_GAP.match(body, place)[0])  # type: ignore[index]  # matches nothing too
        yield place, raw
        place += len(memoryview(raw))
