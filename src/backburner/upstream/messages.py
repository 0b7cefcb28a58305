"""One Messages call, made once: its answer as it came, or what went wrong as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from backburner.nouns.fault import Fault, FaultKind
from backburner.upstream.faults import classify, wire_failures

if TYPE_CHECKING:
    import anthropic

_PATH: Final = "/v1/messages"

ANSWER_SECONDS: Final = 600.0
"""How long an answer may take. A call that is not streamed ends within ten minutes, or is cut.

Source: anthropic 2.12.0, _base_client.py (`_calculate_nonstreaming_timeout`), and
platform.claude.com api/errors (long requests), 2026-08-22.
"""

_OVERLOADED: Final = "overloaded_error"
"""With status 529: nothing was begun, since there was no capacity for it.

Source: platform.claude.com api/errors, 2026-08-22.
"""


class _Message(msgspec.Struct, gc=False):
    type: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """An answer: the message byte for byte, and the workspace that it was billed to."""

    message: bytes
    workspace: str | None


def ask_once(
    client: "anthropic.Anthropic", body: bytes, betas: str, seconds: float
) -> Spoken | Fault:
    """Make one call, without retries and redirects.

    A Fault is `DOUBT` where an answer may have been made and billed. An error that the API reports
    is none: a request that failed has no answer.

    Args:
        client: Whose own retries are off.
        seconds: How long the answer may take.
    """
    import httpx2  # noqa: PLC0415  # slow to import, and not needed for --help

    options: Any = {
        "headers": _headers(betas),
        "timeout": httpx2.Timeout(connect=10, read=seconds, write=30, pool=10),
        "follow_redirects": False,
    }
    try:
        response = client.post(_PATH, cast_to=httpx2.Response, content=body, options=options)
    except wire_failures() as error:
        return _fault(error)
    return _spoken(response.content, response.headers.get("anthropic-workspace-id"))


def _headers(betas: str) -> Mapping[str, str]:
    headers = {"Content-Type": "application/json"}
    return {**headers, "anthropic-beta": betas} if betas else headers


def _fault(error: Exception) -> Fault:
    fault = classify(error, may_have_acted=not _never_left(error))
    if fault.kind is not FaultKind.DOUBT or not fault.error_type:
        return fault
    # The API itself says that it made no answer: what stands between us and it names no such class.
    is_full = fault.error_type == _OVERLOADED
    return replace(fault, kind=FaultKind.THROTTLED if is_full else FaultKind.REFUSED)


def _never_left(error: Exception) -> bool:
    """Whether there was no connection to send anything on."""
    import httpx2  # noqa: PLC0415  # as above

    cause = error.__cause__ or error
    return isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _spoken(content: bytes, workspace: str | None) -> Spoken | Fault:
    try:
        message = msgspec.json.decode(content, type=_Message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = _Message()
    if message.type != "message" or not message.id:
        return Fault(kind=FaultKind.DOUBT, what="the answer is not what the API documents")
    return Spoken(message=content, workspace=workspace)
