"""Patience with what fails: it is told, and left alone for a while, ever longer."""

from collections.abc import Callable
from typing import TypeVar

from backburner.clock import Clock
from backburner.errors import BackburnerError
from backburner.plan.polling import fault_wait
from backburner.telemetry import StepFailed

T = TypeVar("T")


class Patience:
    """Does things that may fail, each under a name, and never fails itself."""

    def __init__(self, clock: Clock, told: Callable[[StepFailed], None]) -> None:
        self._clock = clock
        self._told = told
        self._failures: dict[str, int] = {}
        self._resting: dict[str, float] = {}

    def rests_until(self, name: str) -> float:
        """Until when something is left alone; a time in the past if it is not."""
        return self._resting.get(name, float("-inf"))

    def attempt(self, name: str, what: Callable[[], T]) -> T | None:
        """Do something, unless it failed a short while ago; None where it did not come about."""
        if self.rests_until(name) > self._clock.now():
            return None
        try:
            done = what()
        except Exception as error:  # noqa: BLE001  # nothing that one step meets may end the loop
            self._failed(name, error)
            return None
        self._failures.pop(name, None)
        return done

    def _failed(self, name: str, error: Exception) -> None:
        before = self._failures.get(name, 0)
        wait = fault_wait(before)
        self._failures[name] = before + 1
        self._resting[name] = self._clock.now() + wait
        self._told(_failure(name, error, wait))


def _failure(name: str, error: Exception, wait: float) -> StepFailed:
    """A failure as an event. Of foreign errors only the kind is told: they may quote a prompt."""
    if isinstance(error, BackburnerError):
        return StepFailed(
            what=name, error=error.code, message=str(error), hint=error.hint, wait=wait
        )
    return StepFailed(what=name, error=type(error).__name__, message="", hint="", wait=wait)
