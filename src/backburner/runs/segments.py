"""Writing a run's requests into segments, one for each batch."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from backburner.clock import Clock
from backburner.errors import StoreUnusable
from backburner.nouns.batch import NONCE_LENGTH, Hold
from backburner.plan.packing import Packer, PackLimits
from backburner.vault import Vault
from backburner.vault.frames import FrameWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedBatch:
    """A batch whose segment is written, and which the store does not know yet.

    Attributes:
        results: The answers, where they are those of earlier runs.
    """

    nonce: str
    segment: str
    first_request: int
    requests: int
    body_bytes: int
    hold: Hold | None = None
    results: str | None = None


class Bodies(Protocol):
    """Where bodies go, one after another."""

    def add(self, body: bytes) -> None:
        """Take a request."""
        ...


class BatchCounter:
    """Counts the batches that bodies would travel in, and keeps none of them."""

    def __init__(self, limits: PackLimits) -> None:
        self._packer = Packer(limits)
        self._full = 0

    @property
    def batches(self) -> int:
        """How many there are so far."""
        return self._full + (1 if self._packer.requests else 0)

    def add(self, body: bytes) -> None:
        """Count a request."""
        if self._packer.is_full_for(len(body)):
            self._full += 1
            self._packer.clear()
        self._packer.add(len(body))


class _DiscardedError(Exception):
    """A segment is not wanted."""


class SegmentWriter:
    """Takes bodies in order and seals one segment after another.

    Args:
        canary: How many requests travel first, in batches of their own; the others are held.
    """

    def __init__(
        self, vault: Vault, clock: Clock, limits: PackLimits, canary: int | None = None
    ) -> None:
        self._vault = vault
        self._clock = clock
        self._limits = limits
        self._packer = Packer(limits)
        self._open = ExitStack()
        self._writer: FrameWriter | None = None
        self._nonce = ""
        self._first = 0
        self._canary = canary
        self._leaders: frozenset[int] = frozenset()
        self.batches: list[StagedBatch] = []

    def lead(self, numbers: frozenset[int]) -> None:
        """Say which requests go first; the others are held until these have ended.

        It is said before the first of all is added.
        """
        self._leaders = numbers

    def add(self, body: bytes) -> None:
        """Append a request."""
        size = len(body)
        if self._packer.is_full_for(size) or self._is_canary_whole or self._is_wave_whole:
            self._seal()
        if self._writer is None:
            self._nonce = self._clock.token(NONCE_LENGTH)
            self._packer = Packer(self._limits.marked(self._nonce))
            self._writer = self._open.enter_context(self._vault.line_writer(self._segment))
        self._writer.add(body)
        self._packer.add(size)

    def finish(self) -> None:
        """Seal the last segment."""
        if self._packer.requests:
            self._seal()

    def add_unheld(self, bodies: Iterable[bytes]) -> None:
        """Seal what is there, and these in batches of their own that wait for nothing."""
        self.finish()
        self._canary = None
        for body in bodies:
            self.add(body)
        self.finish()

    def discard(self) -> None:
        """Remove all that was written: nothing of it was ever counted."""
        if self._writer is not None:
            # Left by an error, nothing that is pending is written: a full disk would fail again.
            with suppress(_DiscardedError, StoreUnusable), self._open:
                raise _DiscardedError
            self._vault.delete(self._segment)
        for batch in self.batches:
            self._vault.delete(batch.segment)

    @property
    def _segment(self) -> str:
        return f"segments/{self._nonce}.jsonl.zst"

    @property
    def _is_canary_whole(self) -> bool:
        requests = self._packer.requests
        return requests > 0 and self._first + requests == self._canary

    @property
    def _is_wave_whole(self) -> bool:
        """Whether the next request leads and these follow, or these lead and it follows."""
        requests = self._packer.requests
        return requests > 0 and self._hold_at(self._first + requests) is not self._hold_at(
            self._first
        )

    def _hold_at(self, number: int) -> Hold | None:
        if self._canary is not None:
            return None if number < self._canary else Hold.CANARY
        return Hold.LEADERS if self._leaders and number not in self._leaders else None

    def _seal(self) -> None:
        self._open.close()
        self.batches.append(
            StagedBatch(
                nonce=self._nonce,
                segment=self._segment,
                first_request=self._first,
                requests=self._packer.requests,
                body_bytes=self._packer.body_bytes,
                hold=self._hold_at(self._first),
            )
        )
        self._first += self._packer.requests
        self._packer.clear()
        self._writer = None
