"""Verifying: counts, outcomes and cents, made anew from stored bytes and held against the store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from backburner.client.verifying_batches import BatchVerifier, Seen
from backburner.client.verifying_runs import RunVerifier
from backburner.errors import StoreError
from backburner.nouns.batch import Batch, BatchId
from backburner.report.verification import Verification
from backburner.store import Transaction
from backburner.store.batches import batch_get, batches_of_retries
from backburner.store.invariants import KNOWN_WORDS, breaches, file_faults
from backburner.store.objects import objects_live
from backburner.store.runs import run_get, runs_all
from backburner.worker import Tools
from backburner.worker.origins import Origin, read_origins

_ORPHANS: Final = "orphans/"


def verify(tools: Tools, lane: str, run_id: str | None) -> Verification:
    """Hold one run, or all of a lane, against its stored bytes. Changes nothing.

    Raises:
        NotFound: There is no such run.
    """
    found = Verification()
    with tools.store.read() as tx:
        if not _can_be_read(tx, found):
            return found
        runs = [run_get(tx, run_id)] if run_id else [r for r in runs_all(tx) if r.lane == lane]
        verifier = BatchVerifier(tools, tx, found)
        retries = _verify_retries(
            tools, tx, verifier, found, runs[0].lane if runs else lane, run_id
        )
        for run in runs:
            RunVerifier(tools, tx, verifier, found, retries).verify(run)
        _check_files(tools, tx, found)
    return found


def _can_be_read(tx: Transaction, found: Verification) -> bool:
    """Whether what the database holds can be read at all; what is wrong with it is noted."""
    faults = file_faults(tx)
    found.differ("the database file", faults)
    if faults:
        return False
    broken = breaches(tx)
    found.differ("the store", map(str, broken))
    return all(breach.rule is not KNOWN_WORDS for breach in broken)


def _verify_retries(
    tools: Tools,
    tx: Transaction,
    verifier: BatchVerifier,
    found: Verification,
    lane: str,
    run_id: str | None,
) -> dict[int, Seen]:
    """Verify the batches of retries that carried requests of these runs; gives what they say."""
    seen: dict[int, Seen] = {}
    runs: dict[int, str] = {}
    for batch in batches_of_retries(tx, lane):
        if batch.pruned_at is not None:
            continue
        origins = list(_origins(tools, batch, found))
        for first in {origin.batch for origin in origins} - runs.keys():
            runs[first] = batch_get(tx, BatchId(first)).run or ""
        if origins and (run_id is None or any(runs[one.batch] == run_id for one in origins)):
            said = verifier.verify(batch, _run_finder(origins, runs), only=run_id)
            seen[batch.id] = replace(said, origins=origins)
    return seen


def _origins(tools: Tools, batch: Batch, found: Verification) -> Sequence[Origin]:
    """Where a batch's requests come from; nothing where its sidecar does not tell."""
    where = f"batch {batch.id}"
    try:
        origins = read_origins(tools, batch.origins or "")
    except StoreError as error:
        found.differ(where, [f"its sidecar cannot be read: {error}"])
        return ()
    if len(origins) != batch.requests:
        words = f"its sidecar has {len(origins):,} lines for {batch.requests:,} requests"
        found.differ(where, [words])
        return ()
    return origins


def _run_finder(origins: Sequence[Origin], runs: Mapping[int, str]) -> Callable[[int], str]:
    return lambda position: runs[origins[position].batch]


def _check_files(tools: Tools, tx: Transaction, found: Verification) -> None:
    """Make sure that each file is there that the store counts on, and say which others are."""
    live = set(objects_live(tx))
    found.objects = len(live)
    there = {name for name, _ in tools.vault.names()}
    found.differ("the vault", (f"{name} is not there" for name in sorted(live - there)))
    uncounted = len(there - live)
    if uncounted:
        files = "1 file" if uncounted == 1 else f"{uncounted:,} files"
        found.note(f"{files} in the vault that the store does not count on, as a crash leaves them")
    for name in sorted(live & there):
        if name.startswith(_ORPHANS):
            found.differ("the vault", _orphan_differences(tools, name, found))


def _orphan_differences(tools: Tools, name: str, found: Verification) -> Iterator[str]:
    try:
        count = sum(1 for _ in tools.vault.lines(name))
    except StoreError as error:
        yield f"{name} cannot be read: {error}"
        return
    lines = "1 result line" if count == 1 else f"{count:,} result lines"
    found.note(f"{name} keeps {lines} that belong to no request of ours")
