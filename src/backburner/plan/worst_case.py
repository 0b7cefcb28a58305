"""The most that a request can cost, known before it is sent, from its body alone.

A token is at least one byte of text, so the bytes of a prompt bound its tokens, whatever the
tokenizer. What has no size here counts as the model's whole context window; what may go on without
end has no bound.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from backburner.errors import PriceSuspect
from backburner.nouns.batch import Via
from backburner.nouns.budget import MOST
from backburner.nouns.model import version_of
from backburner.nouns.tariff import US, WEB_SEARCH, ModelPrice, Rates
from backburner.plan.lifecycle import window_of

_FRAME: Final = 100
"""Tokens around a prompt: 6 to 11 were measured for a user message, 30 with a system prompt."""

_TURN: Final = 12
"""Tokens around a turn or a block, beside its own."""

_TOOLS: Final = 1_000
"""What the presence of tools adds, over all models and choices: 804 at most.

Source: platform.claude.com pricing (tool use pricing), 2026-08-21.
"""

_CLIENT_TOOL: Final = 1_500
"""What one of Anthropic's own tools adds that the caller carries out: 735 at most for computer use.

Source: platform.claude.com pricing (tool use pricing), 2026-08-21.
"""

_FORMAT: Final = 1_000
"""What the instructions for an output format add, beside the schema's own bytes."""

_IMAGES: Final = ((4, 7), 1_600, 5_000)
"""The most tokens of one image, before a version and from it on: it is scaled down to 1,568 pixels
of width or height, or to 2,576, and has a token for each 28 by 28 pixels: 4,784 at most.

Source: platform.claude.com build-with-claude/vision, read November 2026.
"""

_MARK: Final = "cache_control"
_ESCAPE: Final = rb"\u"

_CARRIED_OUT_BY_CALLER: Final = ("bash_", "text_editor_", "computer_", "memory_")
_ANYWHERE: Final = "global"
_SEARCHES: Final = ("web_search_", "web_fetch_")
_ENDLESS: Final = ("mcp_servers", "container", "compaction")
"""What may sample again and again, with nothing in the body that ends it."""


class _Turn(msgspec.Struct, gc=False):
    content: msgspec.Raw


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: Any = UNSET
    content: msgspec.Raw | UnsetType = UNSET
    source: msgspec.Raw | UnsetType = UNSET


class _Tool(msgspec.Struct, gc=False):
    type: Any = None
    max_uses: Any = None


class _Body(msgspec.Struct, gc=False):
    model: str
    max_tokens: int
    messages: list[_Turn]
    system: msgspec.Raw | UnsetType = UNSET
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw | UnsetType = UNSET
    output_config: msgspec.Raw | UnsetType = UNSET
    context_management: msgspec.Raw | UnsetType = UNSET
    inference_geo: Any = None
    mcp_servers: Any = None
    container: Any = None
    compaction: Any = None


_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_decode_body = msgspec.json.Decoder(_Body).decode
_decode_block = msgspec.json.Decoder(_Block).decode
_decode_tool = msgspec.json.Decoder(_Tool).decode
_decode_blocks = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_content = msgspec.json.Decoder(str | list[msgspec.Raw]).decode


class _NoBoundError(Exception):
    """Nothing in the body says how much it can cost."""


@dataclass(frozen=True, slots=True)
class _Size:
    """Tokens of text at most, and what has another size than its bytes."""

    tokens: int = 0
    images: int = 0
    files: int = 0

    def __add__(self, other: "_Size") -> "_Size":
        return _Size(
            self.tokens + other.tokens, self.images + other.images, self.files + other.files
        )


def worst_case(
    body: bytes, price_of: Callable[[str], ModelPrice | None], via: Via = Via.BATCH
) -> int | None:
    """Picodollars that a request can cost at most; None where there is no bound.

    Args:
        body: Its Messages body.
        price_of: Gives the price of a model; None where it is not known.
    """
    try:
        asked = _decode_body(body)
    except _UNREADABLE:
        return None
    price = price_of(asked.model)
    if price is None:
        return None
    try:
        uses, searches = _uses(asked)
        prompt = _prompt_tokens(asked) if uses == 0 else window_of(asked.model)
        if asked.inference_geo not in (None, _ANYWHERE):
            price = price.located(US)
    except (*_UNREADABLE, _NoBoundError, PriceSuspect):
        return None
    # Rates only rise with the length of a prompt.
    rates = price.rates(prompt, via)
    # Each use of a server's tool makes the model read all of its prompt again.
    tokens = prompt * _input_rate(rates, body, uses) + asked.max_tokens * rates.output
    return min(tokens * (uses + 1) + searches * WEB_SEARCH, MOST)


