"""The batches of all workspaces and how each lives: one small record per batch.

Source: platform.claude.com/docs/en/build-with-claude/batch-processing (2026-09-26) and
api/messages/batches (August 2026).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from backburner.emulator.shapes import MessageBatch, RequestCounts
from backburner.emulator.spool import Spool
from backburner.emulator.validation import Terms

EXPIRY_SECONDS = 24 * 3_600.0
_ROUNDING = 1e-5
# Times of day in floats are this far apart, or less: a batch must not lose its last request to it.
ARCHIVE_SECONDS = 29 * 24 * 3_600.0


def timestamp(moment: float) -> str:
    """A moment in RFC 3339 with microseconds."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


@dataclass(slots=True, eq=False)
class Batch:
    """What the emulator remembers of a batch; its requests and results are on disk.

    Attributes:
        reached: Requests processed, in finish order, when a cancel stopped the batch.
        tally: In progressive mode, one letter per request in finish order.
        cost: Picodollars of its succeeded requests, once ended.
        most: How many of its requests get their turn at all, if it stalls.
        list_lag: Seconds from creation until lists show it.
        id_lag: Seconds from creation until its id is known.
        results_lag: Seconds from its end until its results can be read.
        foreign: Whether it was planted.
        key_id: The id of the key that made it.
        fault: What went wrong with the answer to its creation.
        late: Whether it was accepted after the call was over.
        brought_all: Whether a download has brought every line.
        brought: One byte per request in finish order: 1 if a spoiled download has brought its line.
    """

    ordinal: int
    id: str
    workspace: str
    count: int
    created_at: float
    turnaround: float
    ends_at: float
    terms: Terms
    spool: Spool
    cancel_at: float | None = None
    reached: int | None = None
    ended: bool = False
    deleted: bool = False
    tally: bytes | None = None
    counts: RequestCounts = field(default_factory=RequestCounts)
    cost: int = 0
    most: int | None = None
    list_lag: float = 0.0
    id_lag: float = 0.0
    results_lag: float = 0.0
    foreign: bool = False
    key_id: str = ""
    fault: str = ""
    late: bool = False
    brought_all: bool = False
    brought: bytearray | None = None

    @property
    def expires_at(self) -> float:
        """When requests that have not had their turn expire."""
        return self.created_at + EXPIRY_SECONDS

    @property
    def status(self) -> str:
        """One of in_progress, canceling, ended."""
        if self.ended:
            return "ended"
        return "in_progress" if self.cancel_at is None else "canceling"

    def processed(self, now: float) -> int:
        """How many requests have had their turn, if the batch runs undisturbed."""
        if self.reached is not None:
            return self.reached
        most = self.count if self.most is None else self.most
        elapsed = min(now, self.expires_at) - self.created_at
        if elapsed >= self.turnaround - _ROUNDING:
            return most
        return min(most, int(self.count * max(0.0, elapsed) / self.turnaround))

    def moment(self, place: int) -> float:
        """When the request at a place of the finish order is processed."""
        return self.created_at + self.turnaround * (place + 1) / self.count

    def start(self, place: int, concurrency: int) -> float:
        """When that request starts, if so many are processed at once: as another one ends."""
        before = place - concurrency
        return self.created_at if before < 0 else self.moment(before)

    def archived(self, now: float) -> bool:
        """Whether its results are gone by age, counted from creation."""
        return now >= self.created_at + ARCHIVE_SECONDS

    def cancel(self, now: float, delay: float) -> None:
        """Stops it: what has had its turn counts, the rest is canceled."""
        if self.cancel_at is None:
            self.reached = self.processed(now)
            self.cancel_at = now
            self.ends_at = min(self.ends_at, now + delay)


def show(batch: Batch, now: float, base_url: str, skew: float = 0.0) -> MessageBatch:
    """A batch as the API shows it to a caller who knows the emulator as `base_url`.

    Args:
        batch: The batch.
        now: The time that the batch lives by.
        base_url: Where the caller finds the emulator.
        skew: Seconds by which all times shown are ahead.
    """

    def at(moment: float) -> str:
        return timestamp(moment + skew)

    ended = batch.ended
    archived = batch.archived(now)
    return MessageBatch(
        id=batch.id,
        processing_status=batch.status,
        request_counts=batch.counts if ended else _running_counts(batch, now),
        ended_at=at(batch.ends_at) if ended else None,
        created_at=at(batch.created_at),
        expires_at=at(batch.expires_at),
        archived_at=at(batch.created_at + ARCHIVE_SECONDS) if archived else None,
        cancel_initiated_at=None if batch.cancel_at is None else at(batch.cancel_at),
        results_url=f"{base_url}/v1/messages/batches/{batch.id}/results" if ended else None,
    )


def _running_counts(batch: Batch, now: float) -> RequestCounts:
    if batch.tally is None:
        return RequestCounts(processing=batch.count)
    done = batch.tally[: batch.processed(now)]
    succeeded, errored = done.count(b"s"), done.count(b"e")
    return RequestCounts(batch.count - succeeded - errored, succeeded, errored)


class BatchBook:
    """All batches by id, oldest first.

    Attributes:
        accepted: How many were accepted.
        planted: How many were not, but planted.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.planted = 0
        self._batches: dict[str, Batch] = {}
        self._running: list[Batch] = []

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches.values())

    def add(self, batch: Batch) -> None:
        """Enters a new batch."""
        self._batches[batch.id] = batch
        self.planted += batch.foreign
        self.accepted += not batch.foreign
        self._running.append(batch)

    def find(self, batch_id: str, workspace: str, now: float) -> Batch | None:
        """A batch that exists and is visible in a workspace."""
        batch = self._batches.get(batch_id)
        if batch is None or batch.deleted or batch.workspace != workspace:
            return None
        return batch if now >= batch.created_at + batch.id_lag else None

    def number(self, batch_id: str) -> int | None:
        """The ordinal of a batch, if there is one under an id."""
        batch = self._batches.get(batch_id)
        return None if batch is None else batch.ordinal

    def get(self, batch_id: str) -> Batch:
        """A batch that was accepted, deleted or not."""
        return self._batches[batch_id]

    def visible(self, workspace: str, now: float) -> list[Batch]:
        """The batches of a workspace that lists show, newest first."""
        return [
            batch
            for batch in reversed(self._batches.values())
            if batch.workspace == workspace
            and not batch.deleted
            and now >= batch.created_at + batch.list_lag
        ]

    def running(self) -> Iterator[Batch]:
        """The batches that have not ended."""
        return iter(self._running)

    def due(self, now: float) -> list[Batch]:
        """Batches whose end has come, in the order of their ends."""
        due = [batch for batch in self._running if batch.ends_at <= now]
        return sorted(due, key=lambda batch: (batch.ends_at, batch.ordinal))

    def close(self, batch: Batch) -> None:
        """Marks a batch as ended."""
        batch.ended = True
        self._running.remove(batch)

    def queued(self, now: float) -> int:
        """Requests that wait for their turn, over all workspaces; planted ones take no room."""
        return sum(
            batch.count - batch.processed(now) for batch in self._running if not batch.foreign
        )
