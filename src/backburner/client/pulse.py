"""The pulse of a working loop: its threads write it, and whoever asks after its health reads it."""

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pulse:
    """How a loop is.

    Attributes:
        beat_at: When a step last began, ended or moved bytes; None before the first.
        ticks: Steps that were done.
        failures: Steps that failed in a way that they should not.
        is_ending: Whether the loop ends after the steps at hand.
    """

    beat_at: float | None = None
    ticks: int = 0
    failures: int = 0
    is_ending: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def beat(self, now: float) -> None:
        """Note that the loop is alive."""
        self.beat_at = now

    def count(self, *, failed: bool = False) -> None:
        """Count a step."""
        with self._lock:
            self.ticks += not failed
            self.failures += failed

    def is_alive(self, now: float, silence: float) -> bool:
        """Whether the last beat is no older than this; before the first there is nothing amiss."""
        return self.beat_at is None or now - self.beat_at <= silence

    @property
    def is_ready(self) -> bool:
        """Whether the loop works, and will go on."""
        return self.beat_at is not None and not self.is_ending
