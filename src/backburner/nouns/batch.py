"""A batch: one body that travels together, one segment, one row for its whole life."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

BatchId = NewType("BatchId", int)

MAX_REQUESTS: Final = 100_000
"""Requests in one batch. Source: platform.claude.com batch-processing, 2026-09-26."""

MAX_BYTES: Final = 250_000_000
"""Bytes of one create body.

Source: the page says 256 MB and not whether that is decimal (platform.claude.com batch-processing,
2026-09-26), so this is the smaller reading less a margin.
"""

NONCE_LENGTH: Final = 12
TRIES: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Via(StrEnum):
    """How a batch's requests reach the upstream."""

    BATCH = "batch"
    DIRECT = "direct"


class BatchState(StrEnum):
    """Where a batch is in its life; `MOVES` has every way from one to another."""

    SEALED = "sealed"
    RELEASED = "released"
    ARMED = "armed"
    UNKNOWN = "unknown"
    SENT = "sent"
    ENDED = "ended"
    DONE = "done"
    HELD = "held"


class Hold(StrEnum):
    """What a batch waits for, besides its time.

    `canary` holds the rest of a run until a person, or an answer to each of its first requests,
    lets it go. `leaders` holds the rest of a run until those of its requests have ended that write
    what the others read from the prompt cache. `budget` holds what could cost more than a budget
    has left, and `unbounded` what has no worst case; both are tried again with every step of the
    lane. `person` holds what was sent under every try and never arrived. `room` marks a sealed
    batch, which is not held, that waits until another of its lane ends.
    """

    BUDGET = "budget"
    CANARY = "canary"
    LEADERS = "leaders"
    PERSON = "person"
    ROOM = "room"
    UNBOUNDED = "unbounded"


FOR_BUDGET: Final = (Hold.BUDGET, Hold.UNBOUNDED)
"""Holds that end as soon as a budget has room."""


_S = BatchState
MOVES: Final[dict[BatchState, frozenset[BatchState]]] = {
    _S.SEALED: frozenset({_S.RELEASED, _S.HELD, _S.DONE, _S.UNKNOWN}),
    _S.HELD: frozenset({_S.SEALED, _S.DONE, _S.UNKNOWN}),
    _S.RELEASED: frozenset({_S.ARMED, _S.SEALED, _S.DONE, _S.UNKNOWN}),
    _S.ARMED: frozenset({_S.SENT, _S.SEALED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.SENT, _S.SEALED}),
    _S.SENT: frozenset({_S.ENDED}),
    _S.ENDED: frozenset({_S.DONE}),
    _S.DONE: frozenset(),
}
"""The only moves there are. The store refuses any other, and the planner proposes no other."""

UNSENT: Final = frozenset({_S.SEALED, _S.RELEASED, _S.HELD})
"""States in which a batch is about to be sent, or sent again."""

QUEUED: Final = frozenset({_S.RELEASED, _S.ARMED, _S.UNKNOWN, _S.SENT})
"""States in which a batch takes, or is about to take, room in the upstream's queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch as the store knows it. Times are POSIX seconds by the store's clock.

    Attributes:
        run: The run whose first attempts it holds; none for a batch of retries.
        first_request: The run's request number at position 0; 0 for a batch of retries.
        nonce: Twelve characters of [a-z0-9], unique to this row, in every custom_id of the batch.
        attempt_try: The character in its custom_ids that goes up when a doubt ended as absent.
        requests: How many requests it holds.
        body_bytes: Length of the create body, so that it can be announced before it is read.
        origins: The sidecar object of a batch of retries.
        fence: The newest batch upstream, noted before arming; empty when there was none.
        downloads: How often the results were read and found incomplete.
        fence_at: When the fence was created, by the upstream's clock.
        misses: How often in a row a look for it, while in doubt, found nothing.
        missed_at: When that was last.
        candidate: A batch upstream that may be the one in doubt, and has not ended.
        keys: The object that holds the custom_ids of an adopted batch, which are not ours.
        urgency: The strictest urgency of its requests.
        deadline: The earliest deadline of its requests.
        model: The model of all its requests; empty where they have several.
        turnaround: Seconds from its creation to its end, by the upstream's clock.
        forecast_median: When half of such batches would have ended, as forecast on sending.
        forecast_late: When 95 of 100 would have.
        deleted_at: When it was deleted upstream, and found to be gone.
        pruned_at: When its stored texts were removed.
    """

    id: BatchId
    lane: str
    run: str | None
    first_request: int
    nonce: str
    attempt_try: str
    state: BatchState
    hold: str | None
    via: Via
    betas: str
    requests: int
    body_bytes: int
    segment: str
    origins: str | None
    due_at: float
    owner: str | None
    epoch: int
    lease_until: float
    created_at: float
    fence: str | None
    armed_at: float | None
    upstream_id: str | None
    sent_at: float | None
    expires_at: float | None
    ended_at: float | None
    cancel_asked_at: float | None
    downloads: int
    faults: int
    results: str | None
    fence_at: float | None
    misses: int
    missed_at: float | None
    candidate: str | None
    keys: str | None
    urgency: str
    deadline: float | None
    model: str
    turnaround: float | None
    forecast_median: float | None
    forecast_late: float | None
    deleted_at: float | None
    pruned_at: float | None

    @property
    def prefix(self) -> str:
        """What every custom_id of this try begins with."""
        return f"{self.nonce}{self.attempt_try}"

    @property
    def was_sent(self) -> bool:
        """Whether the upstream had it, as a batch or call by call."""
        if self.via is Via.DIRECT:
            return self.sent_at is not None
        return self.upstream_id is not None

    @property
    def is_reused(self) -> bool:
        """Whether its answers are those of earlier runs: it has results, and never travelled."""
        return self.results is not None and self.upstream_id is None and self.sent_at is None


@dataclass(frozen=True, slots=True)
class Fence:
    """The newest batch upstream before arming: whatever is older is not the one being sent.

    Attributes:
        upstream_id: Empty where there was none.
        created_at: POSIX seconds by the upstream's clock.
    """

    upstream_id: str
    created_at: float | None


CUSTOM_ID_BYTES: Final = NONCE_LENGTH + 1 + 1 + 5
"""Nonce, try, a dash and five digits of position."""

FRAME_BYTES: Final = len(b'{"custom_id":"","params":},') + CUSTOM_ID_BYTES
"""What a request costs in a body on top of its params, the comma included."""

HEAD: Final = b'{"requests":['
TAIL: Final = b"]}"
_AROUND: Final = len(HEAD) + len(TAIL)


def custom_id(prefix: str, position: int) -> str:
    """The name a request travels under: batch, try and position in one."""
    return f"{prefix}-{position:05d}"


_CUSTOM_ID: Final = re.compile(r"([a-z0-9]{12})([a-z0-9])-[0-9]{5,}")


def name_of(custom_id: str) -> tuple[str, str] | None:
    """The nonce and the try that a custom_id names; None for one that is not of our making."""
    match = _CUSTOM_ID.fullmatch(custom_id)
    return (match[1], match[2]) if match else None


def request_id(nonce: str, position: int) -> str:
    """The lasting name of a request: its first batch and its position there."""
    return f"{nonce}-{position:05d}"


def body_bytes(requests: int, params_bytes: int) -> int:
    """The length of the create body that carries this many requests and bytes of params."""
    commas = requests - 1 if requests else 0
    return _AROUND + params_bytes + requests * (FRAME_BYTES - 1) + commas
