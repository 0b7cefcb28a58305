"""The emulated API as a world of its own: a clock, the batches, and a door for HTTP calls.

Nothing runs by itself. Every call first brings the world up to the time that `now` gives, so a
batch of 24 hours ends in milliseconds when a test moves its clock. The same seed and the same calls
give the same ids, fates and answers.
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from backburner.emulator import identifiers
from backburner.emulator.batch_routes import BatchRoutes
from backburner.emulator.batchbook import Batch, BatchBook
from backburner.emulator.calls import (
    BATCH_ROUTES,
    Call,
    Head,
    Headers,
    Route,
    accept,
    route,
    workspace_of,
)
from backburner.emulator.exchange import Body, Collected, Exchange, Ignored, Unzipped
from backburner.emulator.faults import Fault, Script
from backburner.emulator.limits import CallLimit
from backburner.emulator.message_routes import MessageRoutes
from backburner.emulator.replies import (
    RefusedError,
    Reply,
    edge_reply,
    error_reply,
    http_date,
    with_headers,
)
from backburner.emulator.results import Results
from backburner.emulator.settings import Settings
from backburner.emulator.speaking import Speaker
from backburner.emulator.spool import Spool


_STEPS_PER_CALL = 8
"""Steps of 256 items that a call does at most: a batch of 2,000 is ready when its end is seen."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the emulated API charges, in picodollars (1e-12 USD).

    Args:
        batches: By batch id, from the moment each has ended; a batch under way costs nothing yet.
        calls: All single messages together.
    """

    batches: dict[str, int]
    calls: int

    @property
    def total(self) -> int:
        """Everything together."""
        return sum(self.batches.values()) + self.calls


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch in the ledger: accepted once, and kept there even if deleted.

    Args:
        ordinal: How many batches were accepted before it.
        created_at: In POSIX seconds.
    """

    id: str
    ordinal: int
    workspace: str
    created_at: float
    count: int
    status: str
    deleted: bool
    _spool: Spool

    def custom_ids(self) -> Iterator[str]:
        """Its custom_ids in the order sent, read from disk."""
        return self._spool.custom_ids()


