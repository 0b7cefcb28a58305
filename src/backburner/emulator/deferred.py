"""Calls that take effect after their clients have gone."""

import heapq
from collections.abc import Callable
from itertools import count


class Deferred:
    """Acts to be done at their times, each as if it were that time."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, at: float, act: Callable[[], object]) -> None:
        """Adds an act."""
        heapq.heappush(self._waiting, (at, next(self._numbers), act))

    def pop(self, now: float) -> tuple[float, Callable[[], object]] | None:
        """The next act whose time has come, with that time; it will not be given again."""
        if not self._waiting or self._waiting[0][0] > now:
            return None
        at, _, act = heapq.heappop(self._waiting)
        return at, act
