"""Events: the closed list of what the worker reports. Logs and progress are listeners on them.

| event | when |
| --- | --- |
| `budget.held` | batches wait until a budget has room for them, or have no worst case |
| `deadline.missed` | a run is not back although its deadline is over |
| `batch.sent` | a create was accepted |
| `batch.ended` | the upstream has finished with a batch |
| `batch.collected` | its results are stored, judged and booked |
| `batch.doubted` | it is not known whether a create was accepted |
| `batch.resolved` | a doubt has ended: the batch was found, or was absent and may go again |
| `calls.doubted` | direct calls got no answer, and may have been paid |
| `duplicate.found` | a batch was accepted twice after all, and its cost is booked |
| `batch.canceled` | the upstream was asked to cancel a batch |
| `batch.halved` | a batch that was refused as a whole was made two |
| `batch.follows` | a batch need not wait for its leaders any more |
| `tickets.sealed` | tickets left the inbox and became a run |
| `retries.sealed` | due exceptions were put into a new batch |
| `rescue.started` | batches were given up so that their rest is asked directly, in time |
| `rescue.short` | a batch stays one although it will be late, for want of money |
| `fault.seen` | a call failed |
| `lane.stopped` | a worker finds a lane stopped, at its start or later |
| `batch.deleted` | a collected batch was deleted upstream, and is gone there |
| `results.expiring` | the results of a batch can be had for two days at most |
| `run.pruned` | the stored prompts and answers of a run were removed |
| `notice.delivered` | a notice arrived |
| `notice.failed` | a notice did not arrive; it is tried again, or given up |
| `run.finished` | all requests of a run ended, and its output is written; once for each end |
| `step.failed` | a step of the worker failed in a way that it should not, and is tried again |

Fields are ids, counts, bytes and seconds. Prompts, answers and credentials are never among them.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from backburner.nouns.fault import Fault
from backburner.nouns.outcome import Outcome

log = logging.getLogger("backburner")
# A library says nothing unless somebody asked for it.
log.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetHeld:
    """Batches of a run, or of retries, wait for a budget.

    Attributes:
        hold: `budget` or `unbounded`.
        scopes: The budgets that have too little left.
    """

    event: ClassVar[str] = "budget.held"
    run: str | None
    batches: int
    requests: int
    hold: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineMissed:
    """A run is not back although its deadline is over; `cause` says why, in words."""

    event: ClassVar[str] = "deadline.missed"
    lane: str
    run: str
    deadline: float
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSent:
    """A create was accepted."""

    event: ClassVar[str] = "batch.sent"
    batch: int
    run: str | None
    upstream_id: str
    requests: int
    body_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnded:
    """The upstream has finished with a batch."""

    event: ClassVar[str] = "batch.ended"
    batch: int
    run: str | None
    upstream_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCollected:
    """Results are stored, judged and booked.

    Attributes:
        outcomes: How many requests came to each outcome in this attempt.
        retries: How many of them are to be tried again.
        orphans: Lines that belong to no request of the batch, kept aside.
    """

    event: ClassVar[str] = "batch.collected"
    batch: int
    run: str | None
    requests: int
    outcomes: Mapping[Outcome, int]
    retries: int
    orphans: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDoubted:
    """It is not known whether a create was accepted."""

    event: ClassVar[str] = "batch.doubted"
    batch: int
    run: str | None
    nonce: str
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResolved:
    """A doubt has ended.

    Attributes:
        how: `adopted`: a batch upstream bears its nonce. `absent`: it was never accepted, and goes
            again. `hedged`: it goes again although a candidate still runs.
        upstream_id: The batch that was adopted.
    """

    event: ClassVar[str] = "batch.resolved"
    batch: int
    run: str | None
    nonce: str
    requests: int
    how: Literal["adopted", "absent", "hedged"]
    upstream_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsDoubted:
    """Direct calls got no answer, and may have been paid all the same."""

    event: ClassVar[str] = "calls.doubted"
    batch: int
    run: str | None
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFound:
    """A batch was accepted twice: one counts, the other is only booked.

    Attributes:
        paid: Picodollars; None where a model has no known price.
    """

    event: ClassVar[str] = "duplicate.found"
    batch: int
    run: str | None
    upstream_id: str
    requests: int
    paid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCanceled:
    """The upstream was asked to cancel a batch."""

    event: ClassVar[str] = "batch.canceled"
    batch: int
    run: str | None
    upstream_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFollows:
    """A batch need not wait for its leaders any more."""

    event: ClassVar[str] = "batch.follows"
    batch: int
    run: str | None
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMissed:
    """Nobody was there while a lane's window was open: what waited for it goes now."""

    event: ClassVar[str] = "window.missed"
    lane: str
    batches: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHalved:
    """A batch that was refused for now again and again was made two.

    Attributes:
        requests: How many it keeps.
        other: The batch that has the others.
        rest: How many these are.
    """

    event: ClassVar[str] = "batch.halved"
    batch: int
    run: str | None
    requests: int
    other: int
    rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketsSealed:
    """Tickets left the inbox, and are the requests of a run."""

    event: ClassVar[str] = "tickets.sealed"
    run: str
    requests: int
    urgency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriesSealed:
    """Due exceptions were put into a new batch."""

    event: ClassVar[str] = "retries.sealed"
    batch: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueStarted:
    """Batches were given up, so that what they have not brought is asked directly, in time."""

    event: ClassVar[str] = "rescue.started"
    run: str
    batches: int
    requests: int
    deadline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueShort:
    """A batch stays one although it will be late: its rescue has too little left.

    Attributes:
        needed: Picodollars that it can cost at most; None where nothing bounds that.
        left: Picodollars that may still be spent.
    """

    event: ClassVar[str] = "rescue.short"
    run: str
    batch: int
    requests: int
    needed: int | None
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSeen:
    """A call failed."""

    event: ClassVar[str] = "fault.seen"
    lane: str
    call: str
    batch: int | None
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSeen:
    """A worker finds a lane stopped: nothing is sent in it until a person resumes it.

    Attributes:
        reason: The cause, since when, and what clears it.
    """

    event: ClassVar[str] = "lane.stopped"
    lane: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """All requests of a run ended, and its output is written if it has one.

    Attributes:
        outcomes: Its rows by outcome.
        paid: Picodollars, as far as prices are known.
    """

    event: ClassVar[str] = "run.finished"
    lane: str
    run: str
    requests: int
    outcomes: Mapping[str, int]
    paid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDeleted:
    """A collected batch was deleted upstream, and is gone there."""

    event: ClassVar[str] = "batch.deleted"
    batch: int
    run: str | None
    upstream_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsExpiring:
    """The results of a batch will be gone upstream at `expires_at`, and are not here yet."""

    event: ClassVar[str] = "results.expiring"
    lane: str
    batch: int
    run: str | None
    upstream_id: str
    requests: int
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPruned:
    """The stored prompts and answers of a run were removed."""

    event: ClassVar[str] = "run.pruned"
    lane: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDelivered:
    """A notice arrived."""

    event: ClassVar[str] = "notice.delivered"
    id: str
    channel: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed:
    """A notice did not arrive.

    Attributes:
        wait: Seconds until it is tried again; None where it is given up.
    """

    event: ClassVar[str] = "notice.failed"
    id: str
    channel: str
    tries: int
    failure: str
    wait: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed:
    """A step of the worker failed; all else goes on.

    Attributes:
        what: A lane, a run, or the store.
        error: The code of an error of ours; the kind of any other, whose message is not told.
        wait: Seconds until it is tried again.
    """

    event: ClassVar[str] = "step.failed"
    what: str
    error: str
    message: str
    hint: str
    wait: float


