"""The processes of the kill test: each makes the call, and stops for ever at the place it is told.

They are forked from one that has imported everything and opened nothing.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import anthropic
import httpx2

import backburner.prices
from backburner.client import Backburner
from backburner.client.home import Home
from backburner.client.preparing import Fresh, RunOptions
from backburner.clock import StoreClock
from backburner.plan.packing import PackLimits
from backburner.store import Store, Transaction
from backburner.store.owners import Owner
from backburner.telemetry import BatchCollected, BatchEnded, BatchSent, Event
from backburner.vault import Vault

assert backburner.prices


def say(text: str) -> None:
    """Tell the test, on the pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Stop:
    """Says where the process is, and waits there to be killed."""

    def __init__(self, place: str) -> None:
        self._place = place

    def at(self, place: str) -> None:
        if place == self._place:
            say(f"at {place}")
            signal.pause()


class StoppingVault(Vault):
    def __init__(self, root: Path, stop: Stop) -> None:
        super().__init__(root)
        self._stop = stop

    @contextmanager
    def file_writer(self, name: str) -> Iterator[BinaryIO]:
        with super().file_writer(name) as file:
            yield file
            folder = name.partition("/")[0]
            self._stop.at({"segments": "staging", "results": "collect"}.get(folder, "elsewhere"))


class StoppingStore(Store):
    """Stops inside a transaction that is about to commit a run."""

    def __init__(self, home: Path, stop: Stop) -> None:
        super().__init__(home)
        self._stop = stop
        self.staged = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with super().write() as tx:
            yield tx
            if self.staged:
                self._stop.at("commit")
                self.staged = False


class StoppingTransport(httpx2.BaseTransport):
    def __init__(self, stop: Stop) -> None:
        self._inner = httpx2.HTTPTransport()
        self._stop = stop

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        is_create = request.method == "POST" and request.url.path.endswith("/batches")
        if is_create:
            request.stream = Watched(request.stream, self._stop)
        if request.url.path.endswith("/results"):
            self._stop.at("poll")
        response = self._inner.handle_request(request)
        if is_create:
            self._stop.at("answered")
        return response


class Watched(httpx2.SyncByteStream):
    def __init__(self, stream: Any, stop: Stop) -> None:
        self._stream = stream
        self._stop = stop

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            if piece == b"]}":
                self._stop.at("armed")
            yield piece
            if piece != b"]}":
                self._stop.at("upload")


def listener(stop: Stop) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        match event:
            case BatchSent():
                stop.at("sent")
            case BatchEnded():
                stop.at("ended")
            case BatchCollected():
                stop.at("judged")
            case _:
                pass

    return listen


def main(url: str, source: Path, place: str) -> str:
    stop = Stop(place)
    path = source.parent / "home"
    path.mkdir(exist_ok=True)
    clock = StoreClock()
    store = StoppingStore(path, stop)
    home = Home(path, store, StoppingVault(path / "vault", stop), Owner(path, clock.token(10)))
    client = anthropic.Anthropic(
        api_key="k", base_url=url, http_client=httpx2.Client(transport=StoppingTransport(stop))
    )
    options = RunOptions(
        source=str(source),
        prompt="Say: {{ text }}",
        model="claude-haiku-4-5",
        max_tokens=50,
        output=str(source.parent / "out.csv"),
    )
    with Backburner(
        home,
        client=client,
        limits=PackLimits(requests=20),
        listener=listener(stop),
        environment={"BACKBURNER_QUIET": "1.5", "BACKBURNER_GAP": "0.3"},
    ) as bb:
        prepared = bb.intake.prepare(options)
        if isinstance(prepared, Fresh):
            store.staged = True
            run = bb.intake.commit(prepared.staged)
        else:
            run = prepared.run

        def shown(count: Any) -> None:
            if count.is_finished:
                stop.at("output")

        finished = bb.run(run.id, shown)
        return " ".join(f"{name}={n}" for name, n in finished.receipt.outcomes.items())


def live(url: str, source: Path, place: str) -> int:
    say(f"pid {os.getpid()}")
    try:
        say(main(url, source, place))
    except Exception:  # noqa: BLE001  # the parent is told, whatever it was
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    for line in sys.stdin:
        url, source, place = json.loads(line)
        child = os.fork()
        if not child:
            os._exit(live(url, Path(source), place))
        _, status = os.waitpid(child, 0)
        say(f"exit {os.waitstatus_to_exitcode(status)}")
