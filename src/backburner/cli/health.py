"""The port on which a worker tells how it is: `/healthz`, `/readyz` and `/metrics`."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from backburner.errors import BackburnerError, ConfigError, InputError


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: status, text and what the text is."""

    status: int
    text: str
    kind: str = "text/plain; charset=utf-8"


Answers = Mapping[str, Callable[[], Told]]
"""What is told under each path; asked anew each time, in a thread of its own."""


def address_of(text: str) -> tuple[str, int]:
    """Host and port of a `HOST:PORT`; port 0 picks a free one.

    Raises:
        InputError: It is none.
    """
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 2**16):
        raise InputError(
            f"--health {text} is no address", hint="write it as in 127.0.0.1:9464, or 0.0.0.0:9464"
        )
    return host.strip("[]"), int(port)


@contextmanager
def serving(address: tuple[str, int], answers: Answers) -> Iterator[str]:
    """Serve while something is under way; gives the address that is listened on.

    Raises:
        ConfigError: Nothing can listen there.
    """
    host, port = address
    try:
        server = ThreadingHTTPServer(address, _handler(answers))
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"nothing can listen on {host} port {port}: {error}",
            hint="name another with --health; port 0 picks a free one",
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _told(answers: Answers, path: str) -> Told:
    if path not in answers:
        return Told(404, f"there is {', '.join(answers)}\n")
    try:
        return answers[path]()
    except BackburnerError as error:
        return Told(500, f"{error} ({error.code})\n")


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET, and says nothing of it in the log: it is asked every few seconds."""

        def do_GET(self) -> None:  # the standard library calls it so
            told = _told(answers, self.path.partition("?")[0])
            body = told.text.encode()
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as above
            """Say nothing."""

    return Handler
