"""The models that the emulated API knows.

Source: platform.claude.com/docs/en/about-claude/models/overview (2026-08-22) and the models' own
pages (September to November 2026); about-claude/model-deprecations; about-claude/pricing for the
tokens that tools add; build-with-claude/prompt-caching (2026-08-22) for the shortest cacheable
prefix, which anthropics/anthropic-sdk-python#1194 has longer for Sonnet 4.6, and AWS for Opus 4.7.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

Lifecycle = Literal["active", "deprecated", "retired"]
_EPOCH = "1970-01-01"
_OLD_TOKEN = 35
_NEW_TOKEN = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model and what limits its use.

    Args:
        cache_minimum: Tokens of the shortest prefix that is cached, as documented.
        reported_minimum: The same as others report it, where that is more.
        token_tenths: Tenths of a byte to a token, as the emulator counts; the tokenizer of 4.7 and
            later yields about 30 % more tokens for the same text.
        tool_tokens: Hidden system tokens when tools are offered, and when one is forced.
        extended_output: Whether `output-300k-2026-03-24` raises its output to 300,000 tokens.
        released: Day of release; the epoch where it is not published.
    """

    id: str
    name: str
    line: str | None
    window: int
    max_output: int
    cache_minimum: int
    reported_minimum: int = 0
    token_tenths: int
    tool_tokens: tuple[int, int] = (290, 410)
    extended_output: bool = False
    data_residency: bool = True
    released: str = _EPOCH
    lifecycle: Lifecycle = "active"
    deprecated: str | None = None
    retires: str | None = None

    def shortest(self, source: Literal["documented", "reported"]) -> int:
        """Tokens of the shortest prefix that is cached, by whom one believes."""
        reported = self.reported_minimum if source == "reported" else 0
        return max(self.cache_minimum, reported)


def _new(
    model_id: str,
    name: str,
    cache_minimum: int,
    *,
    reported: int = 0,
    tools: tuple[int, int] = (290, 410),
    extended: bool = True,
    wide: bool = True,
    released: str = _EPOCH,
) -> Model:
    return Model(
        id=model_id,
        name=f"Claude {name}",
        line=model_id.split("-")[1],
        window=1_000_000,
        max_output=128_000,
        cache_minimum=cache_minimum,
        reported_minimum=reported,
        token_tenths=_NEW_TOKEN if wide else _OLD_TOKEN,
        tool_tokens=tools,
        extended_output=extended,
        released=released,
    )


def _old(
    model_id: str,
    name: str,
    cache_minimum: int,
    *,
    released: str,
    lifecycle: Lifecycle = "active",
    retires: str | None = None,
    max_output: int = 64_000,
) -> Model:
    line = next((word for word in model_id.split("-") if word.isalpha() and word != "claude"), None)
    return Model(
        id=model_id,
        name=f"Claude {name}",
        line=line,
        window=200_000,
        max_output=max_output,
        cache_minimum=cache_minimum,
        token_tenths=_OLD_TOKEN,
        tool_tokens=(496, 588),
        data_residency=False,
        released=released,
        lifecycle=lifecycle,
        retires=retires,
    )


def _retired(model_id: str, name: str, released: str, retired: str) -> Model:
    return _old(
        model_id,
        name,
        4_096,
        released=released,
        lifecycle="retired",
        retires=retired,
        max_output=32_000,
    )


