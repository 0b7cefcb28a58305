"""What a failed call means: which failures are definite, and which leave a doubt."""

import re
from typing import TYPE_CHECKING, Final

from backburner.nouns.fault import Fault, FaultKind

if TYPE_CHECKING:
    from anthropic import APIStatusError

_DEFINITE: Final = frozenset({400, 401, 402, 403, 404, 413, 422, 429})
"""Answers after which the upstream has certainly not acted. Every other one leaves a doubt."""

_STOPPING: Final = frozenset({401, 402, 403})

_STOP_CODES: Final = frozenset(
    {
        "organization_on_hold",
        "cmek_key_disabled",
        "claude_code_key_creator_not_member",
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "linked_organization_spend_limit_reached",
    }
)
"""Codes that only a person can clear.

Source: platform.claude.com api/errors and api/rate-limits, 2026-08-22; anthropic 2.12.0.
"""

_OWN_LIMIT: Final = re.compile(r"^You have reached your specified .*usage limits", re.IGNORECASE)
"""A limit set by oneself comes as a plain 400; only its text tells.

Source: platform.claude.com api/errors, 2026-08-22.
"""

_SHOWN: Final = 300


def wire_failures() -> tuple[type[Exception], ...]:
    """What a call may raise because of the far side or the way there; anything else is a bug."""
    import anthropic  # noqa: PLC0415  # slow to import, and not needed for --help
    import httpx2  # noqa: PLC0415  # as above

    return (anthropic.AnthropicError, httpx2.HTTPError)


def classify(error: BaseException, *, may_have_acted: bool) -> Fault:
    """Turn what the SDK raised into a Fault.

    Args:
        may_have_acted: Whether the upstream had all it needs to act when the failure came.
    """
    import anthropic  # noqa: PLC0415  # slow to import, and not needed for --help

    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error, may_have_acted=may_have_acted)
    # The SDK's own classes say only that there was no answer; what is behind them says why.
    what = f"no answer: {type(error.__cause__ or error).__name__}"
    return Fault(kind=FaultKind.DOUBT if may_have_acted else FaultKind.UNREACHED, what=what)


def _of_status(error: "APIStatusError", *, may_have_acted: bool) -> Fault:
    status = error.status_code
    return Fault(
        kind=_kind(error, status, may_have_acted=may_have_acted),
        what=_text(error)[:_SHOWN],
        status=status,
        error_type=error.type or "",
        request_id=error.request_id or "",
        retry_after=seconds_of(error.response.headers.get("retry-after")),
    )


def _kind(error: "APIStatusError", status: int, *, may_have_acted: bool) -> FaultKind:
    if status == 410 and not may_have_acted:  # noqa: PLR2004
        return FaultKind.ABSENT
    redirected = 300 <= status < 400  # noqa: PLR2004  # a refused redirect is a definite refusal
    if status not in _DEFINITE and not redirected:
        return FaultKind.DOUBT if may_have_acted else FaultKind.UNREACHED
    if status in _STOPPING or error.error_code in _STOP_CODES or _OWN_LIMIT.match(_text(error)):
        return FaultKind.STOP
    if status == 429:  # noqa: PLR2004
        return FaultKind.THROTTLED
    return FaultKind.ABSENT if status == 404 else FaultKind.REFUSED  # noqa: PLR2004


def _text(error: "APIStatusError") -> str:
    return error.api_message or f"HTTP {error.status_code}"


def seconds_of(header: str | None) -> float | None:
    """A `retry-after` in seconds; None where there is none, or it is a date."""
    try:
        return float(header) if header else None
    except ValueError:
        return None
