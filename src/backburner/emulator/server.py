"""The emulated API on a port, and beside it `/_emulator/` for whoever runs it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backburner.emulator.controls import PREFIX, Controls
from backburner.emulator.creation import Witness
from backburner.emulator.exchange import Exchange
from backburner.emulator.faults import DisconnectedError
from backburner.emulator.replies import Reply
from backburner.emulator.settings import Settings
from backburner.emulator.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CUT = "emulator.cut"
_IDLE_SECONDS = 0.05
_SLICE_SECONDS = 0.02
_STOP_SECONDS = 5


class Clock:
    """Wall time from the start on, faster by a factor, and moved forward by hand."""

    def __init__(self, speed: float) -> None:
        self._start = time.time()
        self._since = time.monotonic()
        self._speed = speed
        self._moved = 0.0

    def __call__(self) -> float:
        """The time in POSIX seconds."""
        return self._start + (time.monotonic() - self._since) * self._speed + self._moved

    def advance(self, seconds: float) -> None:
        """Moves the clock forward."""
        self._moved += seconds


class Application:
    """The world as an ASGI application.

    Results are written in the background, a slice at a time, so that no call waits for them.
    """

    def __init__(self, world: World, clock: Clock, patience: float | None) -> None:
        self._world = world
        self._patience = patience
        self._controls = Controls(world, clock.advance)
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one call, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._worker = asyncio.create_task(self._work())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._worker.cancel()
        with suppress(asyncio.CancelledError):
            await self._worker
        self._world.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _work(self) -> None:
        """Does what is due in the world, never for long at a time."""
        while True:
            until = time.monotonic() + _SLICE_SECONDS
            busy = True
            while busy and time.monotonic() < until:
                busy = self._world.work()
            await asyncio.sleep(0 if busy else _IDLE_SECONDS)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        try:
            if target.startswith(PREFIX):
                body = await _body(receive)
                reply: Reply | None = self._controls.reply(scope["method"], target, body)
            else:
                reply = await self._exchange(scope, target, receive)
            if reply is not None and await _waited(reply.delay, receive):
                await _answer(reply, send)
        except DisconnectedError:
            await _hang_up(scope, receive)

    async def _exchange(self, scope: Scope, target: str, receive: Receive) -> Reply | None:
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
        exchange = self._world.open(scope["method"], target, headers, scheme=scope["scheme"])
        try:
            whole = await _fed(exchange, receive, self._patience)
        except TimeoutError:
            exchange.abort()
            raise DisconnectedError from None
        if not whole:
            return None
        return exchange.finish()


async def _fed(exchange: Exchange, receive: Receive, patience: float | None) -> bool:
    """Passes the body on; False, and the call is forgotten, if the client goes away."""
    while True:
        message = await asyncio.wait_for(receive(), patience)
        if message["type"] == "http.disconnect":
            exchange.abort()
            return False
        exchange.feed(message.get("body", b""))
        if not message.get("more_body", False):
            return True


async def _waited(seconds: float, receive: Receive) -> bool:
    """Lets a slow answer wait; False if the client goes away meanwhile."""
    if not seconds:
        return True
    try:
        await asyncio.wait_for(receive(), seconds)
    except TimeoutError:
        return True
    return False


async def _body(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _answer(reply: Reply, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for piece in reply.body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Closes the connection, and waits until the server has noticed."""
    scope["extensions"][_CUT]()
    while (await receive())["type"] != "http.disconnect":
        pass


class _Protocol(HttpToolsProtocol):
    """Uvicorn's protocol, with a way for the application to close the connection unanswered."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_CUT: self.transport.close}  # type: ignore[dict-item]


class Server(uvicorn.Server):
    """A server of one world, which tells its address once it listens.

    Set `should_exit` to stop one that runs outside the main thread.

    Attributes:
        world: The world behind it, for whoever scripts its faults.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        host: str,
        port: int,
        ready: Callable[[str], None] | None,
        patience: float | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                Application(world, clock, patience),
                host=host,
                port=port,
                http=_Protocol,
                ws="none",
                lifespan="on",
                log_level="warning",
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self.world = world
        self._ready = ready

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        """Starts to listen, then tells the address."""
        await super().startup(*args, **kwargs)
        if self.started and self._ready is not None:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8082,
    *,
    speed: float = 1.0,
    state_dir: Path | None = None,
    ready: Callable[[str], None] | None = None,
    on_complete_body: Witness | None = None,
) -> None:
    """Serves an emulated API until SIGTERM or SIGINT.

    Args:
        settings: How it behaves.
        host: Where it listens.
        port: On which port; 0 picks a free one.
        speed: Seconds that pass in the world for each real one.
        state_dir: Where requests and results are spooled; a folder inside it is made and removed
            again. What an earlier server left there is not taken up.
        ready: Told the base URL once the server listens.
        on_complete_body: Told of each complete body of a create, as `World` says.
    """
    server_for(
        settings,
        host,
        port,
        speed=speed,
        state_dir=state_dir,
        ready=ready,
        on_complete_body=on_complete_body,
    ).run()


def server_for(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    speed: float = 1.0,
    state_dir: Path | None = None,
    ready: Callable[[str], None] | None = None,
    on_complete_body: Witness | None = None,
    patience: float | None = None,
) -> Server:
    """A server that has not started yet; `run` serves until it is stopped.

    Takes what `serve` takes.

    Args:
        patience: Seconds without a byte after which a body that is not whole is cut off, as the
            network's edge does; None waits for ever.
    """
    clock = Clock(speed)
    world = World(
        settings, now=clock, state_dir=state_dir, eager=False, on_complete_body=on_complete_body
    )
    return Server(world, clock, host, port, ready, patience)
