"""HTTP answers: success, errors and the headers that every answer carries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any

import msgspec

from backburner.emulator.shapes import Problem, error_body

STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""HTTP status of each class of error.

Source: platform.claude.com/docs/en/api/errors (August 2026).
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, headers in lower case, and a body that may come in pieces.

    Attributes:
        size: Bytes of the body, where it has no Content-Length but is known.
        delay: Seconds for which the answer is held back.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    size: int | None = None
    delay: float = 0.0


class RefusedError(Exception):
    """The API answers with an error instead of doing what was asked."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.problem = Problem(kind, message, details)
        self.status = status or STATUS_OF[kind]
        self.headers = headers or {}


def json_reply(value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A 200 with a JSON body."""
    return _json(200, value, headers or {})


def error_reply(refused: RefusedError, request_id: str) -> Reply:
    """An error in the API's form."""
    return _json(refused.status, error_body(refused.problem, request_id), refused.headers)


def raiser(error: RefusedError) -> Callable[[], Reply]:
    """An act that is refused."""

    def act() -> Reply:
        raise error

    return act


def edge_reply(refused: RefusedError) -> Reply:
    """An error as the network's edge might send it, before the API is reached."""
    page = f"<html><head><title>{refused.status} {refused}</title></head></html>\n".encode()
    headers = {"content-type": "text/html", "content-length": str(len(page))}
    return Reply(refused.status, headers, (page,))


def _json(status: int, value: Any, headers: Mapping[str, str]) -> Reply:
    body = msgspec.json.encode(value)
    fixed = {"content-type": "application/json", "content-length": str(len(body))}
    return Reply(status, {**fixed, **headers}, (body,))


def with_headers(reply: Reply, headers: Mapping[str, str]) -> Reply:
    """A reply with headers added, where it has not set them itself."""
    return replace(reply, headers={**headers, **reply.headers})


def http_date(moment: float) -> str:
    """A moment as the `date` header has it."""
    return formatdate(moment, usegmt=True)
