"""Collecting a batch: download, read once, store in request order, judge, book, in one commit."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from backburner.errors import ModelUnknown
from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.fault import Fault, FaultKind
from backburner.nouns.outcome import CODES, ExceptionRow, ExceptionState, Outcome
from backburner.nouns.tariff import ModelPrice
from backburner.plan.judging import Deliver, GiveUp, Hold, Retry, Verdict, verdict
from backburner.plan.polling import fault_wait
from backburner.store import Transaction
from backburner.store.batches import batch_move, batch_rest
from backburner.store.exceptions import exceptions_put, exceptions_travelling
from backburner.store.lanes import lane_wake
from backburner.store.ledger import LedgerRow, ledger_append
from backburner.store.objects import objects_register
from backburner.telemetry import BatchCollected, FaultSeen
from backburner.upstream import Downloaded, Upstream
from backburner.vault.directory import RESULTS_LEVEL
from backburner.vault.frames import pack
from backburner.worker.origins import run_of_positions
from backburner.worker.reading import Booking, Reading, read_results
from backburner.worker.tools import Tools


def collect(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Collect an ended batch, or put it off where its results cannot be had whole."""
    started = tools.clock.monotonic()
    with tools.vault.temporary() as file:
        downloaded = upstream.download(batch.upstream_id or "", file)
        if isinstance(downloaded, Fault):
            if downloaded.kind is FaultKind.ABSENT:
                _results_gone(tools, batch)
            else:
                _put_off(tools, batch, downloaded)
            return
        file.seek(0)
        reading = _read(tools, batch, file)
        if reading.lacking and batch.downloads + 1 < tools.terms.downloads:
            _read_again(tools, batch)
            return
        _settle(tools, batch, file, reading, downloaded)
    tools.emit(_collected(batch, reading, tools.clock.monotonic() - started))


def _read(tools: Tools, batch: Batch, file: BinaryIO) -> Reading:
    return read_results(
        file,
        prefix=batch.prefix,
        requests=batch.requests,
        run_of=run_of_positions(tools, batch),
        price_of=_price_finder(tools),
    )


def _settle(
    tools: Tools, batch: Batch, file: BinaryIO, reading: Reading, downloaded: Downloaded
) -> None:
    """Store the lines, then commit all that follows from them at once."""
    name = f"results/{batch.nonce}.jsonl.zst"
    objects = [name, *_store_orphans(tools, batch, file, reading)]
    _store_lines(tools, name, file, reading)
    now = tools.clock.now()
    with tools.store.write() as tx:
        codes = _judge(tools, tx, batch, reading, now)
        objects_register(tx, objects)
        ledger_append(tx, _ledger_rows(tools, batch, reading.bookings, now))
        batch_move(
            tx,
            batch,
            BatchState.DONE,
            {
                "results": name,
                "results_sha256": downloaded.sha256,
                "outcomes": pack(codes),
                "lease_until": 0.0,
            },
        )
        lane_wake(tx, batch.lane, now)


def _store_lines(tools: Tools, name: str, file: BinaryIO, reading: Reading) -> None:
    """Write the lines in request order, bytes unchanged, an empty line where there is none."""
    handle = file.fileno()
    with tools.vault.line_writer(name, RESULTS_LEVEL) as writer:
        for offset, length in zip(reading.offsets, reading.lengths, strict=True):
            writer.add(os.pread(handle, length, offset) if offset >= 0 else b"")


def _store_orphans(tools: Tools, batch: Batch, file: BinaryIO, reading: Reading) -> list[str]:
    """Keep lines that belong to no request of the batch: they may be somebody's money."""
    if not reading.orphans:
        return []
    name = f"orphans/{batch.nonce}-{batch.epoch}.jsonl.zst"
    with tools.vault.line_writer(name) as writer:
        for offset, length in reading.orphans:
            writer.add(os.pread(file.fileno(), length, offset))
    return [name]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A request whose newest attempt did not end as ok."""

    position: int
    outcome: Outcome
    verdict: Verdict


def _judge(tools: Tools, tx: Transaction, batch: Batch, reading: Reading, now: float) -> bytearray:
    """Turn outcomes into what follows; gives the batch's bytes, 0 where it is not final."""
    travelling = exceptions_travelling(tx, batch.id) if batch.origins else {}
    codes = bytearray(reading.codes)
    rows: list[ExceptionRow] = []
    for position, outcome in _to_judge(reading, always=bool(travelling)):
        origin = travelling.get(position)
        attempts = origin.attempts + 1 if origin else 1
        follows = verdict(
            outcome,
            attempts=attempts,
            now=now,
            policy=tools.terms.retries,
            error_type=reading.error_types.get(position, ""),
        )
        codes[position] = CODES[outcome]
        final = isinstance(follows, Deliver | GiveUp)
        if origin is None and final:
            continue
        if origin is None:
            codes[position] = 0
        rows.append(_exception(batch, position, origin, outcome, attempts, follows))
    exceptions_put(tx, rows)
    waiting = [row.due_at for row in rows if row.state is ExceptionState.WAITING]
    if waiting:
        lane_wake(tx, batch.lane, min(waiting))
    return codes


