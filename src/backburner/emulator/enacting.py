"""What a fault makes of a call whose body is complete, and of its answer."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from backburner.emulator.faults import (
    AnswerFault,
    Cut,
    DisconnectedError,
    DropAfter,
    DropBefore,
    Late,
    Slow,
    Status,
)
from backburner.emulator.replies import STATUS_OF, RefusedError, Reply, raiser
from backburner.emulator.spans import longest

_TYPE_OF = {status: kind for kind, status in STATUS_OF.items()}


class Completed(Protocol):
    """A body of which nothing is missing."""

    def complete(self) -> None:
        """Notes that everything has come, before anything is made of it."""

    def finish(self) -> Reply:
        """Acts on it."""

    def abort(self) -> None:
        """Forgets it."""


def enact(
    fault: AnswerFault | None,
    body: Completed,
    seal: Callable[[Callable[[], Reply]], Reply],
    defer: Callable[[float, Callable[[], Reply]], None],
) -> Reply:
    """The reply to a call, as far as its fault lets it act and be answered.

    Args:
        fault: What goes wrong, if anything.
        body: The call's body.
        seal: Makes an outcome into the reply that is sent.
        defer: Lets the call take effect in so many seconds.

    Raises:
        DisconnectedError: The connection closes without an answer.
    """
    match fault:
        case Status(after=False):
            _waste(body)
            return seal(raiser(_refusal(fault)))
        case DropBefore():
            _waste(body)
            raise DisconnectedError
        case Late():
            with suppress(RefusedError):
                body.complete()
                defer(longest(fault.by), body.finish)
            raise DisconnectedError
        case _:
            return _answered(fault, seal(lambda: _acted(body)), seal)


def _answered(
    fault: AnswerFault | None, reply: Reply, seal: Callable[[Callable[[], Reply]], Reply]
) -> Reply:
    """What the caller gets to see of the answer to a call that took effect."""
    match fault:
        case DropAfter():
            raise DisconnectedError
        case Status():
            return seal(raiser(_refusal(fault)))
        case Slow():
            return replace(reply, delay=longest(fault.seconds))
        case Cut():
            return _cut(reply, fault)
        case _:
            return reply


def _acted(body: Completed) -> Reply:
    body.complete()
    return body.finish()


def _waste(body: Completed) -> None:
    """Lets a complete body come to nothing."""
    with suppress(RefusedError):
        body.complete()
    body.abort()


def _refusal(fault: Status) -> RefusedError:
    return RefusedError(
        fault.type or _TYPE_OF.get(fault.code, "api_error"),
        fault.message,
        status=fault.code,
        headers=dict(fault.headers),
        details=dict(fault.details) if fault.details else None,
    )


def _cut(reply: Reply, fault: Cut) -> Reply:
    """A reply that ends before its end."""
    size = reply.size if reply.size is not None else int(reply.headers.get("content-length", 0))
    end = int(size * fault.at) if isinstance(fault.at, float) else fault.at
    headers = dict(reply.headers)
    if fault.clean:
        headers.pop("content-length", None)
    return replace(reply, headers=headers, body=_until(reply.body, end, fault), size=None)


def _until(pieces: Iterable[bytes], end: int, fault: Cut) -> Iterator[bytes]:
    """The first bytes of a body; then its end, or the end of the connection."""
    for piece in pieces:
        if len(piece) > end:
            stop = piece.rfind(b"\n", 0, end) + 1 if fault.at_line else end
            if stop:
                yield piece[:stop]
            break
        yield piece
        end -= len(piece)
    else:
        return
    if not fault.clean:
        raise DisconnectedError
