"""Verifying a batch: its segment, its result lines, and what the store made of them."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import msgspec

from backburner.client.verifying_segments import names_of, own_names, segment_differences
from backburner.errors import ModelUnknown, StoreError
from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.money import usd
from backburner.nouns.own_price import OWN_SOURCE
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
from backburner.store.doubts import duplicates_of
from backburner.store.exceptions import exceptions_of_batch
from backburner.store.ledger import LedgerRow, ledger_of_batch
from backburner.vault.frames import unpack
from backburner.worker import Tools
from backburner.worker.looking_back import duplicates_name
from backburner.worker.origins import Origin
from backburner.worker.validating import validation_of

_RunOf = Callable[[int], str]
_ByModel = Mapping[tuple[str, str], Sums]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a batch's lines say.

    Attributes:
        codes: The outcome's byte of each request; None where nothing can be said.
        syncs: What each answer would have cost sync; empty where there are no lines.
        sums: By run and model.
        twice: The same of each time that it was accepted once more.
        origins: Where its requests come from, for a batch of retries.
    """

    codes: bytes | None = None
    syncs: "array[int]" = field(default_factory=lambda: array("q"))
    sums: _ByModel = field(default_factory=dict)
    twice: list[_ByModel] = field(default_factory=list)
    origins: Sequence[Origin] = ()


