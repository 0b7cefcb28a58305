"""The six routes of the Message Batches API.

Source: platform.claude.com/docs/en/api/messages/batches (August 2026) and
build-with-claude/batch-processing (2026-09-26); wording as recorded by third parties on 2026-09-02.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from backburner.emulator import downloads, identifiers, parameters
from backburner.emulator.batchbook import EXPIRY_SECONDS, Batch, BatchBook, show
from backburner.emulator.calls import Call, key_id
from backburner.emulator.creation import Creation, Witness
from backburner.emulator.credit import Credit
from backburner.emulator.faults import Late, Linger, name_of
from backburner.emulator.foreign import ForeignSpool
from backburner.emulator.intake import Intake
from backburner.emulator.paging import page
from backburner.emulator.replies import RefusedError, Reply, json_reply
from backburner.emulator.results import Results, expires_any
from backburner.emulator.settings import Settings
from backburner.emulator.shaping import shape
from backburner.emulator.spool import Spool, SpoolWriter
from backburner.emulator.validation import VERSION_2023, Terms, forbidden_by_version

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_NEVER_RETRY = {"x-should-retry": "false"}


class BatchRoutes:
    """What each batch route does, given the time.

    Args:
        settings: The settings.
        book: All batches.
        results: Where progressive counts come from.
        folder: Where spools are kept.
        settle: Brings a batch whose end has come to its end at once.
        credit: The organisation's credit.
        witness: Told of each complete body of a create.
    """

    def __init__(
        self,
        settings: Settings,
        book: BatchBook,
        results: Results,
        folder: Path,
        settle: Callable[[Batch], None],
        credit: Credit,
        witness: Witness | None = None,
    ) -> None:
        self._settings = settings
        self._book = book
        self._results = results
        self._folder = folder
        self._settle = settle
        self._credit = credit
        self._witness = witness
        self._bodies = 0

    def creation(self, call: Call, now: Callable[[], float]) -> Creation:
        """A create call that waits for its body."""
        self._bodies += 1
        spool = SpoolWriter(self._folder / f"incoming-{self._bodies:06d}")
        intake = Intake(spool, self._settings.limits.requests_per_batch)
        return Creation(
            intake, spool, lambda: self._accept(call, intake, spool, now()), self._witness
        )

    def _accept(self, call: Call, intake: Intake, writer: SpoolWriter, now: float) -> Reply:
        """Makes a batch of a complete and faultless body."""
        self._credit.check(now)
        limit = self._settings.limits.queued_requests
        if limit is not None and self._book.queued(now) + intake.count > limit:
            raise RefusedError(
                "rate_limit_error",
                f"This request would exceed the limit of {limit} requests in the processing queue.",
                headers={"retry-after": str(self._settings.retry_after)},
            )
        spool = writer.close(self._folder / f"batch-{self._book.accepted:06d}")
        if self._settings.switches.version_violation == "create":
            _refuse_forbidden(spool, call.version)
        batch = self._new(call, spool, intake.count, now)
        beside = self._neighbour(batch)
        if beside == "before":
            self._plant_beside(batch)
        self._book.add(batch)
        if beside == "after":
            self._plant_beside(batch)
        if self._settings.switches.counts == "progressive":
            batch.tally = self._results.tally(batch)
        return self._shown(call, batch, now)

    def _new(self, call: Call, spool: Spool, count: int, now: float) -> Batch:
        settings, ordinal = self._settings, self._book.accepted
        turnaround = settings.turnaround_of(ordinal, count)
        expiring = turnaround > EXPIRY_SECONDS or expires_any(settings, ordinal, count)
        fault = call.troubles.answer
        batch = Batch(
            ordinal=ordinal,
            id=identifiers.batch_id(settings.seed, ordinal),
            workspace=call.workspace,
            count=count,
            created_at=now,
            turnaround=turnaround,
            ends_at=now + (EXPIRY_SECONDS if expiring else turnaround),
            terms=call.terms(settings, in_batch=True),
            spool=spool,
            key_id=key_id(call.head, settings),
            fault="" if fault is None else name_of(fault),
            late=isinstance(fault, Late),
        )
        shape(batch, call.troubles.batch, settings.faults.lag, settings.seed, self._credit)
        return batch

    def _neighbour(self, batch: Batch) -> str | None:
        """On which side of a new batch another producer's appears, if at all."""
        plan = self._settings.faults.neighbours
        luck = identifiers.chance(self._settings.seed, "neighbour", batch.ordinal)
        if luck >= plan.probability:
            return None
        if plan.where != "either":
            return plan.where
        return "before" if luck < plan.probability / 2 else "after"

    def _plant_beside(self, batch: Batch) -> None:
        requests = self._settings.faults.neighbours.requests or batch.count
        self.plant(requests, batch.workspace, batch.created_at, batch.turnaround, "neighbour")

    def plant(
        self, requests: int, workspace: str, now: float, turnaround: float, prefix: str
    ) -> Batch:
        """Enters a batch of another producer."""
        settings, number = self._settings, self._book.planted
        batch = Batch(
            ordinal=-1 - number,
            id=identifiers.batch_id(settings.seed, -1 - number),
            workspace=workspace,
            count=requests,
            created_at=now,
            turnaround=turnaround,
            ends_at=now + min(turnaround, EXPIRY_SECONDS),
            terms=Terms(VERSION_2023),
            spool=ForeignSpool(self._folder / f"foreign-{number:06d}", requests, prefix),
            foreign=True,
        )
        shape(batch, (), settings.faults.lag, settings.seed, self._credit)
        self._book.add(batch)
        return batch

    def retrieve(self, call: Call, now: float) -> Reply:
        """The batch as it stands."""
        return self._shown(call, self._find(call, now), now)

    def list(self, call: Call, now: float) -> Reply:
        """The batches of the workspace, newest first."""
        base, skew = call.head.base_url, self._settings.faults.skew
        visible = self._book.visible(call.workspace, now)
        return json_reply(
            page(
                visible,
                lambda batch: batch.id,
                lambda batch: show(batch, now, base, skew),
                call.head,
                self._settings,
            )
        )

    def cancel(self, call: Call, now: float) -> Reply:
        """Stops a batch; it ends a little later."""
        batch = self._find(call, now)
        if batch.ends_at <= now:
            self._settle(batch)
        if (
            batch.ended
            and self._settings.switches.cancel_ended == "refuse"
            and self._settings.strict
        ):
            raise RefusedError(
                "invalid_request_error",
                f"Message Batch `{batch.id}` has already ended and cannot be canceled.",
            )
        twice = batch.cancel_at is not None and self._settings.switches.cancel_twice == "refuse"
        if twice:
            raise RefusedError(
                "invalid_request_error", f"Message Batch `{batch.id}` is already being canceled."
            )
        if not batch.ended:
            lingering = [f.seconds for f in call.troubles.batch if isinstance(f, Linger)]
            batch.cancel(now, max(lingering, default=self._settings.cancel_delay))
        return self._shown(call, batch, now)

    def delete(self, call: Call, now: float) -> Reply:
        """Forgets an ended batch and its results."""
        batch = self._find(call, now)
        if batch.ends_at <= now:
            self._settle(batch)
        if not batch.ended:
            raise RefusedError(
                "invalid_request_error",
                "In progress batches cannot be deleted. Consider canceling the batch instead.",
            )
        batch.deleted = True
        batch.spool.forget_results()
        return json_reply({"id": batch.id, "type": "message_batch_deleted"})

    def results(self, call: Call, now: float) -> Reply:
        """The results as JSON lines."""
        batch = self._find(call, now)
        if batch.archived(now):
            batch.spool.forget_results()
        ready = batch.ended and now >= batch.ends_at + batch.results_lag
        if not ready or batch.archived(now) or not batch.spool.results.exists():
            status = self._settings.switches.archived_status if batch.archived(now) else 404
            raise RefusedError(
                "not_found_error",
                f"Message Batch `{batch.id}` has no available results.",
                status=status,
                headers=_NEVER_RETRY,
            )
        headers = {"content-type": "application/x-jsonl"}
        asked = _RANGE.fullmatch(call.head.headers.get("range", ""))
        if asked and self._settings.switches.results_range:
            return _partial(batch.spool, int(asked[1]), asked[2], headers)
        size = batch.spool.results.stat().st_size
        return Reply(200, headers, self._download(call, batch), size=size)

    def _download(self, call: Call, batch: Batch) -> Iterator[bytes]:
        troubles = call.troubles
        if troubles.lines or troubles.answer is not None:
            return downloads.spoiled(batch, troubles.lines, self._settings.seed)
        return downloads.plain(batch)

    def _find(self, call: Call, now: float) -> Batch:
        batch_id = call.route.argument
        batch = self._book.find(batch_id, call.workspace, now)
        if batch is not None:
            return batch
        if self._settings.strict:
            raise RefusedError("not_found_error", f"Message Batch `{batch_id}` not found.")
        return self._phantom(call)

    def _phantom(self, call: Call) -> Batch:
        """An ended batch of nothing, which a lenient emulator has under any id."""
        spool = Spool(self._folder / "phantom")
        batch = self._new(call, spool, 0, 0.0)
        batch.id, batch.ended = call.route.argument, True
        return batch

    def _shown(self, call: Call, batch: Batch, now: float) -> Reply:
        waiting = not batch.ended and call.route.name == "retrieve"
        headers = {"retry-after": str(self._settings.retry_after)} if waiting else {}
        shown = show(batch, now, call.head.base_url, self._settings.faults.skew)
        return json_reply(shown, headers)


def _refuse_forbidden(spool: Spool, version: str) -> None:
    for index, (_, raw) in enumerate(spool):
        try:
            params = parameters.lenient.decode(raw)
        except msgspec.MsgspecError:
            continue
        message = forbidden_by_version(params, version)
        if message is not None:
            spool.remove()
            raise RefusedError("invalid_request_error", f"requests.{index}.params.{message}")


def _partial(spool: Spool, start: int, last: str, headers: dict[str, str]) -> Reply:
    size = spool.results.stat().st_size
    stop = min(size, int(last) + 1) if last else size
    if start >= stop:
        raise RefusedError("invalid_request_error", "Range Not Satisfiable", status=416)
    return Reply(
        206,
        {**headers, "content-range": f"bytes {start}-{stop - 1}/{size}"},
        spool.stream_results(start, stop),
    )
