"""The answers of a run, request by request, in the order of its requests."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import msgspec

from backburner.nouns.attempt import Attempt, turn_so_far
from backburner.nouns.batch import Batch, BatchId, Via, request_id
from backburner.nouns.outcome import BY_CODE, NOT_FINAL, ExceptionRow, ExceptionState, Outcome
from backburner.nouns.run import Run
from backburner.store import Store, Transaction
from backburner.store.attempts import attempts_of, attempts_of_batch
from backburner.store.batches import batch_get, batch_outcomes, batches_of_run
from backburner.store.exceptions import exception_of, exceptions_of_batch
from backburner.vault import Vault
from backburner.vault.frames import LineFinder, unpack

_FINDERS: Final = 16


class FinalLine(msgspec.Struct, frozen=True, gc=False):
    """What came of one request in the end.

    Attributes:
        outcome: None where it is not final yet.
        line: Its newest result line as received; empty where there is none.
        request_id: Nonce and position of its first batch.
        earlier: The result lines of its earlier attempts, which were paid too.
        turn: Those of them whose content comes before that of `line`: a paused turn that went on.
        is_reused: Whether it is the answer of an earlier run, which paid for it.
        via: How its newest attempt travelled, and `earlier_via` those before it.
    """

    outcome: Outcome | None
    line: bytes
    request_id: str
    earlier: tuple[bytes, ...] = ()
    turn: tuple[bytes, ...] = ()
    is_reused: bool = False
    via: Via = Via.BATCH
    earlier_via: tuple[Via, ...] = ()


def final_lines(store: Store, vault: Vault, run: Run, first: int = 0) -> Iterator[FinalLine]:
    """Every request of a run with its newest result line, in order.

    Args:
        first: The number of the request to begin with, which has to be the first of a batch.
    """
    with store.read() as tx, ExitStack() as stack:
        finders = Finders(tx, vault, stack)
        for batch in batches_of_run(tx, run.id):
            if batch.first_request >= first:
                yield from _of_batch(tx, vault, batch, finders)


def _of_batch(
    tx: Transaction, vault: Vault, batch: Batch, finders: "Finders"
) -> Iterator[FinalLine]:
    packed = batch_outcomes(tx, batch.id)
    codes = unpack(packed) if packed is not None else bytes(batch.requests)
    exceptions = {row.position: row for row in exceptions_of_batch(tx, batch.id)}
    attempts = dict(attempts_of_batch(tx, batch.id))
    lines = vault.lines(batch.results) if batch.results else iter([b""] * batch.requests)
    is_reused = batch.is_reused
    for position, (code, line) in enumerate(zip(codes, lines, strict=True)):
        name = request_id(batch.nonce, position)
        if code != NOT_FINAL:
            yield FinalLine(BY_CODE[code], line, name, is_reused=is_reused, via=batch.via)
        else:
            row = exceptions.get(position)
            known = attempts.get(position, [])
            yield FinalLine(None, b"", name) if row is None else finders.final(row, known, name)


def final_line(tx: Transaction, vault: Vault, batch: Batch, position: int) -> FinalLine:
    """One request of a run with its newest result line, by the batch of its first attempt."""
    packed = batch_outcomes(tx, batch.id)
    code = NOT_FINAL if packed is None else unpack(packed)[position]
    name = request_id(batch.nonce, position)
    with ExitStack() as stack:
        finders = Finders(tx, vault, stack)
        if code != NOT_FINAL:
            return FinalLine(BY_CODE[code], finders.line(batch.id, position), name)
        row = exception_of(tx, batch.id, position)
        if row is None:
            return FinalLine(None, b"", name)
        return finders.final(row, attempts_of(tx, batch.id, position), name)


class Finders:
    """Finds the lines of retried requests in the batches they travelled in last."""

    def __init__(self, tx: Transaction, vault: Vault, stack: ExitStack) -> None:
        self._tx = tx
        self._vault = vault
        self._stack = stack
        self._by_batch: dict[int, LineFinder | None] = {}
        self._vias: dict[int, Via] = {}

    def final(self, row: ExceptionRow, attempts: list[Attempt], name: str) -> FinalLine:
        """The line of a request that needed more than its first attempt, or a person."""
        if row.state not in (ExceptionState.FINAL, ExceptionState.HELD):
            return FinalLine(None, b"", name)
        line = self.line(row.last_batch, row.last_position)
        if len(attempts) <= 1:
            return FinalLine(row.outcome, line, name, via=self.via(row.last_batch))
        # One whose last batch never travelled has no line of its own there.
        was_last_collected = attempts[-1].in_batch == row.last_batch
        before = attempts[:-1] if was_last_collected else attempts
        turn = turn_so_far(before, attempts[-1].change if was_last_collected else row.change)
        return FinalLine(
            row.outcome,
            line,
            name,
            earlier=tuple(self.line(one.in_batch, one.in_position) for one in before),
            turn=tuple(self.line(one.in_batch, one.in_position) for one in turn),
            via=self.via(row.last_batch),
            earlier_via=tuple(self.via(one.in_batch) for one in before),
        )

    def via(self, batch_id: int) -> Via:
        """How a batch travelled."""
        if batch_id not in self._vias:
            self._vias[batch_id] = batch_get(self._tx, BatchId(batch_id)).via
        return self._vias[batch_id]

    def line(self, batch_id: int, position: int) -> bytes:
        """A stored result line; empty where there is none."""
        finder = self._finder(batch_id)
        return finder.line(position) if finder else b""

    def _finder(self, batch_id: int) -> LineFinder | None:
        if batch_id not in self._by_batch:
            if len(self._by_batch) >= _FINDERS:
                self._stack.close()
                self._by_batch.clear()
            results = batch_get(self._tx, BatchId(batch_id)).results
            opened = self._stack.enter_context(self._vault.finder(results)) if results else None
            self._by_batch[batch_id] = opened
        return self._by_batch[batch_id]
