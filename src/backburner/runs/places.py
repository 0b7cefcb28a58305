"""Where in a text of JSON something stands: looked up only for what is at fault."""

import re
from collections.abc import Sequence
from json import JSONDecodeError, JSONDecoder

_BLANKS = re.compile(r"[ \t\r\n]*")
_BYTE = re.compile(r"\(byte (\d+)\)")
_CUT = "Input data was truncated"
_PATH = re.compile(r"- at `\$((?:\.\w+)+)`")
_skip = JSONDecoder(parse_int=str, parse_float=str).raw_decode


def offset_of(text: str, path: Sequence[str | int]) -> int | None:
    """The place of the key or element at a path; of the last of it that is there."""
    try:
        found = value = _begin(text, 0)
        for step in path:
            at = _step(text, value, step)
            if at is None:
                return found
            found = at
            value = _value(text, at) if isinstance(step, str) else at
    except (ValueError, IndexError, RecursionError):
        return None
    return found


def offset_in_error(text: str, message: str) -> int | None:
    """The place that a message of msgspec names: by its byte, by its path, or at the end."""
    if _CUT in message:
        return len(text.rstrip())
    if match := _BYTE.search(message):
        return len(text.encode()[: int(match[1])].decode(errors="ignore"))
    if match := _PATH.search(message):
        return offset_of(text, match[1].split(".")[1:])
    return None


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """How many lines an offset is below the first, and its byte in its line, from 1."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, start), len(text[start:offset].encode()) + 1


def _begin(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _step(text: str, at: int, step: str | int) -> int | None:
    """Where a key, or an element, of the value that begins here begins."""
    opening = text[at]
    if opening not in "{[" or (opening == "{") != isinstance(step, str):
        return None
    at, number = _begin(text, at + 1), 0
    while text[at] not in "}]":
        here: str | int = number
        value = at
        if opening == "{":
            here, _ = _skip(text, at)
            value = _value(text, at)
        if here == step:
            return at
        _, end = _skip(text, value)
        at = _begin(text, end)
        if text[at] == ",":
            at = _begin(text, at + 1)
        number += 1
    return None


def _value(text: str, key: int) -> int:
    """Where the value of the key that begins here begins."""
    _, end = _skip(text, key)
    colon = _begin(text, end)
    if text[colon] != ":":
        raise JSONDecodeError("Expecting ':' delimiter", text, colon)
    return _begin(text, colon + 1)
