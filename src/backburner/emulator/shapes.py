"""The objects that the API sends, in the order of keys seen on the wire.

Source: platform.claude.com/docs/en/api/messages and api/messages/batches (August 2026), types of
SDK 2.12.0 (2026-11-20).
"""

from typing import Any

from msgspec import Struct


class CacheCreation(Struct, frozen=True, gc=False):
    """Tokens written to the prompt cache, by lifetime."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class OutputDetails(Struct, frozen=True, gc=False):
    """Which output tokens were thinking."""

    thinking_tokens: int = 0


class ServerToolUse(Struct, frozen=True, gc=False):
    """How often the API's own tools were used."""

    web_search_requests: int = 0
    web_fetch_requests: int = 0


NO_CACHE = CacheCreation()
NO_THINKING = OutputDetails()


class Usage(Struct, frozen=True, kw_only=True, gc=False):
    """What one answer is billed by; `input_tokens` are those after the last cache mark."""

    input_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation: CacheCreation = NO_CACHE
    output_tokens: int
    output_tokens_details: OutputDetails = NO_THINKING
    server_tool_use: ServerToolUse | None = None
    service_tier: str
    inference_geo: str = "not_available"


class TextBlock(Struct, frozen=True, gc=False, tag="text"):
    """A piece of text said by the model."""

    text: str


class ToolUseBlock(Struct, frozen=True, tag="tool_use"):
    """A call of a tool by the model."""

    id: str
    name: str
    input: Any


class RefusalDetails(Struct, frozen=True, gc=False, tag="refusal"):
    """Why the model refused."""

    category: str | None = None
    explanation: str | None = None


class Message(Struct, frozen=True, kw_only=True, gc=False):
    """The model's answer to one request."""

    model: str
    id: str
    type: str = "message"
    role: str = "assistant"
    content: list[TextBlock | ToolUseBlock]
    stop_reason: str
    stop_sequence: str | None = None
    stop_details: RefusalDetails | None = None
    usage: Usage


class Problem(Struct, frozen=True, gc=False):
    """The innermost part of an error: its class and a sentence."""

    type: str
    message: str
    details: dict[str, Any] | None = None


class _WireProblem(Struct, frozen=True, omit_defaults=True, gc=False):
    type: str
    message: str
    details: dict[str, Any] | None = None


class ErrorBody(Struct, frozen=True, gc=False, tag="error"):
    """An error as a reply's body and as part of a result line."""

    error: _WireProblem
    request_id: str | None = None


def error_body(problem: Problem, request_id: str | None) -> ErrorBody:
    """A problem wrapped as the API sends it."""
    return ErrorBody(_WireProblem(problem.type, problem.message, problem.details), request_id)


class Succeeded(Struct, frozen=True, gc=False, tag="succeeded"):
    """A result that carries an answer, and is billed."""

    message: Message


class Errored(Struct, frozen=True, gc=False, tag="errored"):
    """A result that carries an error; its class is two levels down."""

    error: ErrorBody


class Canceled(Struct, frozen=True, gc=False, tag="canceled"):
    """A request that a cancel overtook."""


class Expired(Struct, frozen=True, gc=False, tag="expired"):
    """A request that 24 hours overtook."""


class ResultLine(Struct, frozen=True, gc=False):
    """One line of a results file."""

    custom_id: str
    result: Succeeded | Errored | Canceled | Expired


class RequestCounts(Struct, frozen=True, gc=False):
    """How many requests of a batch are in which state; they add up to its size."""

    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class MessageBatch(Struct, frozen=True, kw_only=True, gc=False):
    """A batch as every batch route shows it."""

    id: str
    type: str = "message_batch"
    processing_status: str
    request_counts: RequestCounts
    ended_at: str | None
    created_at: str
    expires_at: str
    archived_at: str | None
    cancel_initiated_at: str | None
    results_url: str | None
