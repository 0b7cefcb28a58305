"""Answers of earlier runs: which bodies were answered `ok`, and where the lines lie."""

import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from backburner.nouns.attempt import Attempt, turn_so_far
from backburner.nouns.batch import Batch
from backburner.nouns.outcome import CODES, NOT_FINAL, ExceptionRow, ExceptionState, Outcome
from backburner.runs.collapse import Collapser
from backburner.runs.marking import unmarked
from backburner.store import Store, Transaction
from backburner.store.attempts import attempts_of_batch
from backburner.store.batches import batch_outcomes, batches_answered
from backburner.store.exceptions import exceptions_of_batch
from backburner.store.runs import run_get
from backburner.vault import Vault
from backburner.vault.frames import unpack

Place = tuple[int, int]
"""A batch and the position there of a result line."""

_PLACE: Final = struct.Struct("<II")
_OK: Final = CODES[Outcome.OK]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which earlier answers may be taken.

    Attributes:
        betas: Of their batches, comma-joined: a beta can change an answer.
        since: POSIX seconds; what ended before is too old.
    """

    lane: str
    betas: str
    since: float


class EarlierAnswers:
    """Knows the bodies that were answered `ok`, of several answers the newest.

    Memory holds the table of a `Collapser`, at most 8 bytes a body; hashes and places lie in
    temporary files. What was reused itself is left out, so that no answer outlives its span.
    """

    def __init__(self, store: Store, vault: Vault, scope: Scope) -> None:
        self._vault = vault
        self._seen = Collapser()
        self._places = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        try:
            with store.read() as tx:
                for batch in batches_answered(tx, scope.lane, scope.betas, scope.since):
                    self._learn(tx, batch)
            self._places.flush()
        except BaseException:
            self.close()
            raise

    def find(self, body: bytes) -> Place | None:
        """Where the answer to a body lies that has no marks of ours; None where there is none."""
        number = self._seen.find(body)
        if number is None:
            return None
        packed = os.pread(self._places.fileno(), _PLACE.size, number * _PLACE.size)
        batch, position = _PLACE.unpack(packed)
        return batch, position

    def close(self) -> None:
        """Remove the temporary files."""
        self._seen.close()
        self._places.close()

    def _learn(self, tx: Transaction, batch: Batch) -> None:
        is_marked = bool(batch.run and run_get(tx, batch.run).cache)
        places = _answered(tx, batch)
        for body, place in zip(self._vault.lines(batch.segment), places, strict=True):
            if place is None:
                continue
            _, is_new = self._seen.request_of(unmarked(body) if is_marked else body)
            if is_new:
                self._places.write(_PLACE.pack(*place))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _answered(tx: Transaction, batch: Batch) -> Iterator[Place | None]:
    """Where the `ok` answer of each request of a batch lies; None for one without."""
    rows = {row.position: row for row in exceptions_of_batch(tx, batch.id)}
    attempts = dict(attempts_of_batch(tx, batch.id))
    for position, code in enumerate(unpack(batch_outcomes(tx, batch.id) or b"")):
        row = rows.get(position)
        if code == _OK:
            yield batch.id, position
        elif code == NOT_FINAL and row and _is_whole(row, attempts.get(position, [])):
            yield row.last_batch, row.last_position
        else:
            yield None


def _is_whole(row: ExceptionRow, attempts: list[Attempt]) -> bool:
    """Whether a request ended `ok` with an answer in one line."""
    if row.state is not ExceptionState.FINAL or row.outcome is not Outcome.OK:
        return False
    return not attempts or not turn_so_far(attempts[:-1], attempts[-1].change)
