"""What came of a request: one of ten outcomes, judged from a result line."""

from enum import StrEnum
from typing import Final

import msgspec

from backburner.nouns.batch import Via


class Outcome(StrEnum):
    """What came of a request. Every accepted request ends in exactly one of these."""

    OK = "ok"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    INVALID_OUTPUT = "invalid_output"
    PAUSED = "paused"
    REJECTED = "rejected"
    SERVER_ERROR = "server_error"
    EXPIRED = "expired"
    CANCELED = "canceled"
    MISSING = "missing"


NOT_FINAL: Final = 0
CODES: Final[dict[Outcome, int]] = {outcome: n for n, outcome in enumerate(Outcome, start=1)}
"""The byte of each outcome in a batch's packed outcomes; 0 means not final."""

BY_CODE: Final[dict[int, Outcome]] = {n: outcome for outcome, n in CODES.items()}


class CacheCreation(msgspec.Struct, frozen=True, gc=False):
    """Cache writes by lifetime."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class ServerToolUse(msgspec.Struct, frozen=True, gc=False):
    """How often a server tool that is paid by the request was used."""

    web_search_requests: int | None = None


class WireUsage(msgspec.Struct, frozen=True, gc=False):
    """Usage as a message carries it.

    Source: anthropic 2.12.0, types/usage.py and types/server_tool_usage.py.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    inference_geo: str | None = None
    server_tool_use: ServerToolUse | None = None


class WireMessage(msgspec.Struct, frozen=True, gc=False):
    """The parts of a message that are judged and booked."""

    model: str = ""
    stop_reason: str | None = None
    usage: WireUsage = WireUsage()


class WireError(msgspec.Struct, frozen=True, gc=False):
    """An error's class and its text."""

    type: str = ""
    message: str = ""


class ErrorResponse(msgspec.Struct, frozen=True, gc=False):
    """The outer of the two error shells: the class is one level further in."""

    error: WireError = WireError()


class WireResult(msgspec.Struct, frozen=True, gc=False):
    """The `result` of a line."""

    type: str
    message: WireMessage | None = None
    error: ErrorResponse | None = None


class ResultLine(msgspec.Struct, frozen=True, gc=False):
    """One line of a results file, as far as we judge it.

    Source: platform.claude.com batch-processing, 2026-09-26; anthropic 2.12.0,
    types/messages/message_batch_individual_response.py.
    """

    custom_id: str
    result: WireResult


_BY_STOP_REASON: Final = {
    "max_tokens": Outcome.TRUNCATED,
    "model_context_window_exceeded": Outcome.TRUNCATED,
    "refusal": Outcome.REFUSED,
    "pause_turn": Outcome.PAUSED,
}

_REJECTING: Final = frozenset({"invalid_request_error", "not_found_error"})


def outcome_of(result: WireResult) -> Outcome:
    """Judge a result for what it is: `succeeded` alone does not make it ok.

    Unknown stop reasons are ok, unknown error classes are server errors, and an unknown result
    type is missing, so that nothing new upstream can pass for an answer.
    """
    match result.type:
        case "succeeded" if result.message is not None:
            return _BY_STOP_REASON.get(result.message.stop_reason or "", Outcome.OK)
        case "errored":
            kind = result.error.error.type if result.error else ""
            return Outcome.REJECTED if kind in _REJECTING else Outcome.SERVER_ERROR
        case "expired":
            return Outcome.EXPIRED
        case "canceled":
            return Outcome.CANCELED
        case _:
            return Outcome.MISSING


class ExceptionState(StrEnum):
    """Where an exception is: waiting for its next attempt, on its way, for a person, or over."""

    WAITING = "waiting"
    TRAVELLING = "travelling"
    HELD = "held"
    FINAL = "final"


class ExceptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A request that needs more than its first attempt, or a person.

    Attributes:
        batch: Its first batch; with `position`, the request's id.
        outcome: What came of its newest attempt.
        attempts: How many attempts were collected.
        last_batch: Where its newest attempt travelled, or travels.
        change: What was changed for the attempt that travels; of one that is over, why nothing
            could be changed for another. Else None.
        via: How its next attempt travels.
    """

    batch: int
    position: int
    state: ExceptionState
    outcome: Outcome
    attempts: int
    due_at: float
    last_batch: int
    last_position: int
    change: str | None = None
    via: Via = Via.BATCH
