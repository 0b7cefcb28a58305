"""The six routes of the Message Batches API.

Source: platform.claude.com/docs/en/api/messages/batches (August 2026) and
build-with-claude/batch-processing (2026-09-26); wording as recorded by third parties on 2026-09-02.
"""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from backburner.emulator import identifiers, parameters
from backburner.emulator.batchbook import EXPIRY_SECONDS, Batch, BatchBook, show
from backburner.emulator.calls import Call
from backburner.emulator.intake import Intake
from backburner.emulator.paging import page
from backburner.emulator.replies import RefusedError, Reply, json_reply
from backburner.emulator.results import Results, expires_any
from backburner.emulator.settings import Settings
from backburner.emulator.spool import Spool, SpoolWriter
from backburner.emulator.validation import forbidden_by_version

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
    """

    def __init__(
        self,
        settings: Settings,
        book: BatchBook,
        results: Results,
        folder: Path,
        settle: Callable[[Batch], None],
    ) -> None:
        self._settings = settings
        self._book = book
        self._results = results
        self._folder = folder
        self._settle = settle
        self._bodies = 0

    def creation(self, call: Call, now: Callable[[], float]) -> "Creation":
        """A create call that waits for its body."""
        self._bodies += 1
        spool = SpoolWriter(self._folder / f"incoming-{self._bodies:06d}")
        intake = Intake(spool, self._settings.limits.requests_per_batch)
        return Creation(intake, spool, lambda: self._accept(call, intake, spool, now()))

    def _accept(self, call: Call, intake: Intake, writer: SpoolWriter, now: float) -> Reply:
        """Makes a batch of a complete and faultless body."""
        limit = self._settings.limits.queued_requests
        if limit is not None and self._book.queued(now) + intake.count > limit:
            raise RefusedError(
                "rate_limit_error",
                f"This request would exceed the limit of {limit} requests in the processing queue.",
                headers={"retry-after": str(self._settings.retry_after)},
            )
        ordinal = len(self._book)
        spool = writer.close(self._folder / f"batch-{ordinal:06d}")
        if self._settings.switches.version_violation == "create":
            _refuse_forbidden(spool, call.version)
        batch = self._new(call, spool, intake.count, now)
        self._book.add(batch)
        if self._settings.switches.counts == "progressive":
            batch.tally = self._results.tally(batch)
        return self._shown(call, batch, now)

    def _new(self, call: Call, spool: Spool, count: int, now: float) -> Batch:
        settings, ordinal = self._settings, len(self._book)
        turnaround = settings.turnaround_of(ordinal, count)
        expiring = turnaround > EXPIRY_SECONDS or expires_any(settings, ordinal, count)
        return Batch(
            ordinal=ordinal,
            id=identifiers.batch_id(settings.seed, ordinal),
            workspace=call.workspace,
            count=count,
            created_at=now,
            turnaround=turnaround,
            ends_at=now + (EXPIRY_SECONDS if expiring else turnaround),
            terms=call.terms(settings, in_batch=True),
            spool=spool,
        )

    def retrieve(self, call: Call, now: float) -> Reply:
        """The batch as it stands."""
        return self._shown(call, self._find(call), now)

    def list(self, call: Call, now: float) -> Reply:
        """The batches of the workspace, newest first."""
        base = call.head.base_url
        visible = self._book.visible(call.workspace)
        return json_reply(
            page(
                visible,
                lambda batch: batch.id,
                lambda batch: show(batch, now, base),
                call.head,
                self._settings,
            )
        )

    def cancel(self, call: Call, now: float) -> Reply:
        """Stops a batch; it ends a little later."""
        batch = self._find(call)
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
            batch.cancel(now, self._settings.cancel_delay)
        return self._shown(call, batch, now)

    def delete(self, call: Call, now: float) -> Reply:
        """Forgets an ended batch and its results."""
        batch = self._find(call)
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
        batch = self._find(call)
        if batch.archived(now):
            batch.spool.forget_results()
        if not batch.ended or batch.archived(now) or not batch.spool.results.exists():
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
        return Reply(200, headers, batch.spool.stream_results())

    def _find(self, call: Call) -> Batch:
        batch_id = call.route.argument
        batch = self._book.find(batch_id, call.workspace)
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
        return json_reply(show(batch, now, call.head.base_url), headers)


class Creation:
    """The body of a create call: spooled as it comes, a batch once it is complete."""

    def __init__(self, intake: Intake, spool: SpoolWriter, accept: Callable[[], Reply]) -> None:
        self._intake = intake
        self._spool = spool
        self._accept = accept

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece."""
        self._intake.feed(chunk)

    def finish(self) -> Reply:
        """Accepts or refuses the whole."""
        try:
            return self._judged()
        except RefusedError:
            self._spool.discard()
            raise

    def _judged(self) -> Reply:
        defect = self._intake.verdict()
        if defect is not None:
            raise RefusedError("invalid_request_error", defect)
        return self._accept()

    def abort(self) -> None:
        """Forgets what came."""
        self._spool.discard()


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
