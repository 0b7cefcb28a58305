"""The six batch calls, a single message, and the count of a prompt's tokens.

Each gives what came back, or a Fault as a value; none retries by itself.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Generic, TypeVar

import msgspec

from backburner.nouns.fault import Fault, FaultKind
from backburner.upstream.faults import classify, seconds_of, wire_failures
from backburner.upstream.messages import ANSWER_SECONDS, Spoken, ask_once

if TYPE_CHECKING:
    import anthropic
    import httpx2

T = TypeVar("T")

_PATH: Final = "/v1/messages/batches"
_COUNT_PATH: Final = "/v1/messages/count_tokens"
_COUNT_SECONDS: Final = 10.0
"""How long a count may take, which nothing depends on."""

_CHUNK: Final = 1 << 20
_STREAMED: Final = {"X-Stainless-Raw-Response": "stream", "Accept": "application/x-jsonl"}
"""How the SDK is asked for a response whose body was not read yet.

Source: anthropic 2.12.0, _constants.py and `with_streaming_response`.
"""


class RequestCounts(msgspec.Struct, frozen=True):
    """Progress hints; their sum is always the number of requests."""

    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        """How many requests the batch holds."""
        return self.processing + self.succeeded + self.errored + self.canceled + self.expired


ENDED: Final = "ended"
"""The state of a batch whose results can be read. Source: as for `RemoteBatch`."""


class RemoteBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as the upstream describes it.

    Source: anthropic 2.12.0, types/messages/message_batch.py.
    """

    id: str
    processing_status: str
    request_counts: RequestCounts = RequestCounts()
    created_at: str = ""
    expires_at: str = ""
    ended_at: str | None = None
    archived_at: str | None = None
    results_url: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its results can be read."""
        return self.processing_status == ENDED


class Page(msgspec.Struct, frozen=True):
    """One page of the list, newest first."""

    data: list[RemoteBatch]
    has_more: bool = False
    last_id: str | None = None


class TokenCount(msgspec.Struct, frozen=True):
    """A prompt's tokens, as the upstream counts them: an estimate, as it says itself.

    Source: anthropic 2.12.0, types/message_tokens_count.py.
    """

    input_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What a call brought back, with what its headers said."""

    value: T
    workspace: str | None
    retry_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A create body that is read once, in pieces.

    Attributes:
        chunks: All of the body but its last bytes.
        tail: The last bytes, which make it whole.
        arm: Called when everything but the tail has been handed over. It commits that the tail is
            about to go; if it raises, the body stays incomplete and the upstream cannot act.
    """

    length: int
    chunks: Iterable[bytes]
    arm: Callable[[], None]
    tail: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A results file that was read to its end."""

    size: int
    sha256: str