Event = (
    BudgetHeld
    | DeadlineMissed
    | BatchSent
    | BatchEnded
    | BatchCollected
    | BatchDoubted
    | BatchResolved
    | CallsDoubted
    | DuplicateFound
    | BatchCanceled
    | BatchFollows
    | WindowMissed
    | BatchHalved
    | TicketsSealed
    | RescueShort
    | RescueStarted
    | RetriesSealed
    | FaultSeen
    | NoticeDelivered
    | NoticeFailed
    | RunFinished
    | RunPruned
    | BatchDeleted
    | ResultsExpiring
    | StepFailed
    | StopSeen
)
Listener = Callable[[Event], None]


_WARNINGS = (
    DeadlineMissed
    | BatchDoubted
    | CallsDoubted
    | DuplicateFound
    | FaultSeen
    | RescueShort
    | ResultsExpiring
    | NoticeFailed
    | StepFailed
    | StopSeen
)


def is_warning(event: Event) -> bool:
    """Whether an event tells of something that went wrong."""
    return isinstance(event, _WARNINGS)


def log_event(event: Event) -> None:
    """The listener that writes each event to the `backburner` logger, as fields."""
    level = logging.WARNING if is_warning(event) else logging.INFO
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    log.log(level, event.event, extra={"backburner": values})