def _to_judge(reading: Reading, *, always: bool) -> Iterable[tuple[int, Outcome]]:
    """The positions to look at: all of a batch of retries, else those that are not ok."""
    ok = CODES[Outcome.OK]
    by_code = {code: outcome for outcome, code in CODES.items()}
    for position, code in enumerate(reading.codes):
        if always or code != ok:
            yield position, by_code.get(code, Outcome.MISSING)


def _exception(
    batch: Batch,
    position: int,
    origin: ExceptionRow | None,
    outcome: Outcome,
    attempts: int,
    follows: Verdict,
) -> ExceptionRow:
    match follows:
        case Retry(due_at):
            state = ExceptionState.WAITING
        case Hold():
            state, due_at = ExceptionState.HELD, 0.0
        case Deliver() | GiveUp():
            state, due_at = ExceptionState.FINAL, 0.0
    return ExceptionRow(
        batch=origin.batch if origin else batch.id,
        position=origin.position if origin else position,
        state=state,
        outcome=outcome,
        attempts=attempts,
        due_at=due_at,
        last_batch=batch.id,
        last_position=position,
    )


def _ledger_rows(
    tools: Tools, batch: Batch, bookings: Iterable[Booking], now: float
) -> list[LedgerRow]:
    return [
        LedgerRow(
            batch=batch.id,
            run=booking.run,
            model=booking.model,
            day=tools.day(now),
            requests=booking.requests,
            input_tokens=booking.usage.input_tokens,
            output_tokens=booking.usage.output_tokens,
            cache_write_5m_tokens=booking.usage.cache_write_5m_tokens,
            cache_write_1h_tokens=booking.usage.cache_write_1h_tokens,
            cache_read_tokens=booking.usage.cache_read_tokens,
            paid=booking.charge.paid if booking.charge else None,
            sync_price=booking.charge.sync if booking.charge else None,
            uncached_price=booking.charge.uncached if booking.charge else None,
            price_date=str(tools.tariff([]).as_of),
        )
        for booking in bookings
    ]


def _price_finder(tools: Tools) -> Callable[[str], ModelPrice | None]:
    def price_of(model: str) -> ModelPrice | None:
        try:
            return tools.tariff([model]).price(model)
        except ModelUnknown:
            # An answer in hand is kept whatever it cost; its price is then unknown, never zero.
            return None

    return price_of


def _put_off(tools: Tools, batch: Batch, fault: Fault) -> None:
    now = tools.clock.now()
    wait = fault_wait(batch.faults, fault.retry_after)
    with tools.store.write() as tx:
        batch_rest(tx, batch, now + wait, faults=batch.faults + 1)
    tools.emit(FaultSeen(lane=batch.lane, call="results", batch=batch.id, fault=fault))


def _read_again(tools: Tools, batch: Batch) -> None:
    """Lines are lacking: a cut download looks just like that, so it is read again first."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        batch_rest(tx, batch, now + tools.terms.download_wait, downloads=batch.downloads + 1)
    fault = Fault(kind=FaultKind.UNREACHED, what="the results lack lines; they are read again")
    tools.emit(FaultSeen(lane=batch.lane, call="results", batch=batch.id, fault=fault))


def _results_gone(tools: Tools, batch: Batch) -> None:
    """The results cannot be had any more: every request is missing, and held for a person."""
    with tools.store.write() as tx:
        travelling = exceptions_travelling(tx, batch.id) if batch.origins else {}
        follows = Hold("the results are gone upstream")
        exceptions_put(
            tx,
            (
                _exception(
                    batch,
                    position,
                    travelling.get(position),
                    Outcome.MISSING,
                    travelling[position].attempts + 1 if position in travelling else 1,
                    follows,
                )
                for position in range(batch.requests)
            ),
        )
        codes = bytes(batch.requests)
        changes = {"outcomes": pack(codes), "lease_until": 0.0}
        batch_move(tx, batch, BatchState.DONE, changes)
    reading_counts = {Outcome.MISSING: batch.requests}
    tools.emit(
        BatchCollected(
            batch=batch.id,
            run=batch.run,
            requests=batch.requests,
            outcomes=reading_counts,
            retries=0,
            orphans=0,
            seconds=0.0,
        )
    )


def _collected(batch: Batch, reading: Reading, seconds: float) -> BatchCollected:
    counts = reading.counts()
    retried = sum(
        counts.get(one, 0) for one in (Outcome.SERVER_ERROR, Outcome.EXPIRED, Outcome.MISSING)
    )
    return BatchCollected(
        batch=batch.id,
        run=batch.run,
        requests=batch.requests,
        outcomes=counts,
        retries=retried,
        orphans=len(reading.orphans),
        seconds=seconds,
    )
