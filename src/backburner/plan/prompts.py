"""What the prompt of a request is made of, as far as its tokens and its price depend on it."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from backburner.nouns.tariff import US
from backburner.plan.pdf_pages import pages_of
from backburner.plan.tokens import NOTHING, Features, features_of, total

_SHORT_LIFE: Final = "5m"
"""The lifetime of a mark that names none.

Source: platform.claude.com prompt-caching, 2026-08-22.
"""

_FILES: Final = frozenset({"image", "document", "container_upload"})
_UNSEEN: Final = frozenset({"type", "cache_control"})
_decode = msgspec.json.Decoder().decode


class Prompt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One prompt, measured.

    Attributes:
        text: What was counted in its texts, tool definitions among them.
        marked: The same up to its last cache mark; nothing where there is none.
        ttl: The lifetime that the last mark asks for, `5m` or `1h`; empty where there is none.
        tools: Whether it brings tools, which add tokens of their own.
        must_use: Whether it has to use one of them, which adds more.
        in_us: Whether it asks for inference in the US alone.
        files: Whether it holds images or documents whose size is not known from its bytes.
        pages: Those of the PDFs that stand in it.
    """

    text: Features
    marked: Features = NOTHING
    ttl: str = ""
    tools: bool = False
    must_use: bool = False
    in_us: bool = False
    files: bool = False
    pages: int = 0


def measure(body: bytes) -> Prompt:
    """Look at a body in the order in which a prompt is cached: tools, system, messages."""
    params = _decode(body)
    parts: list[Features] = []
    marked, ttl, files, pages = NOTHING, "", False, 0
    for part in _parts(params):
        parts.append(total(map(features_of, _texts(part))))
        files = files or any(_files(part))
        pages += sum(_pages(part))
        if life := _life(part):
            marked, ttl = total(parts), life
    whole = total(parts)
    if parts and (life := _life(params)):
        marked, ttl = whole, life
    return Prompt(
        text=whole,
        marked=marked,
        ttl=ttl,
        tools=bool(params.get("tools")),
        must_use=_must_use(params.get("tool_choice")),
        in_us=params.get("inference_geo") == US,
        files=files,
        pages=pages,
    )


def _parts(params: dict[str, Any]) -> Iterator[Any]:
    """Everything that can carry a mark, in order; the schema of an answer first of all."""
    config = params.get("output_config")
    if isinstance(config, dict) and isinstance(form := config.get("format"), dict):
        yield {"type": "tool", "schema": form.get("schema")}
    for tool in _list(params.get("tools")):
        yield tool | {"type": "tool"} if isinstance(tool, dict) else tool
    yield from _list(params.get("system"))
    for message in _list(params.get("messages")):
        if isinstance(message, dict):
            yield from _list(message.get("content"))


def _must_use(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("type") in ("any", "tool")


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _texts(part: Any) -> Iterator[str]:
    """The texts of a block, in whatever it holds them."""
    match part:
        case str():
            yield part
        case {"type": "text", "text": str(text)} | {"type": "thinking", "thinking": str(text)}:
            yield text
        case {"type": "tool"}:
            plain = {name: value for name, value in part.items() if name not in _UNSEEN}
            yield msgspec.json.encode(plain).decode()
        case {"type": "tool_use" | "server_tool_use"}:
            yield msgspec.json.encode([part.get("name"), part.get("input")]).decode()
        case {"type": "document", "source": {"type": "text", "data": str(text)}}:
            yield text
        case {"content": content}:
            for inner in _list(content):
                yield from _texts(inner)
        case _:
            pass


def _files(part: Any) -> Iterator[bool]:
    if not isinstance(part, dict):
        return
    source = part.get("source")
    is_text = isinstance(source, dict) and source.get("type") == "text"
    yield part.get("type") in _FILES and not is_text and _pdf(part) is None
    for inner in _list(part.get("content")):
        yield from _files(inner)


def _pages(part: Any) -> Iterator[int]:
    """The pages of each PDF that stands in a block, or in what it holds."""
    if not isinstance(part, dict):
        return
    if (data := _pdf(part)) is not None:
        yield _pages_of_encoded(data)
    for inner in _list(part.get("content")):
        yield from _pages(inner)


def _pdf(part: dict[str, Any]) -> str | None:
    """The encoded PDF that a block is, or None."""
    match part:
        case {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": str(data)},
        }:
            return data
        case _:
            return None


def _pages_of_encoded(data: str) -> int:
    try:
        return pages_of(b64decode(data))
    except ValueError:
        return 1


def _life(part: Any) -> str:
    """The lifetime that a mark on a block asks for; empty where it carries none."""
    mark = part.get("cache_control") if isinstance(part, dict) else None
    if not isinstance(mark, dict):
        return ""
    return "1h" if mark.get("ttl") == "1h" else _SHORT_LIFE
