"""Collecting a batch: download, read once, store in request order, judge, book, in one commit."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.fault import Fault, FaultKind
from backburner.nouns.outcome import Outcome
from backburner.plan.polling import is_gone
from backburner.store import Transaction
from backburner.store.claimed_batches import batch_move, batch_renew, batch_rest
from backburner.store.lanes import lane_wake
from backburner.store.objects import objects_register
from backburner.telemetry import BatchCollected, FaultSeen
from backburner.upstream import Upstream
from backburner.vault.directory import RESULTS_LEVEL
from backburner.vault.frames import pack
from backburner.worker.booking import ledger_rows, price_finder, settle
from backburner.worker.deleting import wake_to_delete
from backburner.worker.expiring import tell_if_expiring
from backburner.worker.judging import Judged, hold_all, judge
from backburner.worker.leasing import renewed
from backburner.worker.origins import run_of_positions
from backburner.worker.putting_off import put_off
from backburner.worker.reading import Reading, key_positions, own_positions, read_results
from backburner.worker.tools import Tools
from backburner.worker.unpacking import Departures, unpack_rows
from backburner.worker.validating import validation_of
from backburner.worker.workspaces import check_workspace


def collect(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Collect an ended batch, or put it off where its results cannot be had whole."""
    started, started_at = tools.clock.monotonic(), tools.clock.now()
    with tools.vault.temporary() as file, ThreadPoolExecutor(max_workers=1) as helper:
        # Looking for schemas in a list of requests takes as long as the download, and no network.
        validation = helper.submit(validation_of, tools, batch)
        downloaded = upstream.download(batch.upstream_id or "", file, _lease_keeper(tools, batch))
        if isinstance(downloaded, Fault):
            age = started_at - (batch.ended_at or started_at)
            if downloaded.kind is FaultKind.ABSENT and is_gone(batch.faults, age):
                _check_absence(tools, batch, upstream)
            else:
                tell_if_expiring(tools, batch, None)
                put_off(tools, batch, downloaded, "results")
            return
        file.seek(0)
        reading = read_lines(tools, batch, file, validation.result())
        if reading.lacking and batch.downloads + 1 < tools.terms.downloads:
            _read_again(tools, batch)
            return
        judged = settle_lines(tools, batch, file, reading, downloaded.sha256)
    wake_to_delete(tools, batch)
    tools.emit(collected(batch, reading, judged, tools.clock.monotonic() - started))


def _lease_keeper(tools: Tools, batch: Batch) -> Callable[[], None]:
    """Keeps the lease while bytes move: a slow download may take longer than it lasts."""
    held = batch

    def keep() -> None:
        nonlocal held
        held = renewed(tools, held)

    return keep


def _check_absence(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Book results as gone only when the key acts where the batch is: elsewhere all are absent."""
    answer = upstream.page(limit=1)
    if isinstance(answer, Fault):
        put_off(tools, batch, answer, "list")
        return
    check_workspace(tools, batch.lane, answer.workspace)
    _results_gone(tools, batch)


def read_lines(
    tools: Tools, batch: Batch, file: BinaryIO, is_invalid: Callable[[int, bytes], bool] | None
) -> Reading:
    """Read a batch's result lines once, wherever they came from."""
    return read_results(
        file,
        position_of=_positions(tools, batch),
        requests=batch.requests,
        run_of=run_of_positions(tools, batch),
        price_of=price_finder(tools),
        is_invalid=is_invalid,
        via=batch.via,
    )


def _positions(tools: Tools, batch: Batch) -> Callable[[str], int]:
    if batch.keys is None:
        return own_positions(batch.prefix)
    return key_positions(tools.vault.lines(batch.keys))


def settle_lines(
    tools: Tools,
    batch: Batch,
    file: BinaryIO,
    reading: Reading,
    sha256: str,
    also: Callable[[Transaction], None] = lambda _tx: None,
) -> Judged:
    """Store the lines, then commit all that follows from them at once.

    Args:
        sha256: Of the file that they were read from.
        also: What is committed with them.
    """
    while True:
        departures = unpack_rows(tools, batch, file, reading)
        judged = _settle_once(tools, batch, file, reading, sha256, departures, also)
        if judged is not None:
            departures.remove_old(tools)
            return judged
        departures.discard(tools)


def _settle_once(
    tools: Tools,
    batch: Batch,
    file: BinaryIO,
    reading: Reading,
    sha256: str,
    departures: Departures,
    also: Callable[[Transaction], None],
) -> Judged | None:
    """The same, unless another batch moved rows of the run meanwhile: then nothing is committed."""
    # The epoch keeps a worker that comes too late off the file that another one has settled.
    name = f"results/{batch.nonce}-{batch.epoch}.jsonl.zst"
    objects = [name, *_store_orphans(tools, batch, file, reading)]
    store_lines(tools, name, file, reading)
    now = tools.clock.now()
    rows = ledger_rows(tools, batch, batch.upstream_id or "", reading.bookings, now)
    with tools.store.write() as tx:
        # First, so that who comes too late learns that, and not of rows that are there already.
        batch_renew(tx, batch, now + tools.terms.ttl)
        if departures.is_stale(tx):
            return None
        judged = judge(tools, tx, batch, reading, now, departures.positions)
        departures.commit(tx, now)
        objects_register(tx, objects)
        settle(tools, tx, batch, rows)
        also(tx)
        batch_move(
            tx,
            batch,
            BatchState.DONE,
            {
                "results": name,
                "results_sha256": sha256,
                "outcomes": pack(judged.codes),
                "lease_until": 0.0,
            },
        )
        lane_wake(tx, batch.lane, now)
    return judged


def store_lines(tools: Tools, name: str, file: BinaryIO, reading: Reading) -> None:
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


def _read_again(tools: Tools, batch: Batch) -> None:
    """Lines are lacking: a cut download looks just like that, so it is read again first."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        batch_rest(tx, batch, now + tools.terms.download_wait, downloads=batch.downloads + 1)
    fault = Fault(kind=FaultKind.UNREACHED, what="the results lack lines; they are read again")
    tools.emit(FaultSeen(lane=batch.lane, call="results", batch=batch.id, fault=fault))


def _results_gone(tools: Tools, batch: Batch) -> None:
    """The results cannot be had any more: every request is missing, and held for a person.

    What they cost will never be known, so what was reserved for them stays so.
    """
    with tools.store.write() as tx:
        batch_renew(tx, batch, tools.clock.now() + tools.terms.ttl)
        hold_all(tx, batch)
        changes = {"outcomes": pack(bytes(batch.requests)), "lease_until": 0.0}
        batch_move(tx, batch, BatchState.DONE, changes)
    tools.emit(
        BatchCollected(
            batch=batch.id,
            run=batch.run,
            requests=batch.requests,
            outcomes={Outcome.MISSING: batch.requests},
            retries=0,
            orphans=0,
            seconds=0.0,
        )
    )


def collected(batch: Batch, reading: Reading, judged: Judged, seconds: float) -> BatchCollected:
    """The event that says so."""
    return BatchCollected(
        batch=batch.id,
        run=batch.run,
        requests=batch.requests,
        outcomes=reading.counts(),
        retries=judged.retries,
        orphans=len(reading.orphans),
        seconds=seconds,
    )