MODELS = (
    _new("claude-haiku-5-5", "Haiku 5.5", 512, tools=(286, 406), released="2026-10-07"),
    _new("claude-sonnet-5-5", "Sonnet 5.5", 512, tools=(286, 406), released="2026-09-28"),
    _new("claude-opus-5-5", "Opus 5.5", 512, tools=(286, 406)),
    _new("claude-fable-5-2", "Fable 5.2", 512, extended=False),
    _new("claude-mythos-5-2", "Mythos 5.2", 512, extended=False),
    _new("claude-fable-5-1", "Fable 5.1", 512, extended=False),
    _new("claude-mythos-5-1", "Mythos 5.1", 512, extended=False),
    _new("claude-fable-5", "Fable 5", 512, extended=False),
    _new("claude-mythos-5", "Mythos 5", 512, extended=False),
    _new("claude-opus-5", "Opus 5", 512, tools=(286, 406)),
    _new("claude-sonnet-5", "Sonnet 5", 1_024, tools=(354, 474)),
    _new("claude-opus-4-8", "Opus 4.8", 1_024, tools=(290, 410)),
    _new("claude-opus-4-7", "Opus 4.7", 2_048, reported=4_096, tools=(675, 804)),
    _new("claude-sonnet-4-6", "Sonnet 4.6", 1_024, reported=2_048, tools=(497, 589), wide=False),
    _new("claude-opus-4-6", "Opus 4.6", 4_096, wide=False),
    _old("claude-opus-4-5-20251101", "Opus 4.5", 4_096, released="2025-11-01"),
    _old("claude-haiku-4-5-20251001", "Haiku 4.5", 4_096, released="2025-10-01"),
    _old(
        "claude-sonnet-4-5-20250929",
        "Sonnet 4.5",
        1_024,
        released="2025-09-29",
        lifecycle="deprecated",
        retires="2026-11-30",
    ),
    _retired("claude-opus-4-1-20250805", "Opus 4.1", "2025-08-05", "2026-08-05"),
    _retired("claude-opus-4-20250514", "Opus 4", "2025-05-14", "2026-06-15"),
    _retired("claude-sonnet-4-20250514", "Sonnet 4", "2025-05-14", "2026-06-15"),
    _retired("claude-3-7-sonnet-20250219", "Sonnet 3.7", "2025-02-19", "2026-02-19"),
    _retired("claude-3-5-haiku-20241022", "Haiku 3.5", "2024-10-22", "2026-02-19"),
    _retired("claude-3-haiku-20240307", "Haiku 3", "2024-03-07", "2026-04-20"),
    _retired("claude-3-opus-20240229", "Opus 3", "2024-02-29", "2026-01-05"),
)
"""All models, newest first."""

_ALIASES = {
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
}
_BY_ID = {model.id: model for model in MODELS}


def find(name: str) -> Model | None:
    """The model that an id or an alias names, retired ones included."""
    return _BY_ID.get(name) or _BY_ID.get(_ALIASES.get(name, ""))


def stand_in(name: str) -> Model:
    """A made-up model, so that a lenient emulator can answer for any name."""
    return replace(_new("claude-any", name, 1_024), id=name, line=None)


def _day(text: str | None) -> str | None:
    return text and datetime.fromisoformat(text).replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(model: Model) -> dict[str, object]:
    """A model as the Models API shows it.

    Source: platform.claude.com/docs/en/api/models, as in SDK 2.12.0 (2026-11-20).
    """
    usable = model.lifecycle != "retired"
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": _day(model.released),
        "lifecycle": model.lifecycle,
        "line": model.line,
        "max_input_tokens": model.window,
        "max_tokens": model.max_output,
        "deprecated_at": _day(model.deprecated),
        "retires_at": _day(model.retires),
        "capabilities": _capabilities(usable=usable, modern=model.data_residency),
    }


def _capabilities(*, usable: bool, modern: bool) -> dict[str, object]:
    yes, new = {"supported": usable}, {"supported": usable and modern}
    plain = ("batch", "citations", "code_execution", "image_input", "pdf_input")
    return {
        **dict.fromkeys(plain, yes),
        "structured_outputs": yes,
        "context_management": {**yes, "clear_tool_uses_20250919": yes, "compact_20260112": new},
        "effort": {**new, "low": new, "medium": new, "high": new, "xhigh": new, "max": new},
        "server_tools": {**yes, "web_search": yes, "code_execution": yes},
        "thinking": {
            **yes,
            "types": {"adaptive": new, "between_tools": new, "disabled": yes, "enabled": yes},
        },
    }
