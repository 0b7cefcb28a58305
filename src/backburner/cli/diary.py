"""What a worker writes of what it does: lines for people, or objects for machines."""

import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from backburner.cli.output import Page, print_json
from backburner.cli.words import local, many

if TYPE_CHECKING:
    from backburner.client.finishing import Finished
    from backburner.clock import Clock
    from backburner.telemetry import Event


class Diary(Protocol):
    """Takes down what a worker does."""

    def begin(self, facts: dict[str, Any]) -> None:
        """The worker begins."""

    def listen(self, event: "Event") -> None:
        """Something happened."""

    def finished(self, finished: "Finished") -> None:
        """A run was finished."""

    def end(self) -> None:
        """The worker has ended as it was asked to."""


class PlainDiary:
    """A line with the local time for what a person wants to know."""

    def __init__(self, page: Page, now: Callable[[], float]) -> None:
        self._page = page
        self._now = now
        self._lock = threading.Lock()

    def begin(self, facts: dict[str, Any]) -> None:
        """Say where it works, and how to end it."""
        lanes = ", ".join(facts["lanes"]) or "none yet"
        self._page.facts([("home", facts["home"]), ("lanes", lanes)])
        if facts["health"]:
            told = "/healthz, /readyz, /metrics"
            self._page.facts([("health", f"http://{facts['health']} tells {told}")])
        self._page.line("Ctrl-C ends it after the step at hand.")
        self._page.flush()

    def listen(self, event: "Event") -> None:
        """Say what happened, if it is news."""
        from backburner.cli.progress import event_in_words  # noqa: PLC0415  # not for --help

        words = event_in_words(event)
        if words:
            self._line(words)

    def finished(self, finished: "Finished") -> None:
        """Say where the answers are."""
        receipt, written = finished.receipt, finished.written
        self._line(f"run {receipt.run} is finished; paid {receipt.in_words(receipt.paid)}")
        if written is not None:
            self._line(f"  {many(written.rows, 'row')} in {finished.output}")

    def end(self) -> None:
        """Say that nothing was harmed."""
        self._line("ended; what is with Anthropic goes on, and nothing was canceled")

    def _line(self, words: str) -> None:
        with self._lock:
            self._page.line(f"{local(self._now()):%H:%M:%S} {words}")
            self._page.flush()


class JsonDiary:
    """An object a line, for whatever collects logs: time, level, event and its fields."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        # Several threads write: without it, the end of one line could come after another's.
        self._lock = threading.Lock()

    def begin(self, facts: dict[str, Any]) -> None:
        """Say where it works."""
        self._write("info", "worker.began", facts)

    def listen(self, event: "Event") -> None:
        """Write the event's fields: ids, counts, bytes and seconds, never a prompt or answer."""
        from backburner.telemetry import is_warning  # noqa: PLC0415  # not for --help

        values = {field.name: getattr(event, field.name) for field in fields(event)}
        self._write("warning" if is_warning(event) else "info", event.event, values)

    def finished(self, finished: "Finished") -> None:
        """The event has said it."""

    def end(self) -> None:
        """Say that it ended as it was asked to."""
        self._write("info", "worker.ended", {})

    def _write(self, level: str, event: str, values: dict[str, Any]) -> None:
        import msgspec  # noqa: PLC0415  # not for --help

        at = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds")
        told = msgspec.to_builtins(values)
        line = {"time": at.replace("+00:00", "Z"), "level": level, "event": event, **told}
        with self._lock:
            print_json(line)