class BatchVerifier:
    """Reads batches anew, and notes what differs from the store."""

    def __init__(self, tools: Tools, tx: Transaction, found: Verification) -> None:
        self._tools = tools
        self._tx = tx
        self._found = found
        self._moneyless: set[tuple[str, str, str]] = set()
        self._price_of = cache(self._look_up)

    def verify(self, batch: Batch, run_of: _RunOf, *, only: str | None) -> Seen:
        """Read a batch.

        Args:
            run_of: The run of the request at a position.
            only: The only run whose bookings are looked at; None for all.
        """
        where = f"batch {batch.id}"
        self._found.batches += 1
        self._found.differ(where, segment_differences(self._tools, batch))
        booked = self._booked(batch, only)
        own = booked.pop(batch.upstream_id or "", [])
        seen = self._answers(batch, run_of, only, own)
        for upstream_id, attempt_try in duplicates_of(self._tx, batch.id).items():
            names = own_names(f"{batch.nonce}{attempt_try}")
            rows = booked.pop(upstream_id, [])
            seen.twice.append(self._second(batch, upstream_id, names, run_of, only, rows))
        self._found.differ(where, map(_strange, booked.values()))
        return seen

    def _answers(
        self, batch: Batch, run_of: _RunOf, only: str | None, booked: Sequence[LedgerRow]
    ) -> Seen:
        found, where = self._found, f"batch {batch.id}"
        if batch.state is not BatchState.DONE:
            found.differ(where, ledger_differences({}, booked, self._has_money))
            return Seen()
        try:
            counted = self._recount(batch, run_of)
        except StoreError as error:
            found.differ(where, [f"its results cannot be read: {error}"])
            return Seen()
        codes = seen_codes(counted, batch.requests, was_sent=batch.was_sent)
        found.differ(where, self._differences(batch, counted, codes))
        # What is reused was paid, and booked, by an earlier run.
        is_paid = counted is not None and not batch.is_reused
        sums = _of_run(counted.sums if counted is not None and is_paid else {}, only)
        found.differ(where, ledger_differences(sums, booked, self._has_money))
        if counted is None:
            return Seen(codes)
        found.lines += sum(map(bool, counted.codes))
        return Seen(codes, counted.syncs, sums)

    def _recount(self, batch: Batch, run_of: _RunOf) -> Recount | None:
        if batch.results is None:
            return None
        return recount(
            self._tools.vault.lines(batch.results),
            name_of=names_of(self._tools, batch),
            run_of=run_of,
            price_of=self._price_of,
            is_invalid=self._validation(batch),
            via=batch.via,
        )

    def _validation(self, batch: Batch) -> Callable[[int, bytes], bool] | None:
        try:
            return validation_of(self._tools, batch)
        except (StoreError, msgspec.MsgspecError, IndexError) as error:
            said = str(error) if isinstance(error, StoreError) else type(error).__name__
            words = f"what its answers have to meet cannot be read: {said}"
            self._found.differ(f"batch {batch.id}", [words])
            return None

    def _second(
        self,
        batch: Batch,
        upstream_id: str,
        name_of: Callable[[int], str],
        run_of: _RunOf,
        only: str | None,
        booked: Sequence[LedgerRow],
    ) -> _ByModel:
        """What the answers say that came once more: they are paid, and settle nothing."""
        where = f"batch {batch.id}, accepted once more as {upstream_id}"
        lines = self._tools.vault.lines(duplicates_name(upstream_id))
        try:
            counted = recount(lines, name_of=name_of, run_of=run_of, price_of=self._price_of)
        except StoreError as error:
            self._found.differ(where, [f"its results cannot be read: {error}"])
            return {}
        sums = _of_run(counted.sums, only)
        # A batch of first attempts may have been halved since it was accepted whole.
        may_be_larger = batch.origins is None
        requests = max(batch.requests, len(counted.codes)) if may_be_larger else batch.requests
        self._found.differ(where, line_differences(counted, requests))
        self._found.differ(where, ledger_differences(sums, booked, self._has_money))
        self._found.lines += sum(map(bool, counted.codes))
        return sums

    def _differences(self, batch: Batch, counted: Recount | None, codes: bytes) -> Iterator[str]:
        if counted is not None:
            yield from line_differences(counted, batch.requests)
        if not batch.was_sent and batch.cancel_asked_at is None and not batch.is_reused:
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
        if batch.origins is not None and counted is None and batch.was_sent:
            # The exceptions of those who travelled in it say all there is to say.
            codes = bytes(batch.requests)
            yield from outcome_differences(stored, codes, range(batch.requests))
            return
        excepted = (row.position for row in exceptions_of_batch(self._tx, batch.id))
        yield from outcome_differences(stored, codes, excepted)

    def _booked(self, batch: Batch, only: str | None) -> dict[str, list[LedgerRow]]:
        """What was booked for the batch, by the batch upstream that was paid."""
        booked: defaultdict[str, list[LedgerRow]] = defaultdict(list)
        for row in ledger_of_batch(self._tx, batch.id):
            if only not in (None, row.run):
                continue
            booked[row.upstream_id].append(row)
        return booked

    def is_compared(self, row: LedgerRow) -> bool:
        """Whether the money of a row was compared, once its batch was verified."""
        return (row.upstream_id, row.run, row.model) not in self._moneyless

    def _has_money(self, row: LedgerRow, sums: Sums) -> bool:
        """Whether a row was booked at the price that the model has now; a note where it was not."""
        price = self._price_of(row.model)
        if price is None:
            why = f"there is no price for {row.model} now" if row.paid is not None else ""
        elif not row.price_date:
            why = f"no price was known for {row.model} then"
        elif row.price_date != str(price.as_of):
            why = f"the price of {row.model} is of {price.as_of} now"
        else:
            amounts = (row.paid, row.uncached_price, row.sync_price)
            is_other = amounts != (sums.paid, sums.uncached, sums.sync)
            # An own price may be another one by now without a date of its own that says so.
            is_changed = is_other and price.source == OWN_SOURCE
            why = f"{OWN_SOURCE} has another price for {row.model} now" if is_changed else ""
        if why:
            self._moneyless.add((row.upstream_id, row.run, row.model))
            when = f"at prices of {row.price_date}" if row.price_date else "without a price"
            self._found.note(f"what was booked {when} is compared in tokens alone: {why}")
        return not why

    def _look_up(self, model: str) -> ModelPrice | None:
        try:
            return self._tools.tariff([model]).price(model)
        except ModelUnknown:
            return None


def _of_run(sums: _ByModel, only: str | None) -> _ByModel:
    return {key: one for key, one in sums.items() if only in (None, key[0])}


def _strange(rows: Sequence[LedgerRow]) -> str:
    paid = usd(sum(row.paid or 0 for row in rows))
    return f"${paid} was booked for {rows[0].upstream_id}, which is no batch that is known"
