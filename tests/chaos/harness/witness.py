"""Law 3, seen from the far side: at each complete body, the store is read by the body's nonce."""

import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Final

from harness.judge import Violation
from harness.scene import QUIET

from backburner.nouns.batch import BatchState, name_of

_NEWEST_ARMING: Final = """
SELECT arming.id, arming.attempt_try, arming.armed_at, arming.epoch,
       batch.epoch, batch.state, batch.requests
FROM arming JOIN batch ON batch.id = arming.batch
WHERE batch.nonce = ? ORDER BY arming.id DESC LIMIT 1
"""
_OPEN: Final = (BatchState.ARMED, BatchState.UNKNOWN)


class Witness:
    """Told of each complete body before the emulator acts on it, in the emulator's thread."""

    def __init__(self, store: Path) -> None:
        self._path = store
        self._store: sqlite3.Connection | None = None
        self._bodies: Counter[int] = Counter()
        self.bodies = 0
        self.breaches: list[Violation] = []

    def __call__(self, custom_id: str, requests: int) -> None:
        self.bodies += 1
        breach = self._breach(custom_id, requests)
        if breach is not None:
            self.breaches.append(Violation(3, f"{custom_id}: {breach}"))

    def _breach(self, custom_id: str, requests: int) -> str | None:
        name = name_of(custom_id)
        newest = self._newest_arming(name[0]) if name else None
        if name is None or newest is None:
            return "a complete body of a batch that was never armed"
        arming, attempt_try, armed_at, epoch, epoch_now, state, size = newest
        self._bodies[arming] += 1
        checks = {
            f"armed last under try {attempt_try}": attempt_try == name[1],
            f"armed with {size} requests, came with {requests}": size == requests,
            f"armed under epoch {epoch}, which is {epoch_now} now": epoch <= epoch_now,
            f"a complete body while the batch is {state}": state in _OPEN,
            "a second complete body of one arming": self._bodies[arming] == 1,
            "a complete body after quiet was over": time.time() - armed_at <= QUIET,
        }
        return next((breach for breach, holds in checks.items() if not holds), None)

    def _newest_arming(self, nonce: str) -> tuple | None:
        if self._store is None:
            self._store = sqlite3.connect(self._path)
        return self._store.execute(_NEWEST_ARMING, (nonce,)).fetchone()
