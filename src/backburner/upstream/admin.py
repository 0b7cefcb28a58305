"""The Admin API's reports, as their pages come. They need a key of an administrator."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from backburner.errors import KeyMissing, Unreachable, UpstreamError
from backburner.upstream.connect import base_url_of
from backburner.upstream.faults import wire_failures

if TYPE_CHECKING:
    import anthropic

ADMIN_KEY: Final = "ANTHROPIC_ADMIN_KEY"

USAGE: Final = "/v1/organizations/usage_report/messages"
COSTS: Final = "/v1/organizations/cost_report"
"""Source: platform.claude.com manage-claude/usage-cost-api, read 2026-11-22."""

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    USAGE: ("workspace_id", "model", "service_tier"),
    COSTS: ("workspace_id", "description"),
}
_DAYS_A_PAGE: Final = 31
_READ_SECONDS: Final = 60.0
_REFUSED: Final = (401, 403)


class _Page(msgspec.Struct, gc=False):
    has_more: bool = False
    next_page: str | None = None


def admin_client(
    environment: Mapping[str, str], client: "anthropic.Anthropic | None"
) -> "anthropic.Anthropic":
    """An SDK client that bears the administrator's key of the environment.

    Args:
        client: One whose way to the upstream is taken; None for the usual way.

    Raises:
        KeyMissing: The environment has no such key.
    """
    key = environment.get(ADMIN_KEY)
    if not key:
        raise KeyMissing(
            f"{ADMIN_KEY} is not set",
            hint="set it to a key of an administrator (sk-ant-admin…), or give --from FILE",
        )
    if client is not None:
        return client.with_options(api_key=key)
    import anthropic  # noqa: PLC0415  # seconds and 57 MB, so only when something is asked

    return anthropic.Anthropic(api_key=key, base_url=base_url_of(environment))


def report_pages(
    client: "anthropic.Anthropic", path: str, starting_at: str, ending_at: str
) -> Iterator[bytes]:
    """Every page of a report by day, from one time to another, as JSON.

    Raises:
        UpstreamError: The key was refused, or the answer is no report.
        Unreachable: There was no answer.
    """
    page: str | None = None
    while True:
        content = _ask(client, path, _query(path, starting_at, ending_at, page))
        yield content
        page = _next(content)
        if page is None:
            return


def _query(path: str, starting_at: str, ending_at: str, page: str | None) -> dict[str, Any]:
    query: dict[str, Any] = {
        "starting_at": starting_at,
        "ending_at": ending_at,
        "bucket_width": "1d",
        "limit": _DAYS_A_PAGE,
        # The SDK adds the brackets.
        "group_by": list(_GROUPS[path]),
    }
    return query if page is None else {**query, "page": page}


def _next(content: bytes) -> str | None:
    try:
        page = msgspec.json.decode(content, type=_Page)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UpstreamError(
            "the answer is no report", hint="save it and read it with --from FILE"
        ) from error
    return page.next_page if page.has_more else None


def _ask(client: "anthropic.Anthropic", path: str, query: dict[str, Any]) -> bytes:
    import anthropic  # noqa: PLC0415  # as above
    import httpx2  # noqa: PLC0415  # as above

    options: Any = {"params": query, "timeout": httpx2.Timeout(_READ_SECONDS)}
    try:
        return client.get(path, cast_to=httpx2.Response, options=options).content
    except anthropic.APIStatusError as error:
        if error.status_code in _REFUSED:
            raise UpstreamError(
                f"Anthropic refused the key in {ADMIN_KEY} ({error.status_code})",
                hint="an administrator makes one in the Console, under admin keys",
            ) from error
        raise UpstreamError(
            f"Anthropic refused the report ({error.status_code})", hint="call again later"
        ) from error
    except wire_failures() as error:
        raise Unreachable("Anthropic cannot be reached", hint="call again later") from error
