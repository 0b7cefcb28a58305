"""The head of a call, read and checked: route, key, workspace, version, betas.

Source: platform.claude.com/docs/en/api/overview, api/versioning, api/beta-headers and
manage-claude/authentication (August to October 2026).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from backburner.emulator import betas, identifiers
from backburner.emulator.replies import RefusedError
from backburner.emulator.settings import Settings
from backburner.emulator.troubles import NO_TROUBLES, Troubles
from backburner.emulator.validation import VERSIONS, Terms

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
_BATCHES = "/v1/messages/batches"
_ROUTES = tuple(
    (re.compile(pattern).fullmatch, method, name)
    for pattern, method, name in (
        (_BATCHES, "POST", "create"),
        (_BATCHES, "GET", "list"),
        (f"{_BATCHES}/([^/]+)", "GET", "retrieve"),
        (f"{_BATCHES}/([^/]+)", "DELETE", "delete"),
        (f"{_BATCHES}/([^/]+)/results", "GET", "results"),
        (f"{_BATCHES}/([^/]+)/cancel", "POST", "cancel"),
        ("/v1/messages", "POST", "messages"),
        ("/v1/messages/count_tokens", "POST", "count_tokens"),
        ("/v1/models", "GET", "models"),
        ("/v1/models/([^/]+)", "GET", "model"),
        ("/v1/organizations/usage_report/messages", "GET", "usage_report"),
        ("/v1/organizations/cost_report", "GET", "cost_report"),
    )
)
ADMIN_ROUTES = ("usage_report", "cost_report")
_ADMIN_KEY = "sk-ant-admin"
BATCH_ROUTES = ("create", "list", "retrieve", "delete", "results", "cancel")


@dataclass(frozen=True, slots=True)
class Route:
    """What a call asks for, and the id in its path."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Head:
    """Method, target and headers of a call."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    base_url: str

    @classmethod
    def of(cls, method: str, target: str, headers: Headers, scheme: str) -> "Head":
        """The head of a call as it came."""
        parts = urlsplit(target)
        merged = _merged(headers)
        host = merged.get("host") or parts.netloc or "emulator"
        return cls(
            method.upper(),
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            merged,
            f"{parts.scheme or scheme}://{host}",
        )

    @property
    def length(self) -> int | None:
        """The Content-Length, if there is one."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else None

    def first(self, key: str) -> str | None:
        """The first value of a query key, None if absent or empty."""
        return (self.query.get(key) or [""])[0] or None


def _merged(headers: Headers) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    merged: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        merged[key] = f"{merged[key]},{value}" if key in merged else value
    return merged


def route(head: Head) -> Route:
    """What a call asks for.

    Raises:
        RefusedError: 404 for an unknown path, 405 for a wrong verb.
    """
    allowed = []
    for match, method, name in _ROUTES:
        found = match(head.path)
        if found and method == head.method:
            return Route(name, unquote(found[1]) if found.groups() else "")
        if found:
            allowed.append(method)
    if allowed:
        raise RefusedError(
            "invalid_request_error",
            "Method Not Allowed",
            status=405,
            headers={"allow": ", ".join(allowed)},
        )
    raise RefusedError("not_found_error", "Not Found")


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose head has been accepted."""

    head: Head
    route: Route
    workspace: str
    version: str
    betas: frozenset[str]
    troubles: Troubles = NO_TROUBLES

    def terms(self, settings: Settings, *, in_batch: bool) -> Terms:
        """What the requests of this call are judged by."""
        return Terms(self.version, self.betas, in_batch, settings.strict, settings.switches)


def workspace_of(head: Head, settings: Settings) -> str:
    """The workspace of the key that a call carries.

    Raises:
        RefusedError: 401 without a valid key, 403 for a key of another workspace.
    """
    key = _key(head)
    if key in settings.refused_keys or key.startswith(_ADMIN_KEY):
        raise RefusedError("authentication_error", "API key is invalid.")
    workspace = settings.workspaces.get(key, settings.default_workspace)
    if head.headers.get("anthropic-workspace-id", workspace) != workspace:
        raise RefusedError("permission_error", "This key cannot act in the requested workspace.")
    return workspace


def check_admin(head: Head, settings: Settings) -> None:
    """Checks that a call carries a key of an organisation's admin.

    Raises:
        RefusedError: 401 without a valid key; a workspace's key is none here.
    """
    key = _key(head)
    if key in settings.refused_keys or not key.startswith(_ADMIN_KEY):
        raise RefusedError("authentication_error", "API key is invalid.")


def key_id(head: Head, settings: Settings) -> str:
    """The id of the key that a call carries, which does not give the key away."""
    return identifiers.identifier("apikey", 22, settings.seed, _key(head))


def _key(head: Head) -> str:
    key = head.headers.get("x-api-key", "").strip() or _bearer(head)
    if not key:
        raise RefusedError("authentication_error", "x-api-key header is required")
    return key


def _bearer(head: Head) -> str:
    scheme, _, token = head.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def accept(head: Head, asked: Route, workspace: str, settings: Settings) -> Call:
    """A call with a known version and known betas.

    Raises:
        RefusedError: 400 for a version or beta that does not exist.
    """
    version = head.headers.get("anthropic-version", "").strip()
    if not version:
        raise RefusedError("invalid_request_error", "anthropic-version: header is required")
    if version not in VERSIONS:
        raise RefusedError(
            "invalid_request_error", f'anthropic-version: "{version}" is not a valid version'
        )
    named = {name.strip() for name in head.headers.get("anthropic-beta", "").split(",")} - {""}
    unknown = sorted(named - betas.KNOWN)
    if unknown and settings.strict:
        values = ", ".join(f"`{name}`" for name in unknown)
        raise RefusedError(
            "invalid_request_error",
            f"Unexpected value(s) {values} for the anthropic-beta header. Please consult our "
            "documentation at platform.claude.com or try again without the header.",
        )
    return Call(head, asked, workspace, version, frozenset(named))