class World:
    """An emulated Message Batches API.

    Args:
        settings: How it behaves.
        now: Gives the time in POSIX seconds; never asked for the real one.
        state_dir: Where requests and results are spooled; without one, a temporary folder that goes
            with the world. An earlier world's state is not taken up again.
        eager: Whether the results of a batch are written as soon as its end has come. Otherwise
            whoever owns the world calls `work` until it has nothing left to do, and a batch shows
            as ended when its results are ready.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        now: Callable[[], float],
        state_dir: Path | None = None,
        eager: bool = True,
    ) -> None:
        self.settings = settings or Settings()
        self._clock = now
        self._latest = now()
        self._eager = eager
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=state_dir, prefix="emulator-"))
        self._cleanup = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._book = BatchBook()
        self._faults = Script()
        speaker = Speaker(self.settings)
        self._results = Results(self.settings, speaker)
        self._working: tuple[Batch, Iterator[None]] | None = None
        self._batches = BatchRoutes(
            self.settings, self._book, self._results, self._folder, self._settle
        )
        self._messages = MessageRoutes(self.settings, speaker)
        limits = self.settings.limits
        self._batch_calls = CallLimit(limits.batch_calls_per_minute)
        self._message_calls = CallLimit(limits.message_calls_per_minute)
        self._count_calls = CallLimit(limits.count_calls_per_minute)
        self._calls = 0

    # The clock

    @property
    def time(self) -> float:
        """The time in the world, which never goes backwards."""
        self._latest = max(self._latest, self._clock())
        return self._latest

    def advance(self) -> None:
        """Brings the world up to now; not eager, no further than a call can wait for."""
        steps = count() if self._eager else range(_STEPS_PER_CALL)
        for _ in steps:
            if not self.work():
                break

    def work(self) -> bool:
        """Does a little of what is due; whether anything was due."""
        if self._working is None:
            due = self._book.due(self.time)
            if not due:
                return False
            self._working = (due[0], self._results.prepare(due[0]))
        batch, steps = self._working
        with suppress(StopIteration):
            next(steps)
            return True
        self._working = None
        self._book.close(batch)
        return True

    def _settle(self, batch: Batch) -> None:
        while not batch.ended and self.work():
            pass

    # The door

    def open(self, method: str, target: str, headers: Headers, *, scheme: str = "http") -> Exchange:
        """Opens a call; nothing happens before its body has been finished.

        Args:
            method: The verb.
            target: Path and query, or a whole URL.
            headers: By name, in any case; pairs may repeat a name.
            scheme: What the caller used, for URLs in answers.
        """
        self.advance()
        self._calls += 1
        head = Head.of(method, target, headers, scheme)
        extra = {"request-id": identifiers.request_id(self.settings.seed, self._calls)}
        try:
            asked = route(head)
            body = self._body(head, asked, extra)
        except RefusedError as error:
            asked, body = Route("", ""), Ignored(_raiser(error))
        return Exchange(
            body,
            length=head.length,
            limit=self._body_limit(asked),
            seal=lambda act: self._sealed(act, extra),
            too_large=self._too_large,
            fault=self._faults.take(asked.name),
        )

    def _body(self, head: Head, asked: Route, extra: dict[str, str]) -> Body:
        workspace = workspace_of(head, self.settings)
        extra["anthropic-workspace-id"] = workspace
        call = accept(head, asked, workspace, self.settings)
        limit = self._limit_of(asked)
        if limit is not None:
            extra.update(limit.take(self.time))
        return self._unpacked(call, self._handler(call))

    def _handler(self, call: Call) -> Body:
        name = call.route.name
        if name == "create":
            return self._batches.creation(call, lambda: self.time)
        if name in ("messages", "count_tokens"):
            answer = getattr(self._messages, name)
            return Collected(lambda body: answer(call, body, self.time))
        owner = self._batches if name in BATCH_ROUTES else self._messages
        act = getattr(owner, name)
        return Ignored(lambda: act(call, self.time))

    def _unpacked(self, call: Call, body: Body) -> Body:
        """The body behind its Content-Encoding.

        Raises:
            RefusedError: 400 for an encoding that the route does not take.
        """
        encoding = call.head.headers.get("content-encoding", "identity").strip().lower()
        if encoding == "identity":
            return body
        zipped = call.route.name in ("messages", "count_tokens") or (
            call.route.name == "create" and self.settings.switches.gzip_batches
        )
        if encoding != "gzip" or not zipped:
            raise RefusedError(
                "invalid_request_error",
                f"The request body encoding `{encoding}` is not supported.",
                details={"error_code": "request_body_encoding_unsupported"},
            )
        return Unzipped(body)

    def _limit_of(self, asked: Route) -> CallLimit | None:
        if asked.name in BATCH_ROUTES:
            return self._batch_calls
        return {"messages": self._message_calls, "count_tokens": self._count_calls}.get(asked.name)

    def _body_limit(self, asked: Route) -> int:
        limits = self.settings.limits
        return limits.batch_body_bytes if asked.name == "create" else limits.message_body_bytes

    def _too_large(self) -> Reply:
        refused = RefusedError("request_too_large", "Request exceeds the maximum size")
        if self.settings.switches.edge_html:
            return edge_reply(refused)
        raise refused

    def _sealed(self, act: Callable[[], Reply], extra: dict[str, str]) -> Reply:
        """The outcome of a call with the headers that every reply has."""
        self.advance()
        try:
            reply = act()
        except RefusedError as error:
            reply = error_reply(error, extra["request-id"])
        return with_headers(reply, {**extra, "date": http_date(self.time)})

    # For whoever judges or troubles the world

    def script(self, route: str, fault: Fault, *, times: int = 1) -> None:
        """Lets the next calls of a route go wrong.

        Args:
            route: One of create, retrieve, list, results, cancel, delete, messages, count_tokens,
                models, model.
            fault: What goes wrong.
            times: For how many calls.
        """
        self._faults.add(route, times, fault)

    def received(self, batch_id: str) -> Iterator[tuple[str, bytes]]:
        """Each request of a batch in the order sent: custom_id and parameters byte for byte."""
        return iter(self._book.get(batch_id).spool)

    def ledger(self) -> list[Accepted]:
        """Every batch ever accepted, in order."""
        self.advance()
        return [
            Accepted(
                batch.id,
                batch.ordinal,
                batch.workspace,
                batch.created_at,
                batch.count,
                batch.status,
                batch.deleted,
                batch.spool,
            )
            for batch in self._book
        ]

    def bill(self) -> Bill:
        """What has been charged so far."""
        self.advance()
        batches = {batch.id: batch.cost for batch in self._book}
        return Bill(batches, self._messages.cost)

    def close(self) -> None:
        """Removes everything from disk."""
        self._cleanup()


def _raiser(error: RefusedError) -> Callable[[], Reply]:
    def answer() -> Reply:
        raise error

    return answer