def _input_rate(rates: Rates, body: bytes, uses: int) -> int:
    """What one token of the prompt costs at most: all of it is written, where a mark may stand."""
    if not _has_mark(body):
        # Server tools write entries of their own.
        return max(rates.input, rates.cache_write_5m if uses else 0)
    is_long = b'"1h"' in body or _ESCAPE in body
    return max(rates.input, rates.cache_write_5m, rates.cache_write_1h if is_long else 0)


def _has_mark(body: bytes) -> bool:
    if _MARK.encode() in body:
        return True
    # A key may be written with escapes.
    return _ESCAPE in body and _holds_mark(msgspec.json.decode(body))


def _holds_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return _MARK in value or any(map(_holds_mark, value.values()))
    return isinstance(value, list) and any(map(_holds_mark, value))


def _uses(asked: _Body) -> tuple[int, int]:
    """How often server tools may be used, and how often a search is billed."""
    if any(getattr(asked, name) for name in _ENDLESS):
        raise _NoBoundError
    if asked.context_management is not UNSET and b"compact" in bytes(asked.context_management):
        raise _NoBoundError
    uses = searches = 0
    for tool in map(_decode_tool, asked.tools or ()):
        kind = tool.type
        if _is_callers(kind):
            continue
        if not isinstance(kind, str) or not kind.startswith(_SEARCHES):
            raise _NoBoundError
        if type(tool.max_uses) is not int or tool.max_uses < 0:
            raise _NoBoundError
        uses += tool.max_uses
        searches += tool.max_uses if kind.startswith("web_search_") else 0
    return uses, searches


def _is_callers(kind: Any) -> bool:
    return kind in (None, "custom") or (
        isinstance(kind, str) and kind.startswith(_CARRIED_OUT_BY_CALLER)
    )


def _prompt_tokens(asked: _Body) -> int:
    """Tokens of the whole prompt at most; the API takes none beyond the window."""
    window = window_of(asked.model)
    size = _Size(_FRAME) + _tools_size(asked)
    if asked.system is not UNSET:
        size += _content_size(asked.system)
    for turn in asked.messages:
        size += _content_size(turn.content)
    if asked.output_config is not UNSET:
        size += _Size(_FORMAT + len(bytes(asked.output_config)))
    if size.files:
        return window
    return min(size.tokens + size.images * _image_tokens(asked.model), window)


def _tools_size(asked: _Body) -> _Size:
    if not asked.tools:
        return _Size()
    own = sum(_decode_tool(raw).type not in (None, "custom") for raw in asked.tools)
    text = sum(len(bytes(raw)) + _TURN for raw in asked.tools)
    choice = 0 if asked.tool_choice is UNSET else len(bytes(asked.tool_choice))
    return _Size(_TOOLS + own * _CLIENT_TOOL + text + choice)


def _image_tokens(model: str) -> int:
    since, before, after = _IMAGES
    version = version_of(model)
    return before if version is not None and version < since else after


def _content_size(raw: msgspec.Raw) -> _Size:
    content = _decode_content(raw)
    if isinstance(content, str):
        return _Size(_TURN + _bytes_of(content))
    return _total(map(_block_size, content)) + _Size(_TURN)


def _total(sizes: Iterable[_Size]) -> _Size:
    return sum(sizes, _Size())


def _block_size(raw: msgspec.Raw) -> _Size:
    """What one block is at most: its text, an image, a file, or its bytes as they stand."""
    block = _decode_block(raw)
    if block.type == "text" and isinstance(block.text, str):
        return _Size(_TURN + _bytes_of(block.text))
    if block.type == "image":
        return _Size(_TURN, images=1)
    if block.type in ("document", "container_upload"):
        return _document_size(block, raw)
    nested = _inside(block)
    around = len(bytes(raw)) - (len(bytes(block.content)) if nested and block.content else 0)
    return _total([_Size(_TURN + around), *nested])


def _inside(block: _Block) -> list[_Size]:
    """The blocks that a tool gave back."""
    if block.content is UNSET or bytes(block.content)[:1] != b"[":
        return []
    return [_block_size(raw) for raw in _decode_blocks(block.content)]


class _Source(msgspec.Struct, gc=False):
    type: str = ""


def _document_size(block: _Block, raw: msgspec.Raw) -> _Size:
    """A document of text is as long as it is; one of pages is read as text and as pictures."""
    if block.source is not UNSET:
        kind = msgspec.json.decode(block.source, type=_Source).type
        if kind == "text":
            return _Size(_TURN + len(bytes(raw)))
    return _Size(files=1)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