class Upstream:
    """The batch routes of one workspace, through one SDK client.

    Args:
        client: Gives credentials, base URL, proxies and workspace. Its own retries are not used.
        read_seconds: How long an answer may take, except to a create.
        create_seconds: How long the answer to a create may take after its last byte.
    """

    def __init__(
        self,
        client: "anthropic.Anthropic",
        *,
        read_seconds: float = 30.0,
        create_seconds: float = 840.0,
    ) -> None:
        self._client = client.with_options(max_retries=0)
        self._read_seconds = read_seconds
        self._create_seconds = create_seconds

    @property
    def base_url(self) -> str:
        """The address the client speaks to."""
        return str(self._client.base_url).rstrip("/")

    def create(self, body: Body, betas: str) -> Answer[RemoteBatch] | Fault:
        """Send a batch, once.

        The SDK would post up to three times after a lost answer, without an idempotency key; here
        nothing is repeated, redirects are refused, and the body can be read only once.
        """
        armed = False

        def once() -> Iterator[bytes]:
            nonlocal armed
            yield from body.chunks
            body.arm()
            armed = True
            yield body.tail

        headers = {"Content-Length": str(body.length), "Content-Type": "application/json"}
        if betas:
            headers["anthropic-beta"] = betas
        options = self._options(headers, read=self._create_seconds)
        options["follow_redirects"] = False
        try:
            response = self._client.post(
                _PATH, cast_to=_response_type(), content=once(), options=options
            )
        except Exception as error:
            if not armed and not isinstance(error, wire_failures()):
                raise
            return classify(error, may_have_acted=armed)
        answer = _decoded(response, RemoteBatch)
        if isinstance(answer, Fault) or not answer.value.id:
            return Fault(kind=FaultKind.DOUBT, what="the answer to the create cannot be read")
        return answer

    def message(self, body: bytes, betas: str) -> Spoken | Fault:
        """Ask for one answer now, once; several threads may."""
        return ask_once(self._client, body, betas, ANSWER_SECONDS)

    def retrieve(self, upstream_id: str) -> Answer[RemoteBatch] | Fault:
        """Ask how a batch stands."""
        return self._get(f"{_PATH}/{upstream_id}", RemoteBatch)

    def page(self, *, limit: int, after: str | None = None) -> Answer[Page] | Fault:
        """One page of the workspace's batches, newest first."""
        query: dict[str, Any] = {"limit": limit}
        if after:
            query["after_id"] = after
        return self._get(_PATH, Page, query)

    def cancel(self, upstream_id: str) -> Answer[RemoteBatch] | Fault:
        """Ask for a batch to be canceled; what is being answered may still finish and cost."""
        try:
            response = self._client.post(
                f"{_PATH}/{upstream_id}/cancel",
                cast_to=_response_type(),
                options=self._options({}),
            )
        except wire_failures() as error:
            return classify(error, may_have_acted=True)
        return _decoded(response, RemoteBatch)

    def delete(self, upstream_id: str) -> Fault | None:
        """Delete an ended batch and its results upstream."""
        try:
            self._client.delete(
                f"{_PATH}/{upstream_id}", cast_to=_response_type(), options=self._options({})
            )
        except wire_failures() as error:
            return classify(error, may_have_acted=True)
        return None

    def download(
        self, upstream_id: str, file: BinaryIO, moved: Callable[[], None] = lambda: None
    ) -> Downloaded | Fault:
        """Copy a batch's results to a file, byte for byte; `moved` is called after each piece.

        The batch's own `results_url` is not followed: the SDK would carry the credential to
        whatever host it names.
        """
        digest = hashlib.sha256()
        size = 0
        try:
            with self._streamed(f"{_PATH}/{upstream_id}/results") as chunks:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                    moved()
        except wire_failures() as error:
            return classify(error, may_have_acted=False)
        return Downloaded(size=size, sha256=digest.hexdigest())

    def peek(self, upstream_id: str, most: int) -> list[bytes] | Fault:
        """The first lines of a batch's results, at most so many; the rest is left unread.

        Lines that came before the connection broke are given all the same.
        """
        found: list[bytes] = []
        rest = b""
        try:
            with self._streamed(f"{_PATH}/{upstream_id}/results") as chunks:
                for chunk in chunks:
                    *whole, rest = (rest + chunk).split(b"\n")
                    found += whole
                    if len(found) >= most:
                        return found[:most]
        except wire_failures() as error:
            return found or classify(error, may_have_acted=False)
        return [*found, rest]

    def count(self, body: bytes, betas: str) -> Answer[TokenCount] | Fault:
        """Count the tokens of a prompt; it is free, and has rate limits of its own."""
        headers = {"Content-Type": "application/json"}
        if betas:
            headers["anthropic-beta"] = betas
        options = self._options(headers, read=_COUNT_SECONDS)
        options["follow_redirects"] = False
        try:
            response = self._client.post(
                _COUNT_PATH, cast_to=_response_type(), content=body, options=options
            )
        except wire_failures() as error:
            return classify(error, may_have_acted=False)
        return _decoded(response, TokenCount)

    @contextmanager
    def _streamed(self, path: str) -> Iterator[Iterator[bytes]]:
        response = self._client.get(
            path, cast_to=_response_type(), options=self._options(_STREAMED)
        )
        with closing(response):
            yield response.iter_bytes(_CHUNK)

    def _get(
        self, path: str, kind: type[T], query: Mapping[str, Any] | None = None
    ) -> Answer[T] | Fault:
        options = self._options({})
        if query:
            options["params"] = dict(query)
        try:
            response = self._client.get(path, cast_to=_response_type(), options=options)
        except wire_failures() as error:
            return classify(error, may_have_acted=False)
        return _decoded(response, kind)

    def _options(self, headers: Mapping[str, str], read: float | None = None) -> Any:
        import httpx2  # noqa: PLC0415  # slow to import, and not needed for --help

        seconds = read or self._read_seconds
        timeout = httpx2.Timeout(connect=10, read=seconds, write=self._read_seconds, pool=10)
        return {"headers": dict(headers), "timeout": timeout}


def _response_type() -> "type[httpx2.Response]":
    import httpx2  # noqa: PLC0415  # slow to import, and not needed for --help

    return httpx2.Response


def _decoded(response: "httpx2.Response", kind: type[T]) -> Answer[T] | Fault:
    try:
        value = msgspec.json.decode(response.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Fault(
            kind=FaultKind.DOUBT,
            what="the answer is not what the API documents",
            status=response.status_code,
        )
    return Answer(
        value=value,
        workspace=response.headers.get("anthropic-workspace-id"),
        retry_after=seconds_of(response.headers.get("retry-after")),
    )
