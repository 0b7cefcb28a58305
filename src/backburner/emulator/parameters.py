"""The body of one Messages request, typed as far as the emulator looks into it.

Source: platform.claude.com/docs/en/api/messages (August 2026) and the parameter types of SDK 2.12.0
(2026-11-20), beta parameters included.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

Optional = Raw | UnsetType


class Turn(Struct, forbid_unknown_fields=True, gc=False):
    """One message of a conversation; blocks stay raw until somebody needs them."""

    role: str
    content: str | list[Raw]


class Block(Struct, gc=False):
    """What the emulator reads of a content block."""

    type: str
    text: str = ""
    cache_control: Any = None
    citations: Any = None
    source: Any = None


class CacheControl(Struct, tag="ephemeral", forbid_unknown_fields=True, gc=False):
    """A cache mark."""

    ttl: str = "5m"


class OutputFormat(Struct, tag="json_schema", forbid_unknown_fields=True):
    """A schema that the answer has to satisfy."""

    schema: Any
    name: str | None = None


class OutputConfig(Struct):
    """What the caller asks of the output."""

    effort: str | None = None
    format: OutputFormat | None = None


class Tool(Struct):
    """What the emulator reads of a tool definition."""

    name: str = ""
    type: str | None = None
    max_uses: int | None = None
    input_schema: Any = None
    cache_control: Any = None


class ToolChoice(Struct):
    """Whether a tool must be called, and which."""

    type: str
    name: str | None = None


class Params(Struct, forbid_unknown_fields=True, kw_only=True):
    """A Messages body. Every key of the API is here, so any other one is refused."""

    model: str | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    messages: list[Turn] | UnsetType = UNSET
    system: str | list[Raw] | UnsetType = UNSET
    stop_sequences: list[str] | UnsetType = UNSET
    tools: list[Raw] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    output_config: OutputConfig | UnsetType = UNSET
    cache_control: CacheControl | UnsetType | None = UNSET
    inference_geo: str | UnsetType | None = UNSET
    stream: bool | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET
    top_k: int | UnsetType = UNSET
    speed: Optional = UNSET
    fallbacks: Optional = UNSET
    billing_policy: Optional = UNSET
    metadata: Optional = UNSET
    thinking: Optional = UNSET
    service_tier: Optional = UNSET
    container: Optional = UNSET
    context_management: Optional = UNSET
    compaction: Optional = UNSET
    mcp_servers: Optional = UNSET
    diagnostics: Optional = UNSET
    fallback_credit_token: Optional = UNSET
    thread: Optional = UNSET
    user_profile_id: Optional = UNSET


class LenientParams(Params, forbid_unknown_fields=False):
    """A Messages body whose unknown keys are overlooked."""


strict = msgspec.json.Decoder(Params)
lenient = msgspec.json.Decoder(LenientParams)
block = msgspec.json.Decoder(Block)
tool = msgspec.json.Decoder(Tool)


def blocks(content: str | list[Raw]) -> list[Block]:
    """The blocks of a content, where a string stands for one block of text."""
    if isinstance(content, str):
        return [Block(type="text", text=content)]
    return [block.decode(raw) for raw in content]


def last_user_text(params: Params) -> str:
    """The text of the last user turn."""
    for turn in reversed(params.messages or []):
        if turn.role == "user":
            content = turn.content
            if isinstance(content, str):
                return content
            return "\n".join(part.text for part in blocks(content) if part.text)
    return ""
