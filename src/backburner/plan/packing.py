"""Packing: which requests travel in one body."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

from backburner.nouns.batch import MAX_BYTES, MAX_REQUESTS, body_bytes

_LEAST_FILL: Final = 50
"""One in so many requests may be left out of a full batch: 2 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackLimits:
    """The most a batch may hold.

    The defaults are well below the API's limits, since results come only when a whole batch has
    ended: smaller ones bring news sooner and risk less in a doubt, at no measurable cost.

    Attributes:
        requests: At most 100,000.
        body_bytes: Length of the create body, at most 250,000,000.
        sizes: Over how many sizes full batches are spread. A batch in doubt is looked for by its
            size, so those in flight should not be alike. It costs at most 2 % of a batch.
    """

    requests: int = 25_000
    body_bytes: int = 64_000_000
    sizes: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.requests <= MAX_REQUESTS:
            raise ValueError(f"a batch holds 1 to {MAX_REQUESTS:,} requests, not {self.requests:,}")
        if not 0 < self.body_bytes <= MAX_BYTES:
            raise ValueError(f"a body has 1 to {MAX_BYTES:,} bytes, not {self.body_bytes:,}")

    def marked(self, nonce: str) -> Self:
        """These limits with a few requests less, as many as a batch's nonce says."""
        spread = min(self.sizes, self.requests // _LEAST_FILL)
        less = int(nonce, 36) % spread if spread > 1 else 0
        return replace(self, requests=self.requests - less)

    def part(self, share: float) -> Self:
        """A share of these limits, one request at the least."""
        return replace(
            self,
            requests=max(1, int(self.requests * share)),
            body_bytes=max(1, int(self.body_bytes * share)),
        )


class Packer:
    """Fills one batch after another in order of arrival.

    Invariant: a batch never exceeds the limits, unless a single request does so alone.
    """

    __slots__ = ("_limits", "params_bytes", "requests")

    def __init__(self, limits: PackLimits) -> None:
        self._limits = limits
        self.requests = 0
        self.params_bytes = 0

    @property
    def body_bytes(self) -> int:
        """The length of the create body so far."""
        return body_bytes(self.requests, self.params_bytes)

    def is_full_for(self, size: int) -> bool:
        """Whether a request with this many bytes of params needs another batch."""
        if self.requests == 0:
            return False
        if self.requests >= self._limits.requests:
            return True
        return body_bytes(self.requests + 1, self.params_bytes + size) > self._limits.body_bytes

    def add(self, size: int) -> None:
        """Count a request in."""
        self.requests += 1
        self.params_bytes += size

    def clear(self) -> None:
        """Begin the next batch."""
        self.requests = 0
        self.params_bytes = 0


def pack(sizes: Iterable[int], limits: PackLimits) -> Iterator[range]:
    """Partition requests, given by the bytes of their params, into ranges of positions."""
    packer = Packer(limits)
    first = 0
    for position, size in enumerate(sizes):
        if packer.is_full_for(size):
            yield range(first, position)
            first = position
            packer.clear()
        packer.add(size)
    if packer.requests:
        yield range(first, first + packer.requests)
