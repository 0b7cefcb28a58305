"""Working: the loop around `tick`, over several lanes, until somebody wants it to end."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from backburner.client.closing import runs_to_close
from backburner.client.driving import wake
from backburner.client.finishing import Finished, finish
from backburner.client.patience import Patience
from backburner.client.pruning import prune_old
from backburner.client.pulse import Pulse
from backburner.errors import LaneStopped
from backburner.nouns.run import Run
from backburner.plan.lanes import Allowance, ReleaseDue
from backburner.store.lanes import STOPPED, lanes_all
from backburner.telemetry import StepFailed, StopSeen
from backburner.worker import Idle, Tools, Worker
from backburner.worker.leasing import Abandoned
from backburner.worker.sweeping import sweep

_CLOSE_EVERY: Final = 5.0
"""Seconds between two looks for finished runs while steps follow one another without a pause."""

_TELL_EVERY: Final = 300.0
"""Seconds between two looks for what is to be told; a run that was closed is told at once."""

_TELL_AGAIN_EVERY: Final = 30.0
"""Seconds between two looks for notices that did not arrive: as short as the first wait."""

_SWEEP_EVERY: Final = 6 * 3600.0
_REST: Final = 60.0
"""Seconds that a lane or batch is left alone whose step failed: as long as the longest backoff."""

_SHORTEST_NAP: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What a loop works on, and for how long.

    Attributes:
        lanes: The lanes; asked again and again, since others may be made meanwhile.
        stop: Whether to end after the step at hand. A step that has armed nothing is left.
        until: POSIX seconds at which to end.
        nap: The longest sleep. What another process enqueues is seen after it.
        threads: How many steps are done at once.
        finished: Told of each run that was closed.
        tell: Looks for what there is to tell, and tells it.
        tell_again: Tells what did not arrive.
    """

    lanes: Callable[[], Iterable[str]]
    stop: Callable[[], bool] = lambda: False
    until: float = float("inf")
    nap: float = 60.0
    threads: int = 1
    allowance: Allowance = field(default_factory=ReleaseDue)
    finished: Callable[[Finished], None] = lambda _finished: None
    tell: Callable[[], None] = lambda: None
    tell_again: Callable[[], None] = lambda: None


def work(tools: Tools, shift: Shift, pulse: Pulse) -> None:
    """Do what is due, in every lane, until told to end. What fails is told, and ends nothing."""
    loops = [_Loop(tools, shift, pulse, is_first=not n) for n in range(shift.threads)]
    for lane in shift.lanes():
        wake(tools, Worker(tools, (lane,)), lane)
    # A second signal ends the main thread within a step; then nobody waits for the others.
    others = [threading.Thread(target=loop.run, daemon=True) for loop in loops[1:]]
    for one in others:
        one.start()
    loops[0].run()
    pulse.is_ending = True
    for one in others:
        one.join()


class _Loop:
    """The rounds of one thread; the first one also closes runs and sweeps the vault."""

    def __init__(self, tools: Tools, shift: Shift, pulse: Pulse, *, is_first: bool) -> None:
        self._tools = replace(tools, moving=self._moving)
        self._shift = shift
        self._pulse = pulse
        self._is_first = is_first
        self._patience = Patience(tools.clock, self._failed)
        self._stops: dict[str, str] = {}
        self._closed_at = self._told_at = self._told_again_at = self._swept_at = float("-inf")

    def run(self) -> None:
        """Go on until told to end."""
        clock = self._tools.clock
        while not self._shift.stop() and clock.now() < self._shift.until:
            self._pulse.beat(clock.now())
            due = self._patience.attempt("the store", self._round)
            if due is None:
                due = self._patience.rests_until("the store")
            # What was closed on the way may have taken a while: what is due by now is done now.
            if due > clock.now():
                nap = max(min(due, self._shift.until) - clock.now(), _SHORTEST_NAP)
                clock.sleep(min(nap, self._shift.nap))

    def _round(self) -> float:
        """One step in each lane, so that no lane waits for another; gives when the next is due."""
        lanes = tuple(self._shift.lanes())
        if self._is_first:
            self._tell_stops(lanes)
        dues = [self._step(lane) for lane in lanes if not self._shift.stop()]
        due = min(dues, default=float("inf"))
        if self._is_first:
            self._tidy(lanes, is_idle=due > self._tools.clock.now())
        return due

    def _step(self, lane: str) -> float:
        worker = Worker(self._tools, (lane,), _REST)
        step = self._patience.attempt(lane, lambda: worker.tick(self._shift.allowance))
        match step:
            case None:
                return self._patience.rests_until(lane)
            case Idle(until):
                return float("inf") if until is None else max(until, self._soon)
            case _:
                self._pulse.count()
                return float("-inf")

    @property
    def _soon(self) -> float:
        """What is idle is not due now, whatever its time says: somebody else may hold it."""
        return self._tools.clock.now() + _SHORTEST_NAP

    def _tidy(self, lanes: tuple[str, ...], *, is_idle: bool) -> None:
        now = self._tools.clock.now()
        if is_idle or now - self._closed_at >= _CLOSE_EVERY:
            self._closed_at = now
            for run in runs_to_close(self._tools, lanes):
                self._told_at = float("-inf")
                self._patience.attempt(f"run {run.id}", partial(self._close, run))
        self._tell(now)
        if now - self._swept_at >= _SWEEP_EVERY:
            self._swept_at = now
            sweep(self._tools)
            self._patience.attempt("pruning", partial(prune_old, self._tools))

    def _tell(self, now: float) -> None:
        if now - self._told_at >= _TELL_EVERY:
            self._told_at = self._told_again_at = now
            self._patience.attempt("notices", self._shift.tell)
        elif now - self._told_again_at >= _TELL_AGAIN_EVERY:
            self._told_again_at = now
            self._patience.attempt("notices", self._shift.tell_again)

    def _tell_stops(self, lanes: tuple[str, ...]) -> None:
        """Tell of each stop once, whoever stopped the lane."""
        with self._tools.store.read() as tx:
            stops = {row.name: row.reason or "" for row in lanes_all(tx) if row.state == STOPPED}
        for lane in lanes:
            if lane in stops and stops[lane] != self._stops.get(lane):
                self._tools.emit(StopSeen(lane=lane, reason=stops[lane]))
        self._stops = stops

    def _close(self, run: Run) -> None:
        if (finished := finish(self._tools, run)) is not None:
            self._shift.finished(finished)

    def _moving(self) -> None:
        self._pulse.beat(self._tools.clock.now())
        if self._shift.stop():
            raise Abandoned

    def _failed(self, failure: StepFailed) -> None:
        if failure.error == LaneStopped.code:
            # No trying again clears it: the next round tells of the stop, and what does.
            return
        self._pulse.count(failed=True)
        self._tools.emit(failure)
