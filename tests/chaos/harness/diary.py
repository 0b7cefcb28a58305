"""What the workers report, a line of JSON each, in one file that survives them all."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backburner.telemetry import BatchDoubted, BatchResolved, BatchSent, Event, FaultSeen

Note = dict[str, Any]


class Diary:
    """A worker's pen. Each note is one write to the end of the file, so none is torn."""

    def __init__(self, path: Path, worker: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._worker = worker
        self._had_effect = False

    def note(self, kind: str, **more: object) -> None:
        note = {"worker": self._worker, "kind": kind, "at": time.time(), **more}
        os.write(self._file, json.dumps(note).encode() + b"\n")

    def effect(self) -> None:
        """The first thing that this process did to the world: from now on its death counts."""
        if not self._had_effect:
            self._had_effect = True
            self.note("effect")

    def listen(self, event: Event) -> None:
        match event:
            case BatchSent():
                self.note("sent", batch=event.batch)
            case BatchDoubted():
                self.note("doubted", nonce=event.nonce)
            case BatchResolved():
                self.note("resolved", nonce=event.nonce, how=event.how)
            case FaultSeen(call="create"):
                self.note("failed", status=event.fault.status)
            case _:
                pass


class Reader:
    """The harness's eye on the diary: each call gives what is new."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self.notes: list[Note] = []

    def read(self) -> list[Note]:
        new = list(self._new())
        self.notes += new
        return new

    def _new(self) -> Iterator[Note]:
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                self._file.seek(-len(line), os.SEEK_CUR)
                return
            yield json.loads(line)

    def close(self) -> None:
        self._file.close()
