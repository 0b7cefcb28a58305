"""What can be chosen about the prompt cache of batches."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hits:
    """An exact number of cache reads: of every `of` cacheable requests, `hits` read.

    A request is cacheable if it is marked, its prefix is long enough, and it succeeds. They are
    counted in the order in which they are processed, over all batches, so that a run of 500
    requests in three batches has 150 hits under `Hits(150, of=500)`. Which ones is the seed's
    choice; a prefix that nobody has written yet is missed as long as the numbers allow it.

    Raises:
        ValueError: There cannot be so many hits.
    """

    hits: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.of or not self.of:
            raise ValueError(f"{self.hits} of {self.of} requests cannot read the cache.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """How the prompt cache behaves for requests in batches.

    Args:
        hits: The share of possible reads that happen, each by chance; or an exact number, which
            happens whatever the times between requests.
        across_batches: Whether a batch may read what an earlier batch wrote.
        machines: On how many machines requests are processed; each has a cache of its own.
        concurrency: How many requests of a batch are processed at once. One starts when another
            ends; those under way together do not know of each other.
        prefill: Seconds from a request's start until its answer begins, and others can read what it
            wrote; the end of its answer, if that is sooner. With a concurrency of 1 it always is.

    Raises:
        ValueError: The share is not between 0 and 1, there is no machine, or nothing would run.
    """

    hits: Hits | float = 1.0
    across_batches: bool = True
    machines: int = 1
    concurrency: int = 1
    prefill: float = 2.0

    def __post_init__(self) -> None:
        for name in ("machines", "concurrency"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, and must be 1 or more.")
        if self.prefill < 0:
            raise ValueError(f"prefill is {self.prefill}, and must not be negative.")
        if not isinstance(self.hits, Hits) and not 0 <= self.hits <= 1:
            raise ValueError(f"A share of {self.hits} is not between 0 and 1.")


class HitDeck:
    """Hits and misses dealt one by one, in an order that depends on the seed alone."""

    def __init__(self, hits: Hits, seed: object) -> None:
        self._plan = hits
        self._chance = random.Random(f"{seed} hits")  # noqa: S311 - a seeded order is the point
        self._hits = self._left = 0

    def deal(self, *, new: bool) -> bool:
        """Whether the next request reads.

        Args:
            new: Whether nobody has written its prefix yet, so that a miss is dealt if one is left.
        """
        if not self._left:
            self._hits, self._left = self._plan.hits, self._plan.of
        drawn = self._chance.randrange(self._left) < self._hits
        hit = self._hits == self._left if new else drawn
        self._left -= 1
        self._hits -= hit
        return hit
