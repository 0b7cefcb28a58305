"""Verifying a run: its input, its rows, and its receipt, against what its batches' lines say."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import file_digest
from typing import Any, Final

import msgspec

from backburner.client.finishing import price_date, read_spec, receipt
from backburner.client.verifying_batches import BatchVerifier, Seen
from backburner.errors import StoreError
from backburner.nouns.batch import Batch
from backburner.nouns.outcome import BY_CODE, NOT_FINAL, ExceptionRow
from backburner.nouns.run import Run
from backburner.report.attempt_differences import (
    LineOf,
    attempt_differences,
    exception_differences,
)
from backburner.report.differences import Totals, final_codes, receipt_differences
from backburner.report.verification import Verification
from backburner.runs.counting import count_run
from backburner.runs.identity import parts_of
from backburner.runs.packed_rows import packed_rows, row_code
from backburner.store import Transaction
from backburner.store.armings import is_armed
from backburner.store.attempts import attempts_of_batch
from backburner.store.batches import batches_of_run
from backburner.store.exceptions import exceptions_of_batch
from backburner.store.ledger import ledger_of_run
from backburner.worker import Tools
from backburner.worker.moved import read_moved

_SLICE: Final = 65536


class RunVerifier:
    """Adds up one run from its batches' lines, and holds its receipt against that."""

    def __init__(
        self,
        tools: Tools,
        tx: Transaction,
        verifier: BatchVerifier,
        found: Verification,
        retries: Mapping[int, Seen],
    ) -> None:
        self._tools = tools
        self._tx = tx
        self._verifier = verifier
        self._found = found
        self._retries = retries
        self._codes = bytearray()
        self._syncs = array("q")
        self._once = self._twice = self._uncached = self._sync = 0

    def verify(self, run: Run) -> None:
        """Verify a run and all its batches."""
        self._found.runs += 1
        self._found.requests += run.requests
        if run.pruned_at is not None:
            self._verify_pruned(run)
            return
        for batch in batches_of_run(self._tx, run.id):
            self._verify_batch(run, batch)
        for seen in self._retries.values():
            self._add(run, seen)
        self._found.paid += self._once + self._twice
        where = f"run {run.id}"
        self._found.differ(where, self._input_differences(run))
        self._found.differ(where, self._differences(run))

    def _verify_pruned(self, run: Run) -> None:
        """Hold together what is left: the texts are gone on purpose."""
        day = datetime.fromtimestamp(run.pruned_at or 0.0, UTC).date()
        self._found.note(
            f"run {run.id} was pruned on {day}: its texts are gone, its books are kept"
        )
        where = f"run {run.id}"
        counted = count_run(self._tx, run)
        if not counted.is_finished:
            words = (
                f"it is pruned, and {counted.requests - counted.ended:,} requests have not ended"
            )
            self._found.differ(where, [words])
        try:
            made = receipt(self._tools, run)
        except (StoreError, ValueError) as error:
            self._found.differ(where, [f"its receipt cannot be made: {_said(error)}"])
            return
        self._found.paid += made.paid.picodollars
        if made.rows != run.rows:
            words = f"{run.rows:,} rows are stored, and {made.rows:,} were counted before"
            self._found.differ(where, [words])

    def _verify_batch(self, run: Run, batch: Batch) -> None:
        seen = self._verifier.verify(batch, lambda _position: run.id, only=None)
        self._add(run, seen)
        rows = list(exceptions_of_batch(self._tx, batch.id))
        self._check_attempts(batch, rows, self._line_of(batch, seen))
        codes = seen.codes if seen.codes is not None else bytes(batch.requests)
        self._codes += final_codes(codes, rows)
        self._syncs.extend(self._syncs_of(batch, seen, rows))

    def _check_attempts(self, batch: Batch, rows: Sequence[ExceptionRow], line_of: LineOf) -> None:
        where = f"batch {batch.id}"
        self._found.differ(where, exception_differences(rows, line_of))
        was_sent = batch.upstream_id is not None and batch.keys is None
        words = attempt_differences(
            {row.position: row for row in rows},
            dict(attempts_of_batch(self._tx, batch.id)),
            line_of,
            may_lack=was_sent and not is_armed(self._tx, batch.id),
        )
        self._found.differ(where, words)

    def _add(self, run: Run, seen: Seen) -> None:
        for (run_id, _), sums in seen.sums.items():
            if run_id == run.id:
                self._once += sums.paid
                self._uncached += sums.uncached
                self._sync += sums.sync
        for again in seen.twice:
            self._twice += sum(one.paid for (run_id, _), one in again.items() if run_id == run.id)

    def _line_of(self, batch: Batch, own: Seen) -> LineOf:
        def line_of(in_batch: int, in_position: int, position: int) -> int | None:
            seen = own if in_batch == batch.id else self._retries.get(in_batch)
            if seen is None or seen.codes is None or not 0 <= in_position < len(seen.codes):
                return None
            if seen.origins:
                origin = seen.origins[in_position]
                is_its = (origin.batch, origin.position) == (batch.id, position)
            else:
                is_its = in_position == position
            return seen.codes[in_position] if is_its else None

        return line_of

    def _syncs_of(self, batch: Batch, seen: Seen, rows: Iterable[ExceptionRow]) -> "array[int]":
        """What each request's newest answer would have cost sync."""
        syncs = seen.syncs or array("q", [0]) * batch.requests
        for row in rows:
            newest = self._retries.get(row.last_batch)
            if newest is not None and row.position < len(syncs):
                in_reach = row.last_position < len(newest.syncs)
                syncs[row.position] = newest.syncs[row.last_position] if in_reach else 0
        return syncs

    def _input_differences(self, run: Run) -> Iterator[str]:
        """Whether the stored input and the stored wishes are those that the run was made from."""
        try:
            spec = read_spec(self._tools, run)
            with self._tools.vault.stream(run.source) as stream:
                digest = file_digest(_Readable(stream), "sha256").hexdigest()
        except (StoreError, msgspec.MsgspecError) as error:
            yield f"its input or what it asks cannot be read: {_said(error)}"
            return
        parts = parts_of(spec, digest, run.lane)
        for name in sorted(parts.keys() | run.parts.keys()):
            if parts.get(name) != run.parts.get(name):
                yield f"its stored {name} is not what it was made from"

    def _differences(self, run: Run) -> Iterator[str]:
        if len(self._codes) != run.requests:
            yield f"its batches hold {len(self._codes):,} requests of {run.requests:,}"
            return
        try:
            counted, rows_sync = self._by_row(run)
        except (StoreError, IndexError) as error:
            yield f"its rows cannot be matched with its requests: {_said(error)}"
            return
        rows = sum(counted.values())
        if run.packed and run.requests != run.packed + len(read_moved(self._tools.vault, run)):
            yield f"its {run.requests:,} requests are not its packs and the rows that left them"
            return
        collapsed = 0 if run.packed else rows - run.requests
        if rows != run.rows or collapsed != run.collapsed:
            yield (
                f"{run.rows:,} rows and {run.collapsed:,} collapsed are stored, and its bytes "
                f"say {rows:,} and {collapsed:,}"
            )
            return
        if NOT_FINAL not in self._codes:
            yield from self._receipt_differences(run, counted, rows_sync - sum(self._syncs))

    def _by_row(self, run: Run) -> "tuple[Counter[int], int]":
        """Rows by outcome's byte, and what all of them would cost as sync calls of their own."""
        if run.row_map is None:
            return Counter(self._codes), sum(self._syncs)
        counted: Counter[int] = Counter()
        if run.packed:
            rows = packed_rows(self._tools.store, self._tools.vault, run)
            return Counter(row_code(row, self._codes) for row in rows), sum(self._syncs)
        sync = 0
        with self._tools.vault.raw(run.row_map) as file:
            while data := file.read(_SLICE):
                numbers = array("I")
                numbers.frombytes(data)
                counted.update(map(self._codes.__getitem__, numbers))
                sync += sum(map(self._syncs.__getitem__, numbers))
        return counted, sync

    def _receipt_differences(
        self, run: Run, counted: "Counter[int]", collapsed_sync: int
    ) -> Iterator[str]:
        try:
            made = receipt(self._tools, run)
        except (StoreError, ValueError, IndexError) as error:
            yield f"its receipt cannot be made: {_said(error)}"
            return
        booked = ledger_of_run(self._tx, run.id)
        has_prices = all(map(self._verifier.is_compared, booked))
        is_dated = run.price_date == str(price_date(self._tools, booked))
        is_known = run.finished_at is not None and has_prices and is_dated
        totals = Totals(
            outcomes={BY_CODE[code].value: count for code, count in counted.items()},
            requests=run.requests,
            paid=self._once + self._twice,
            twice=self._twice,
            uncached=self._uncached,
            sync=self._sync,
            collapsed_sync=collapsed_sync if is_known else None,
            reused_sync=sum(self._syncs[run.fresh :]) if is_known else None,
            has_prices=has_prices,
        )
        yield from receipt_differences(made, totals)


class _Readable:
    """A stream as `file_digest` wants it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray) -> int:
        """The next bytes."""
        count: int = self._stream.readinto(buffer)
        return count


def _said(error: Exception) -> str:
    # What is not ours may quote what it read.
    return str(error) if isinstance(error, StoreError) else type(error).__name__
