"""Time and chance, as arguments.

Nothing else in the package asks the machine for the time, sleeps, or draws random characters, so
that a day passes in a test in milliseconds and every id there is known.
"""

import random
import secrets
import time
from typing import Final, Protocol

ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


class Clock(Protocol):
    """The time now, sleeping, and new tokens."""

    def now(self) -> float:
        """POSIX seconds by the store's clock."""

    def monotonic(self) -> float:
        """Seconds that only go forward, for measuring how long something took."""

    def anchor(self) -> None:
        """Read the store's clock again."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def token(self, length: int) -> str:
        """Random characters of [a-z0-9]."""


class StoreClock:
    """The clock of the machine that the store is on, carried on by the monotonic clock.

    SQLite has no other, so it is read at each `anchor` and not asked of the database: a clock that
    is set between two of them moves nothing back.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self.anchor()

    def now(self) -> float:
        """POSIX seconds by the store's clock."""
        return time.monotonic() + self._offset

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def anchor(self) -> None:
        """Read the store's clock again; a machine that slept is right from here on."""
        self._offset = time.time() - time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(max(seconds, 0.0))

    def token(self, length: int) -> str:
        """Random characters from the operating system."""
        return "".join(secrets.choice(ALPHABET) for _ in range(length))


class FakeClock:
    """A clock that moves when told, or when somebody sleeps on it."""

    def __init__(self, start: float = 1_790_000_000.0, seed: int = 0) -> None:
        self._now = start
        self._random = random.Random(seed)  # noqa: S311  # ids of tests, not secrets

    def now(self) -> float:
        """The time it was moved to."""
        return self._now

    def monotonic(self) -> float:
        """The same time: a fake clock never jumps back."""
        return self._now

    def anchor(self) -> None:
        """Nothing to read."""

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self._now += max(seconds, 0.0)

    def token(self, length: int) -> str:
        """Characters fixed by the seed."""
        return "".join(self._random.choices(ALPHABET, k=length))
