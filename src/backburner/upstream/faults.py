"""What a failed call means: which failures are definite, and which leave a doubt."""

import re
from typing import TYPE_CHECKING, Final

from backburner.nouns.fault import Fault, FaultKind, StopCode

if TYPE_CHECKING:
    from anthropic import APIStatusError

_DEFINITE: Final = frozenset({400, 401, 402, 403, 404, 413, 422, 429})
"""Answers after which the upstream has certainly not acted. Every other one leaves a doubt."""

_STOPPING: Final = frozenset({401, 402, 403})
_STOP_CODES: Final = frozenset(StopCode)

_OWN_LIMIT: Final = re.compile(r"^You have reached your specified .*usage limits", re.IGNORECASE)
"""A limit set by oneself comes as a plain 400; only its text tells.

Source: platform.claude.com api/errors, 2026-08-22.
"""

_NO_CREDIT: Final = re.compile(r"^Your credit balance is too low", re.IGNORECASE)
"""Credit that ran out comes as a 400 too, where only the text tells it from a bad request."""

_TIER_LIMIT: Final = re.compile(r"\bspend(ing)? limit", re.IGNORECASE)
"""The spend limit of a tier, should its code be lacking: a 429 that no waiting clears.

Source: platform.claude.com api/rate-limits, 2026-08-22: it has no `retry-after`.
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
    code = _code(error, status)
    return Fault(
        kind=_kind(code, status, may_have_acted=may_have_acted),
        what=_text(error)[:_SHOWN],
        status=status,
        error_type=error.type or "",
        code=code,
        request_id=error.request_id or "",
        retry_after=seconds_of(error.response.headers.get("retry-after")),
    )


def _code(error: "APIStatusError", status: int) -> str:
    if error.error_code:
        return error.error_code
    text = _text(error)
    if status == 429 and "retry-after" not in error.response.headers:  # noqa: PLR2004
        return StopCode.TIER_LIMIT if _TIER_LIMIT.search(text) else ""
    if status in (400, 402) and _NO_CREDIT.match(text):
        return StopCode.NO_CREDIT
    return StopCode.OWN_LIMIT if status == 400 and _OWN_LIMIT.match(text) else ""  # noqa: PLR2004


def _kind(code: str, status: int, *, may_have_acted: bool) -> FaultKind:
    if status == 410 and not may_have_acted:  # noqa: PLR2004
        return FaultKind.ABSENT
    redirected = 300 <= status < 400  # noqa: PLR2004  # a refused redirect is a definite refusal
    if status not in _DEFINITE and not redirected:
        return FaultKind.DOUBT if may_have_acted else FaultKind.UNREACHED
    if status in _STOPPING or code in _STOP_CODES:
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
