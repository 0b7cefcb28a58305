"""A prompt as the API measures it: blocks in the order of the cache, with tokens and marks.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-08-22).
"""

import hashlib
import re
from base64 import b64decode
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from backburner.emulator import tokens
from backburner.emulator.catalogue import Model
from backburner.emulator.parameters import Params

_FORCED = ("any", "tool")
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_NEVER_CACHED = ("thinking", "redacted_thinking")


class Place(Struct, frozen=True, gc=False):
    """The end of a block: what came before it, in tokens and as a digest, and its mark.

    Args:
        mark: The block's `cache_control` as it came, or None.
        cacheable: Whether a mark may stand here.
    """

    end: int
    digest: bytes
    mark: Any
    cacheable: bool = True


class _Measured(Struct, frozen=True, gc=False):
    tokens: int
    plain: bytes
    mark: Any
    cacheable: bool


def input_tokens(params: Params, model: Model) -> int:
    """Tokens of the whole prompt."""
    total = _overhead(params, model)
    if params.system is not UNSET:
        total += _content_tokens(params.system, model)
    for turn in params.messages or ():
        total += tokens.TURN_TOKENS + _content_tokens(turn.content, model)
    for raw in params.tools or ():
        total += tokens.tokens_of_bytes(len(bytes(raw)), model)
    return total


def _overhead(params: Params, model: Model) -> int:
    if not params.tools:
        return tokens.REQUEST_TOKENS
    choice = params.tool_choice
    forced = choice is not UNSET and choice.type in _FORCED
    return tokens.REQUEST_TOKENS + model.tool_tokens[forced]


def _content_tokens(content: str | list[Any], model: Model) -> int:
    if isinstance(content, str):
        return tokens.tokens_of(content, model)
    return sum(_block(bytes(raw), model).tokens for raw in content)


@lru_cache(maxsize=256)
def _block(raw: bytes, model: Model) -> _Measured:
    """A block's size, its bytes without the mark, and the mark; long ones recur often."""
    fields: dict[str, Any] = msgspec.json.decode(raw)
    mark = fields.pop("cache_control", None)
    plain = msgspec.json.encode(fields)
    kind, text = fields.get("type"), fields.get("text")
    cacheable = kind not in _NEVER_CACHED and (kind != "text" or bool(text))
    if kind == "text" and isinstance(text, str):
        size = tokens.tokens_of(text, model)
    elif kind == "image":
        size = tokens.IMAGE_TOKENS
    elif kind == "document":
        size = _document_tokens(fields.get("source"), len(plain), model)
    else:
        size = tokens.tokens_of_bytes(len(plain), model)
    return _Measured(size, plain, mark, cacheable)


def _document_tokens(source: Any, size: int, model: Model) -> int:
    """Tokens of a document: those of its text, or so many for each page of a PDF."""
    match source:
        case {"type": "text", "data": str(text)}:
            return tokens.tokens_of(text, model)
        case {"type": "base64", "data": str(data)}:
            return _pages(data) * tokens.PAGE_TOKENS
        case _:
            return tokens.tokens_of_bytes(size, model)


def _pages(data: str) -> int:
    """Pages of an encoded PDF, as far as they are seen: what is compressed counts as one."""
    try:
        return max(len(_PAGE.findall(b64decode(data))), 1)
    except ValueError:
        return 1


def places(params: Params, model: Model) -> list[Place]:
    """The ends of all blocks in the order of the cache: tools, system, messages.

    A digest stands for everything before it, so a change of tools changes all that follow. What
    follows the system prompt depends on the tool choice, the thinking and the effort as well.
    """
    digest = hashlib.blake2b(model.id.encode(), digest_size=16)
    end = _overhead(params, model)
    found: list[Place] = []

    def add(kind: str, content: str | list[Any]) -> None:
        nonlocal end
        digest.update(kind.encode())
        for raw in [_as_block(content)] if isinstance(content, str) else content:
            block = _block(bytes(raw), model)
            digest.update(block.plain)
            end += block.tokens
            found.append(Place(end, digest.digest(), block.mark, block.cacheable))

    add("tools", params.tools or [])
    add("system", params.system or [])
    digest.update(_manner(params))
    for turn in params.messages or ():
        end += tokens.TURN_TOKENS
        add(turn.role, turn.content)
    return found


def _as_block(text: str) -> bytes:
    return msgspec.json.encode({"type": "text", "text": text})


def _manner(params: Params) -> bytes:
    """The settings on which the cache of messages depends."""
    output = params.output_config
    effort = None if output is UNSET else output.effort
    thinking = b"" if params.thinking is UNSET else bytes(params.thinking)
    choice = None if params.tool_choice is UNSET else params.tool_choice
    return msgspec.json.encode([choice, effort]) + thinking
