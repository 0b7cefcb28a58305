"""One call and all that came back, whatever its status: for a check of the API itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from backburner.upstream.faults import wire_failures

if TYPE_CHECKING:
    import anthropic

_READ_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer as it came. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that it holds; empty if it holds none."""
        try:
            value = msgspec.json.decode(self.content)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A call that nothing came back from; `what` names the failure and no more."""

    what: str


class RawCalls:
    """Calls through an SDK client that give what came, refusals too. None is repeated."""

    def __init__(self, client: "anthropic.Anthropic") -> None:
        self._client = client.with_options(max_retries=0)

    @property
    def base_url(self) -> str:
        """The address the client speaks to."""
        return str(self._client.base_url).rstrip("/")

    def get(self, path: str, *, accept: str = "application/json") -> Seen | NoAnswer:
        """Ask for something."""
        return self._call("get", path, {"Accept": accept})

    def post(self, path: str, content: bytes = b"") -> Seen | NoAnswer:
        """Send something."""
        headers = {"Content-Type": "application/json"} if content else {}
        return self._call("post", path, headers, **({"content": content} if content else {}))

    def delete(self, path: str) -> Seen | NoAnswer:
        """Delete something."""
        return self._call("delete", path, {})

    def _call(
        self, verb: str, path: str, headers: Mapping[str, str], **more: Any
    ) -> Seen | NoAnswer:
        import anthropic  # noqa: PLC0415  # slow to import, and not needed for --help
        import httpx2  # noqa: PLC0415  # as above

        options = {
            "headers": dict(headers),
            "timeout": httpx2.Timeout(connect=10, read=_READ_SECONDS, write=30, pool=10),
            "follow_redirects": False,
        }
        call = getattr(self._client, verb)
        try:
            response = call(path, cast_to=httpx2.Response, options=options, **more)
        except anthropic.APIStatusError as error:
            response = error.response
        except wire_failures() as error:
            return NoAnswer(type(error.__cause__ or error).__name__)
        return Seen(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            content=response.content,
        )
