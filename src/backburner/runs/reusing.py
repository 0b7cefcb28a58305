"""Reusing answers: requests that an earlier run has answered become batches that never travel."""

from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import msgspec

from backburner.clock import Clock
from backburner.nouns.batch import custom_id
from backburner.plan.packing import PackLimits
from backburner.runs.answers import Finders
from backburner.runs.earlier import EarlierAnswers
from backburner.runs.segments import SegmentWriter, StagedBatch
from backburner.store import Store
from backburner.vault import Vault
from backburner.vault.directory import RESULTS_LEVEL

_FIRST_TRY: Final = "0"
_AT_ONCE: Final = 8192


class _Line(msgspec.Struct, frozen=True):
    custom_id: str
    result: msgspec.Raw


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


class Reused:
    """Takes requests whose answers are known, and gives them these answers.

    Memory holds where each answer lies: 8 bytes a request.
    """

    def __init__(
        self, store: Store, vault: Vault, clock: Clock, limits: PackLimits, earlier: EarlierAnswers
    ) -> None:
        self._store = store
        self._vault = vault
        self._earlier = earlier
        self._segments = SegmentWriter(vault, clock, limits)
        self._places = array("I")
        self._written: list[str] = []

    def take(self, body: bytes) -> bool:
        """Take a request if its answer is known; whether it is."""
        place = self._earlier.find(body)
        if place is None:
            return False
        self._segments.add(body)
        self._places.extend(place)
        return True

    def finish(self, first_request: int) -> tuple[StagedBatch, ...]:
        """Write the answers; gives the batches of what was taken.

        Args:
            first_request: The number of the first of these requests in their run.
        """
        self._segments.finish()
        with self._store.read() as tx, ExitStack() as stack:
            lines = self._lines(Finders(tx, self._vault, stack))
            return tuple(
                replace(
                    batch,
                    first_request=first_request + batch.first_request,
                    results=self._write(batch, lines),
                )
                for batch in self._segments.batches
            )

    def discard(self) -> None:
        """Remove all that was written: nothing of it was ever counted."""
        self._segments.discard()
        for name in self._written:
            self._vault.delete(name)

    def _lines(self, finders: Finders) -> Iterator[bytes]:
        """The answers in the order of requests, those near each other looked up together.

        A line costs the decoding of its frame, and a table in another order than before would ask
        for another frame with each row.
        """
        for start in range(0, len(self._places), 2 * _AT_ONCE):
            part = self._places[start : start + 2 * _AT_ONCE]
            places = list(zip(part[::2], part[1::2], strict=True))
            lines = {place: finders.line(*place) for place in sorted(set(places))}
            yield from map(lines.__getitem__, places)

    def _write(self, batch: StagedBatch, lines: Iterator[bytes]) -> str:
        """Copy the answers of a batch, under the names that its own requests would have had."""
        name = f"results/{batch.nonce}-0.jsonl.zst"
        self._written.append(name)
        with self._vault.line_writer(name, RESULTS_LEVEL) as writer:
            for position in range(batch.requests):
                line = _decode(next(lines))
                named = custom_id(f"{batch.nonce}{_FIRST_TRY}", position)
                writer.add(_encode(_Line(named, line.result)))
        return name
