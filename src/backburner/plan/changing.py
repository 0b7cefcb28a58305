"""What a retry changes in a request; every other parameter keeps its bytes and its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from backburner.nouns.attempt import CONTINUED, MAX_TOKENS, REPAIRED, THINKING_OFF
from backburner.nouns.policy import Then
from backburner.plan.preflight import MAX_REQUEST_BYTES

AT_CAP: Final = "at_cap"
CONTEXT_FULL: Final = "context_full"
TOO_LARGE: Final = "too_large"
NO_ANSWER: Final = "no_answer"

STUCK: Final[Mapping[str, str]] = {
    AT_CAP: "max_tokens is the most that the model takes already, and thinking is off",
    CONTEXT_FULL: "prompt and answer fill the model's context window",
    TOO_LARGE: "with its answer sent back, the request would be larger than the API takes",
    NO_ANSWER: "its last answer is not there to go on from",
}
"""Why nothing can be changed for another attempt, in words, by the code that is kept of it."""

_THINKING: Final = frozenset({"thinking", "redacted_thinking"})
_OFF: Final = b'{"type":"disabled"}'


@dataclass(frozen=True, slots=True)
class Changed:
    """A request as it is to travel next.

    Attributes:
        code: What was changed, such as `max_tokens:2000`; None for nothing.
    """

    params: bytes
    code: str | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """There is nothing to change: sent again, it would end the same way."""

    code: str


class _Block(msgspec.Struct, frozen=True, gc=False):
    type: str = ""


class _TokenDetails(msgspec.Struct, frozen=True, gc=False):
    thinking_tokens: int = 0


class _Usage(msgspec.Struct, frozen=True, gc=False):
    output_tokens_details: _TokenDetails | None = None


class Turn(msgspec.Struct, frozen=True, gc=False):
    """The message that a request was answered with, as far as the next attempt depends on it.

    Attributes:
        content: Its blocks, as received.
    """

    content: msgspec.Raw = msgspec.Raw(b"[]")
    stop_reason: str | None = None
    usage: _Usage = _Usage()

    @property
    def thought(self) -> bool:
        """Whether the model was thinking, asked to or by itself."""
        details = self.usage.output_tokens_details
        if details is not None and details.thinking_tokens:
            return True
        return any(block.type in _THINKING for block in _blocks(self.content))

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not _blocks(self.content)


class _Result(msgspec.Struct, frozen=True, gc=False):
    message: Turn | None = None


class _Line(msgspec.Struct, frozen=True, gc=False):
    result: _Result = _Result()


class _Thinking(msgspec.Struct, frozen=True, gc=False):
    type: str = ""


_blocks = msgspec.json.Decoder(list[_Block]).decode
_line = msgspec.json.Decoder(_Line).decode
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_thinking = msgspec.json.Decoder(_Thinking | None).decode


def turn_of(line: bytes) -> Turn | None:
    """The message of a result line, where it has one."""
    return _line(line).result.message if line else None


def change(
    then: Then, params: bytes, turn: Turn | None, *, cap: int, complaint: str = ""
) -> Changed | Stuck:
    """A request as it is to travel next.

    Args:
        params: How it travelled last.
        turn: What it was answered with then.
        cap: The largest `max_tokens` that its model takes.
        complaint: What is wrong with the answer, for a repair.
    """
    match then:
        case Then.AGAIN | Then.NOTHING:
            return Changed(params, None)
        case Then.LONGER | Then.CONTINUE | Then.REPAIR if turn is None:
            return Stuck(NO_ANSWER)
        case Then.LONGER:
            return _longer(params, turn, cap)
        case Then.CONTINUE:
            return Stuck(NO_ANSWER) if turn.is_empty else _answered(params, turn, CONTINUED)
        case Then.REPAIR:
            return _answered(params, turn, REPAIRED, complaint)


def _longer(params: bytes, turn: Turn, cap: int) -> Changed | Stuck:
    """With twice the tokens, up to the cap; there, without thinking.

    `budget_tokens` stays below `max_tokens`, which only grows.
    """
    parts = _parts(params)
    if turn.stop_reason == "model_context_window_exceeded":
        return Stuck(CONTEXT_FULL)
    asked = int(msgspec.json.decode(parts["max_tokens"]))
    if asked < cap:
        tokens = min(2 * asked, cap)
        parts["max_tokens"] = msgspec.Raw(b"%d" % tokens)
        return Changed(msgspec.json.encode(parts), f"{MAX_TOKENS}:{tokens}")
    if _may_think(parts, turn):
        parts["thinking"] = msgspec.Raw(_OFF)
        return Changed(msgspec.json.encode(parts), THINKING_OFF)
    return Stuck(AT_CAP)


def _may_think(parts: dict[str, msgspec.Raw], turn: Turn) -> bool:
    """Whether thinking is on: by the parameter, or without one, by what the model did."""
    asked = _thinking(parts["thinking"]) if "thinking" in parts else None
    if asked is None:
        return turn.thought
    return asked.type in ("enabled", "adaptive")


def _answered(params: bytes, turn: Turn, code: str, complaint: str = "") -> Changed | Stuck:
    """With the answer sent back as it was received, and what is wrong with it, if anything."""
    parts = _parts(params)
    messages = _list(parts["messages"])
    if not turn.is_empty:
        said = msgspec.json.encode({"role": "assistant", "content": turn.content})
        messages.append(msgspec.Raw(said))
    if complaint:
        messages.append(msgspec.Raw(msgspec.json.encode({"role": "user", "content": complaint})))
    parts["messages"] = msgspec.Raw(msgspec.json.encode(messages))
    body = msgspec.json.encode(parts)
    return Stuck(TOO_LARGE) if len(body) > MAX_REQUEST_BYTES else Changed(body, code)
