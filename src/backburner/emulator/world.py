"""The emulated API as a world of its own: a clock, the batches, and a door for HTTP calls.

Nothing runs by itself. Every call first brings the world up to the time that `now` gives, so a
batch of 24 hours ends in milliseconds when a test moves its clock. The same seed and the same calls
give the same ids, fates and answers.
"""

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal

from backburner.emulator import identifiers
from backburner.emulator.admin_routes import AdminRoutes
from backburner.emulator.batch_routes import BatchRoutes
from backburner.emulator.batchbook import Batch, BatchBook
from backburner.emulator.cacheplan import CachePlan, Hits
from backburner.emulator.calls import (
    ADMIN_ROUTES,
    BATCH_ROUTES,
    Call,
    Head,
    Headers,
    Route,
    accept,
    check_admin,
    route,
    workspace_of,
)
from backburner.emulator.creation import Witness
from backburner.emulator.credit import Credit
from backburner.emulator.deferred import Deferred
from backburner.emulator.exchange import Body, Collected, Exchange, Ignored, unpacked
from backburner.emulator.faultplan import Scripted
from backburner.emulator.faults import Fault
from backburner.emulator.ledger import Accepted, Bill, Charged
from backburner.emulator.limits import CallLimits
from backburner.emulator.message_routes import MessageRoutes
from backburner.emulator.replies import (
    RefusedError,
    Reply,
    edge_reply,
    error_reply,
    http_date,
    raiser,
    with_headers,
)
from backburner.emulator.results import Results
from backburner.emulator.settings import Settings
from backburner.emulator.speaking import Speaker
from backburner.emulator.troubles import NO_TROUBLES, Mischief
from backburner.emulator.usagebook import UsageBook

