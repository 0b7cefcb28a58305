"""One HTTP call without any I/O: opened with its head, fed its body, then finished or aborted."""

import zlib
from collections.abc import Callable
from typing import Protocol

from backburner.emulator.enacting import enact
from backburner.emulator.faults import AnswerFault
from backburner.emulator.replies import RefusedError, Reply, raiser


class Body(Protocol):
    """What becomes of a call's body."""

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece."""

    def complete(self) -> None:
        """Notes that everything has come, before anything is made of it."""

    def finish(self) -> Reply:
        """Acts on the body, once complete."""

    def abort(self) -> None:
        """Forgets what came."""


class Ignored:
    """A body that nobody reads, in front of a fixed outcome."""

    def __init__(self, answer: Callable[[], Reply]) -> None:
        self._answer = answer

    def feed(self, chunk: bytes) -> None:
        """Drops the piece."""

    def complete(self) -> None:
        """Has nothing to note."""

    def finish(self) -> Reply:
        """Gives the answer."""
        return self._answer()

    def abort(self) -> None:
        """Has nothing to forget."""


class Collected:
    """A small body, kept whole until it is complete."""

    def __init__(self, answer: Callable[[bytes], Reply]) -> None:
        self._answer = answer
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Keeps the piece."""
        self._chunks.append(chunk)

    def complete(self) -> None:
        """Has nothing to note."""

    def finish(self) -> Reply:
        """Gives the answer to the whole body."""
        return self._answer(b"".join(self._chunks))

    def abort(self) -> None:
        """Forgets the pieces."""
        self._chunks.clear()


class Unzipped:
    """A gzip-compressed body in front of another one."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._stream = zlib.decompressobj(wbits=31)

    def feed(self, chunk: bytes) -> None:
        """Passes on what the piece unpacks to."""
        try:
            self._body.feed(self._stream.decompress(chunk))
        except zlib.error:
            self._refuse()

    def complete(self) -> None:
        """Passes on the end, if the stream has come to its own."""
        if not self._stream.eof:
            self._refuse()
        self._body.complete()

    def finish(self) -> Reply:
        """Passes on what is to be done."""
        return self._body.finish()

    def abort(self) -> None:
        """Passes on the abort."""
        self._body.abort()

    def _refuse(self) -> None:
        raise RefusedError(
            "invalid_request_error",
            "The request body could not be decompressed.",
            details={"error_code": "request_body_encoding_invalid"},
        )


def unpacked(body: Body, encoding: str, *, zipped: bool) -> Body:
    """A body behind its Content-Encoding.

    Args:
        body: What becomes of what is sent.
        encoding: How it is sent.
        zipped: Whether gzip is taken.

    Raises:
        RefusedError: 400 for an encoding that is not taken.
    """
    encoding = encoding.strip().lower()
    if encoding == "identity":
        return body
    if encoding != "gzip" or not zipped:
        raise RefusedError(
            "invalid_request_error",
            f"The request body encoding `{encoding}` is not supported.",
            details={"error_code": "request_body_encoding_unsupported"},
        )
    return Unzipped(body)


class Exchange:
    """A call under way.

    A call has an effect only in `finish`, and only if the whole body has come: one that is shorter
    than its Content-Length is forgotten, as a server forgets it when the connection closes.

    Args:
        body: What becomes of the body.
        length: The Content-Length, if one was given.
        limit: Most bytes allowed.
        seal: Makes an outcome into the reply that is sent.
        too_large: The outcome of a body over the limit.
        defer: Lets the call take effect in so many seconds.
        begin: Called when the body has ended, before anything else.
        fault: What goes wrong on purpose.
    """

    def __init__(
        self,
        body: Body,
        *,
        length: int | None,
        limit: int,
        seal: Callable[[Callable[[], Reply]], Reply],
        too_large: Callable[[], Reply],
        defer: Callable[[float, Callable[[], Reply]], None],
        begin: Callable[[], None],
        fault: AnswerFault | None = None,
    ) -> None:
        self._body = body
        self._length = length
        self._limit = limit
        self._seal = seal
        self._too_large = too_large
        self._defer = defer
        self._begin = begin
        self._fault = fault
        self._received = 0
        self._closed = False
        self._refused = False
        if (length or 0) > limit:
            self._replace(too_large)

    @property
    def missing(self) -> int:
        """Bytes that are still to come by the Content-Length, negative if too many came."""
        return 0 if self._length is None else self._length - self._received

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece of the body."""
        self._received += len(chunk)
        if self._received > self._limit:
            self._replace(self._too_large)
        try:
            self._body.feed(chunk)
        except RefusedError as error:
            self._replace(raiser(error))

    def finish(self) -> Reply:
        """Ends the body, lets the call take effect, and gives the reply.

        Raises:
            DisconnectedError: The emulator closes the connection instead, as scripted.
        """
        self._close()
        self._begin()
        if self.missing and not self._refused:
            message = "The request body does not match its Content-Length."
            self._replace(raiser(RefusedError("invalid_request_error", message)))
        return enact(self._fault, self._body, self._seal, self._defer)

    def abort(self) -> None:
        """Ends the call without effect: the client has gone away."""
        self._close()
        self._body.abort()

    def _replace(self, answer: Callable[[], Reply]) -> None:
        self._body.abort()
        self._body = Ignored(answer)
        self._refused = True

    def _close(self) -> None:
        if self._closed:
            raise RuntimeError("The exchange is over.")
        self._closed = True
