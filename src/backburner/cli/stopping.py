"""Ctrl-C, done gently: a step that began is finished, so that nothing is left in doubt."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from backburner.clock import Clock

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A person stopped us, or a machine did; `number` is the signal's."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number

    @property
    def exit_code(self) -> int:
        """What shells expect of a process that a signal ended: 130 for Ctrl-C."""
        return 128 + self.number


class PatientClock:
    """A clock on which a signal interrupts only sleep, never a step.

    While a batch is being sent, being cut off would leave it in doubt whether it arrived. So the
    first signal is noted, and acted on between steps or at once in sleep; a second one always is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: int | None = None
        self._sleeping = False

    def now(self) -> float:
        """POSIX seconds by the store's clock."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return self._clock.monotonic()

    def anchor(self) -> None:
        """Read the store's clock again."""
        self._clock.anchor()

    def token(self, length: int) -> str:
        """Random characters of [a-z0-9]."""
        return self._clock.token(length)

    def sleep(self, seconds: float) -> None:
        """Let time pass, unless somebody wants to stop."""
        self._sleeping = True
        try:
            self.stop_if_asked()
            self._clock.sleep(seconds)
        finally:
            self._sleeping = False

    @property
    def is_stopping(self) -> bool:
        """Whether we stop after this step."""
        return self._asked is not None

    def stop_if_asked(self) -> None:
        """Stop here if somebody wants us to.

        Raises:
            Stopped: Somebody does.
        """
        if self._asked is not None:
            raise Stopped(self._asked)

    def take(self, number: int, _frame: FrameType | None = None) -> None:
        """Take a signal in."""
        again = self._asked is not None
        self._asked = number
        if again or self._sleeping:
            raise Stopped(number)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take signals in while something is under way."""
        with _taking(self.take):
            yield


class Ending:
    """Signals to a worker: the first ends it after the step at hand, a second one at once."""

    def __init__(self) -> None:
        self._asked: int | None = None

    def is_asked(self) -> bool:
        """Whether somebody wants the worker to end."""
        return self._asked is not None

    @property
    def exit_code(self) -> int:
        """That of a process that a signal ended."""
        return 128 + (self._asked or 0)

    def take(self, number: int, _frame: FrameType | None = None) -> None:
        """Take a signal in.

        Raises:
            Stopped: It is the second.
        """
        again = self._asked is not None
        self._asked = number
        if again:
            raise Stopped(number)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take signals in while something is under way."""
        with _taking(self.take):
            yield


@contextmanager
def _taking(take: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let signals be taken by somebody; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, take) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