_STEPS_PER_CALL = 8
"""Steps of 256 items that a call does at most: a batch of 2,000 is ready when its end is seen."""


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
        on_complete_body: Told the first custom_id and the number of requests of each body of a
            create that has come whole, before the world accepts, refuses or loses it; not of calls
            that their heads already condemn.

    Attributes:
        door: Held by whoever brings a call in, where several threads do: a world knows no threads.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        now: Callable[[], float],
        state_dir: Path | None = None,
        eager: bool = True,
        on_complete_body: Witness | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._clock = now
        self._latest = now()
        self._acting_at: float | None = None
        self._eager = eager
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=state_dir, prefix="emulator-"))
        self._cleanup = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._book = BatchBook()
        self._mischief = Mischief(self.settings.faults, self.settings.seed, self._latest)
        self._deferred = Deferred()
        self._credit = Credit()
        speaker = Speaker(self.settings)
        self._speaker = speaker
        self._results = Results(self.settings, speaker, self._credit)
        self._working: tuple[Batch, Iterator[None]] | None = None
        self._batches = BatchRoutes(
            self.settings,
            self._book,
            self._results,
            self._folder,
            self._settle,
            self._credit,
            on_complete_body,
        )
        usage = UsageBook(self.settings, self._book)
        self._messages = MessageRoutes(self.settings, speaker, self._credit, usage)
        self._admin = AdminRoutes(self.settings, usage)
        self._limits = CallLimits(self.settings.limits)
        self._calls = 0
        self.door = threading.RLock()

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
        if self._deferred and self._catch_up():
            return True
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

    def _catch_up(self) -> bool:
        """Lets calls take effect that were to do so later; whether there were any."""
        acted = False
        while (due := self._deferred.pop(self.time)) is not None:
            acted, before = True, self._acting_at
            self._acting_at, act = due
            try:
                with suppress(RefusedError):
                    act()
            finally:
                self._acting_at = before
        return acted

    def _moment(self) -> float:
        """The time at which a call takes effect."""
        return self.time if self._acting_at is None else self._acting_at

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
        troubles = NO_TROUBLES
        try:
            asked = route(head)
            call = self._call(head, asked, extra)
            troubles = call.troubles
            body = unpacked(
                self._handler(call),
                head.headers.get("content-encoding", "identity"),
                zipped=self._takes_gzip(asked.name),
            )
        except RefusedError as error:
            asked, troubles = Route("", ""), NO_TROUBLES
            body = Ignored(raiser(error))
        return Exchange(
            body,
            length=head.length,
            limit=self._body_limit(asked),
            seal=lambda act: self._sealed(act, extra),
            too_large=self._too_large,
            defer=lambda seconds, act: self._deferred.add(self.time + seconds, act),
            begin=lambda: self._mischief.note(asked.name, troubles),
            fault=troubles.answer,
        )

    def _call(self, head: Head, asked: Route, extra: dict[str, str]) -> Call:
        """A call whose head is in order, with what is to go wrong with it."""
        workspace = ""
        if asked.name in ADMIN_ROUTES:
            check_admin(head, self.settings)
        else:
            workspace = workspace_of(head, self.settings)
            extra["anthropic-workspace-id"] = workspace
        call = accept(head, asked, workspace, self.settings)
        extra.update(self._limits.take(asked.name, self._shown_time))
        troubles = self._mischief.take(asked.name, self._number(asked), self.time)
        return call if troubles is NO_TROUBLES else replace(call, troubles=troubles)

    def _number(self, asked: Route) -> int | None:
        """The number of the batch that a call names or would make."""
        if asked.name == "create":
            return self._book.accepted
        return self._book.number(asked.argument)

    def _handler(self, call: Call) -> Body:
        name = call.route.name
        if name == "create":
            return self._batches.creation(call, self._moment)
        if name in ("messages", "count_tokens"):
            answer = getattr(self._messages, name)
            return Collected(lambda body: answer(call, body, self._moment()))
        act = getattr(self._owner(name), name)
        return Ignored(lambda: act(call, self._moment()))

    def _owner(self, name: str) -> BatchRoutes | AdminRoutes | MessageRoutes:
        if name in BATCH_ROUTES:
            return self._batches
        return self._admin if name in ADMIN_ROUTES else self._messages

    def _takes_gzip(self, name: str) -> bool:
        if name == "create":
            return self.settings.switches.gzip_batches
        return name in ("messages", "count_tokens")

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
        return with_headers(reply, {**extra, "date": http_date(self._shown_time)})

    @property
    def _shown_time(self) -> float:
        """The time that callers are told."""
        return self.time + self.settings.faults.skew

    # For whoever judges or troubles the world

    def script(
        self,
        route: str,
        fault: Fault,
        *,
        times: int | None = 1,
        lasting: float | None = None,
        batch: int | None = None,
    ) -> None:
        """Lets the next calls of a route go wrong.

        Faults of an answer wait for each other, in the order scripted. Faults of lines and of a
        batch's life come with the next call that they fit, all together.

        Args:
            route: One of create, retrieve, list, results, cancel, delete, messages, count_tokens,
                models, model, usage_report, cost_report, or any for all of them.
            fault: What goes wrong.
            times: For how many calls; None for all.
            lasting: For how many seconds from now on, whatever `times` says.
            batch: Only for the batch accepted under this number, from 0.

        Raises:
            ValueError: The fault makes no sense on the route.
        """
        entry = Scripted(route=route, fault=fault, times=times, lasting=lasting, batch=batch)
        self.script_entry(entry)

    def script_entry(self, entry: Scripted) -> None:
        """Lets calls go wrong as an entry of a file says."""
        self._mischief.add(entry, self.time)

    def calm(self) -> None:
        """Ends all faults of calls and batches; what has struck already stays as it is."""
        self._mischief.calm()

    def struck(self) -> dict[str, int]:
        """How often each fault has struck, by route and name, such as `create drop_after`."""
        return dict(self._mischief.seen)

    def plant_foreign(
        self,
        requests: int,
        *,
        count: int = 1,
        workspace: str | None = None,
        turnaround: float = 300.0,
        prefix: str = "task",
    ) -> list[str]:
        """Lets another producer's batches appear now, at little cost whatever their size.

        They take no room in the queue, shift no ordinals and are not billed.

        Args:
            requests: How many requests each has.
            count: How many batches.
            workspace: Where; the default workspace, if None.
            turnaround: Seconds until each has ended.
            prefix: What its custom_ids begin with.

        Returns:
            Their ids, oldest first.
        """
        self.advance()
        place = workspace or self.settings.default_workspace
        return [
            self._batches.plant(requests, place, self.time, turnaround, prefix).id
            for _ in range(count)
        ]

    def cache_hits(self, hits: Hits | float) -> None:
        """Decides how many cache reads happen in batches that end from now on.

        Args:
            hits: An exact number, or the share of possible reads that happen by chance.

        Raises:
            ValueError: The share is not between 0 and 1.
        """
        self.advance()
        self._speaker.deal(CachePlan(hits=hits).hits)

    def exhaust_credit(self, code: Literal[400, 402] = 402, *, at: float | None = None) -> None:
        """Lets the credit run out: requests end with `billing_error`, creations are refused.

        Args:
            code: The status of refused creations and messages.
            at: When, in POSIX seconds; now, if None.
        """
        self._credit.exhaust(self.time if at is None else at, code)
        self._recount()

    def refill_credit(self) -> None:
        """Ends the lack of credit now; what has failed for it stays so."""
        self._credit.refill(self.time)
        self._recount()

    def _recount(self) -> None:
        for batch in self._book.running():
            if batch.tally is not None:
                batch.tally = self._results.tally(batch)

    def received(self, batch_id: str) -> Iterator[tuple[str, bytes]]:
        """Each request of a batch in the order sent: custom_id and parameters byte for byte."""
        return iter(self._book.get(batch_id).spool)

    def outcomes(self, batch_id: str) -> Iterator[tuple[str, str]]:
        """Each custom_id of a batch in the order sent, with its result type.

        It is `processing` until the batch has ended, and known for good afterwards.
        """
        self.advance()
        return Accepted.of(self._book.get(batch_id), self.settings.seed).outcomes()

    def ledger(self) -> list[Accepted]:
        """Every batch ever accepted, in order, with the planted ones between them."""
        self.advance()
        return [Accepted.of(batch, self.settings.seed) for batch in self._book]

    def messages(self) -> list[Charged]:
        """Every single message that was answered, in order."""
        self.advance()
        return list(self._messages.charged)

    def bill(self) -> Bill:
        """What has been charged so far."""
        self.advance()
        batches = {batch.id: batch.cost for batch in self._book if not batch.foreign}
        return Bill(batches, self._messages.cost)

    def close(self) -> None:
        """Removes everything from disk."""
        self._cleanup()
