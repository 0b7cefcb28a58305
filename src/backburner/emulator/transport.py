"""The emulated API without a network: a transport for `httpx2`, and so for the SDK."""

from collections.abc import Callable, Iterator

import httpx2

from backburner.emulator.exchange import Exchange
from backburner.emulator.faults import DisconnectedError
from backburner.emulator.replies import Reply
from backburner.emulator.world import World


class EmulatorTransport(httpx2.BaseTransport):
    """Carries calls into a world as a network would.

    The body is passed on piece by piece, so the world sees what a server sees: withheld bytes, and
    clients that die. An exception from the body's iterator aborts the call and goes on to the
    caller; a dropped connection becomes the error that a socket would give.

    Args:
        world: Where calls go.
        sleep: Lets time pass while a slow answer is awaited, up to the call's own timeout. Without
            one no time passes, and the timeout strikes all the same.
    """

    def __init__(self, world: World, sleep: Callable[[float], object] | None = None) -> None:
        self._world = world
        self._sleep = sleep or (lambda _seconds: None)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carries one call; of several threads one at a time."""
        with self._world.door:
            reply = self._carried(request)
        if reply.delay:
            self._wait(reply.delay, request)
        return httpx2.Response(
            reply.status, headers=dict(reply.headers), stream=_Pieces(reply, request)
        )

    def _carried(self, request: httpx2.Request) -> Reply:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        ]
        exchange = self._world.open(
            request.method, str(request.url), headers, scheme=request.url.scheme
        )
        self._send(request, exchange)
        try:
            return exchange.finish()
        except DisconnectedError as error:
            raise httpx2.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            ) from error

    def _wait(self, seconds: float, request: httpx2.Request) -> None:
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is None or seconds <= patience:
            self._sleep(seconds)
            return
        self._sleep(patience)
        raise httpx2.ReadTimeout("timed out", request=request)

    def _send(self, request: httpx2.Request, exchange: Exchange) -> None:
        stream = request.stream
        if not isinstance(stream, httpx2.SyncByteStream):
            exchange.abort()
            raise TypeError("The emulator's transport takes requests of a synchronous client.")
        try:
            for chunk in stream:
                exchange.feed(chunk)
        except BaseException:
            exchange.abort()
            raise
        if exchange.missing:
            exchange.abort()
            amount = "little" if exchange.missing > 0 else "much"
            raise httpx2.LocalProtocolError(
                f"Too {amount} data for declared Content-Length", request=request
            )


class _Pieces(httpx2.SyncByteStream):
    """A reply's body, read as it is asked for."""

    def __init__(self, reply: Reply, request: httpx2.Request) -> None:
        self._pieces = iter(reply.body)
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces
        except DisconnectedError as error:
            raise httpx2.RemoteProtocolError(
                "peer closed connection without sending complete message body",
                request=self._request,
            ) from error

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
