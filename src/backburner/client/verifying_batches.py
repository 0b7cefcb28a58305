"""Verifying a batch: its segment, its result lines, and what the store made of them."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from backburner.errors import ModelUnknown, StoreError
from backburner.nouns.batch import Batch, BatchState, Via
from backburner.nouns.money import Money
from backburner.nouns.tariff import ModelPrice
from backburner.report.differences import (
    ledger_differences,
    line_differences,
    outcome_differences,
    seen_codes,
)
from backburner.report.recount import Recount, Sums, recount
from backburner.report.verification import Verification
from backburner.store import Transaction
from backburner.store.batches import batch_outcomes
from backburner.store.exceptions import exceptions_of_batch
from backburner.store.ledger import LedgerRow, ledger_of_batch
from backburner.vault.frames import unpack
from backburner.worker import Tools


@dataclass(frozen=True, slots=True)
class Seen:
    """What a batch's lines say.

    Attributes:
        codes: The outcome's byte of each request; None where nothing can be said.
        syncs: What each answer would have cost sync; empty where there are no lines.
        sums: By run and model.
    """

    codes: bytes | None = None
    syncs: "array[int]" = field(default_factory=lambda: array("q"))
    sums: dict[tuple[str, str], Sums] = field(default_factory=dict)


class BatchVerifier:
    """Reads batches anew, and notes what differs from the store."""

    def __init__(self, tools: Tools, tx: Transaction, found: Verification) -> None:
        self._tools = tools
        self._tx = tx
        self._found = found
        self.price_date = str(tools.tariff([]).as_of)
        self._price_of = cache(self._look_up)
        self._unproven: list[LedgerRow] = []

    def verify(self, batch: Batch, run_of: Callable[[int], str], *, only: str | None) -> Seen:
        """Read a batch.

        Args:
            run_of: The run of the request at a position.
            only: The only run whose bookings are looked at; None for all.
        """
        found, where = self._found, f"batch {batch.id}"
        found.batches += 1
        found.differ(where, self._segment_differences(batch))
        booked = self._booked(batch, only)
        if batch.state is not BatchState.DONE:
            return Seen()
        try:
            counted = self._recount(batch, run_of)
        except StoreError as error:
            found.differ(where, [f"its results cannot be read: {error}"])
            return Seen()
        codes = seen_codes(counted, batch.requests, was_sent=batch.upstream_id is not None)
        found.differ(where, self._differences(batch, counted, codes))
        sums = counted.sums if counted is not None else {}
        if only is not None:
            sums = {key: one for key, one in sums.items() if key[0] == only}
        found.differ(where, ledger_differences(sums, booked, self.price_date))
        if counted is None:
            return Seen(codes)
        found.lines += sum(map(bool, counted.codes))
        return Seen(codes, counted.syncs, sums)

    def unproven(self, run: str) -> list[LedgerRow]:
        """What was booked for a run so far and has no lines that could prove it."""
        return [row for row in self._unproven if row.run == run]

    def _segment_differences(self, batch: Batch) -> Iterator[str]:
        if batch.keys is not None or batch.via is not Via.BATCH:
            return
        requests = params_bytes = 0
        try:
            for text in self._tools.vault.frames(batch.segment):
                requests += text.count(b"\n")
                params_bytes += len(text)
        except StoreError as error:
            yield f"its segment cannot be read: {error}"
            return
        if requests != batch.requests:
            yield f"its segment has {requests:,} lines for {batch.requests:,} requests"
        length = _body_length(requests, params_bytes - requests)
        if length != batch.body_bytes:
            yield f"its body is announced as {batch.body_bytes:,} bytes and has {length:,}"

    def _recount(self, batch: Batch, run_of: Callable[[int], str]) -> Recount | None:
        if batch.results is None:
            return None
        return recount(
            self._tools.vault.lines(batch.results),
            prefix=batch.prefix if batch.keys is None else None,
            run_of=run_of,
            price_of=self._price_of,
        )

    def _differences(self, batch: Batch, counted: Recount | None, codes: bytes) -> Iterator[str]:
        if counted is not None:
            yield from line_differences(counted, batch.requests)
        if batch.upstream_id is None and batch.cancel_asked_at is None:
            yield "it is done, and was neither sent nor canceled"
        yield from self._outcome_differences(batch, counted, codes)

    def _outcome_differences(
        self, batch: Batch, counted: Recount | None, codes: bytes
    ) -> Iterator[str]:
        packed = batch_outcomes(self._tx, batch.id)
        if packed is None:
            yield "it is done, and has no outcomes"
            return
        try:
            stored = unpack(packed)
        except StoreError as error:
            yield f"its outcomes cannot be read: {error}"
            return
        if batch.origins is not None and counted is None and batch.upstream_id is not None:
            # The exceptions of those who travelled in it say all there is to say.
            codes = bytes(batch.requests)
            yield from outcome_differences(stored, codes, range(batch.requests))
            return
        excepted = (row.position for row in exceptions_of_batch(self._tx, batch.id))
        yield from outcome_differences(stored, codes, excepted)

    def _booked(self, batch: Batch, only: str | None) -> list[LedgerRow]:
        """What was booked for the batch and can be proven by its lines."""
        rows = [row for row in ledger_of_batch(self._tx, batch.id) if only in (None, row.run)]
        is_done = batch.state is BatchState.DONE
        ours = [row for row in rows if is_done and row.upstream_id == (batch.upstream_id or "")]
        others = [row for row in rows if row not in ours]
        self._unproven += others
        if others:
            paid = Money.total(Money(picodollars=row.paid or 0) for row in others)
            self._found.note(
                f"batch {batch.id}: {paid.show()} was booked for bytes that are not kept here"
            )
        for row in ours:
            if row.price_date != self.price_date:
                self._found.note(
                    f"what was booked at prices of {row.price_date} is compared in tokens alone: "
                    f"the price table is of {self.price_date} now"
                )
        return ours

    def _look_up(self, model: str) -> ModelPrice | None:
        try:
            return self._tools.tariff([model]).price(model)
        except ModelUnknown:
            return None


def _body_length(requests: int, params_bytes: int) -> int:
    """The length of a create body, counted from its parts."""
    item = len('{"custom_id":"abcdefghijkl0-00000","params":}')
    commas = max(requests - 1, 0)
    return len('{"requests":[]}') + requests * item + params_bytes + commas
