"""Who keeps so many workers going, kills them, stops them, and lets them go on too late."""

import os
import random
import signal
import time

from harness.diary import Reader
from harness.nursery import Nursery
from harness.scene import QUIET, TTL, Scene


class Reaper:
    """Attributes:
    kills: Kills of a process that had done something.
    stalls: Stops that outlasted the lease.
    ended: Processes that ended by themselves, which none should.
    peaks: Peak memory of each process that was killed.
    """

    def __init__(self, scene: Scene, nursery: Nursery, reader: Reader, wish: dict[str, object]):
        self._scene = scene
        self._nursery = nursery
        self._reader = reader
        self._wish = wish
        self._chance = random.Random(scene.seed)
        self._living: dict[int, int] = {}
        self._stopped: dict[int, float] = {}
        self._active: set[int] = set()
        self._born = 0
        self._next_kill = self._after(scene.kill_rate)
        self._next_stall = self._after(scene.stall_rate)
        self.kills = 0
        self.stalls = 0
        self.peaks: list[int] = []
        self.ended = 0

    def step(self, *, mercy: bool = False) -> None:
        """Do what is due; with mercy, nobody is killed or stopped any more."""
        self._note_active()
        self._wake_the_stopped()
        while len(self._living) < self._scene.workers:
            self._bear()
        now = time.monotonic()
        if not mercy and now >= self._next_kill:
            self._kill()
            self._next_kill = self._after(self._scene.kill_rate)
        if not mercy and now >= self._next_stall:
            self._stop()
            self._next_stall = self._after(self._scene.stall_rate)

    def finish(self) -> None:
        """Kill all; that does not count."""
        for pid in list(self._living):
            self._bury(pid)

    def _after(self, rate: float) -> float:
        return time.monotonic() + self._chance.expovariate(rate)

    def _note_active(self) -> None:
        for note in self._reader.read():
            if note["kind"] == "effect":
                self._active.add(note["worker"])

    def _bear(self) -> None:
        self._born += 1
        pid = self._nursery.bear({**self._wish, "worker": self._born})
        self._living[pid] = self._born

    def _victims(self) -> list[int]:
        return [
            pid
            for pid, worker in self._living.items()
            if worker in self._active and pid not in self._stopped
        ]

    def _kill(self) -> None:
        # Now and then one dies while it is stopped, or still opens the store: only the latter does
        # not count.
        victims = list(self._living) if self._chance.random() < 0.05 else self._victims()
        if not victims:
            return
        pid = self._chance.choice(victims)
        self.kills += self._living[pid] in self._active
        self._bury(pid)

    def _bury(self, pid: int) -> None:
        self.peaks.append(self._nursery.kill(pid))
        self._active.discard(self._living.pop(pid))
        self._stopped.pop(pid, None)

    def _stop(self) -> None:
        if victims := self._victims():
            os.kill(self._chance.choice(victims), signal.SIGSTOP)

    def _wake_the_stopped(self) -> None:
        stopped, ended = self._nursery.look()
        now = time.monotonic()
        for pid in ended:
            self.ended += 1
            self._living.pop(pid)
            self._stopped.pop(pid, None)
        for pid in stopped:
            longest = 2 * max(QUIET, TTL)
            self._stopped.setdefault(pid, now + self._chance.uniform(max(QUIET, TTL), longest))
        for pid, until in list(self._stopped.items()):
            if now >= until:
                del self._stopped[pid]
                self.stalls += 1
                os.kill(pid, signal.SIGCONT)
