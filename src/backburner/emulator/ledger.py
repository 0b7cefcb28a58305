"""What the emulator accepted and what it charges, for whoever judges a client by it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from backburner.emulator import identifiers
from backburner.emulator.batchbook import Batch

_TYPES = {
    ord("s"): "succeeded",
    ord("e"): "errored",
    ord("c"): "canceled",
    ord("x"): "expired",
    ord("p"): "processing",
}
_HASH_BYTES = 16


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


class Charged(NamedTuple):
    """A single message that was answered and is billed.

    Args:
        digest: Hex hash of its body byte for byte.
        at: In POSIX seconds.
        cost: In picodollars.
        fault: What went wrong with its answer, or nothing: then its caller may not know of it.
    """

    id: str
    workspace: str
    digest: str
    at: float
    cost: int
    fault: str


class Received(NamedTuple):
    """One request of an accepted batch.

    Args:
        digest: Hex hash of its parameters byte for byte.
        outcome: Its result type, or `processing` until the batch has ended.
        brought: Whether some download has brought its line, whole and readable.
    """

    custom_id: str
    digest: str
    outcome: str
    brought: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch in the ledger: accepted once, and kept there even if deleted.

    Args:
        ordinal: How many batches were accepted before it; negative for planted ones.
        created_at: In POSIX seconds, by the clock that batches live by.
        cost: In picodollars, once it has ended.
        foreign: Whether it was planted as another producer's.
        canceled: Whether somebody has stopped it.
        fault: What went wrong with the answer to the call that made it, or nothing.
        late: Whether it was accepted after that call was over.
    """

    id: str
    ordinal: int
    workspace: str
    created_at: float
    count: int
    status: str
    deleted: bool
    cost: int
    foreign: bool
    canceled: bool
    fault: str
    late: bool
    _batch: Batch
    _seed: object

    @classmethod
    def of(cls, batch: Batch, seed: object) -> "Accepted":
        """The entry of a batch as it stands."""
        return cls(
            id=batch.id,
            ordinal=batch.ordinal,
            workspace=batch.workspace,
            created_at=batch.created_at,
            count=batch.count,
            status=batch.status,
            deleted=batch.deleted,
            cost=batch.cost,
            foreign=batch.foreign,
            canceled=batch.cancel_at is not None,
            fault=batch.fault,
            late=batch.late,
            _batch=batch,
            _seed=seed,
        )

    def custom_ids(self) -> Iterator[str]:
        """Its custom_ids in the order sent, read from disk."""
        return self._batch.spool.custom_ids()

    def digests(self) -> Iterator[tuple[str, str]]:
        """Each custom_id in the order sent, with a hex hash of the parameters."""
        return ((custom_id, digest_of(params)) for custom_id, params in self._batch.spool)

    def outcomes(self) -> Iterator[tuple[str, str]]:
        """Each custom_id in the order sent, with its result type; `processing` until the end."""
        return zip(self.custom_ids(), self._types(), strict=True)

    def requests(self) -> Iterator[Received]:
        """All that is known of each request, in the order sent."""
        brought = self._brought()
        for (custom_id, digest), outcome, came in zip(
            self.digests(), self._types(), brought, strict=True
        ):
            yield Received(custom_id, digest, outcome, bool(came))

    def _types(self) -> Iterator[str]:
        batch = self._batch
        letters = batch.spool.outcomes() if batch.ended else b"p" * batch.count
        return map(_TYPES.__getitem__, letters)

    def _brought(self) -> bytes:
        """One byte per request in the order sent: 1 if a download has brought it."""
        batch = self._batch
        if batch.brought_all:
            return b"\1" * batch.count
        if batch.brought is None:
            return bytes(batch.count)
        if batch.foreign:
            return bytes(batch.brought)
        order = identifiers.finish_order(self._seed, batch.ordinal, batch.count)
        brought = bytearray(batch.count)
        for place, index in enumerate(order):
            brought[index] = batch.brought[place]
        return bytes(brought)


def digest_of(params: bytes) -> str:
    """The hex hash by which a request's parameters are known."""
    return hashlib.blake2b(params, digest_size=_HASH_BYTES).hexdigest()
