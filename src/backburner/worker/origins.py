"""Where the requests of a batch of retries come from: its sidecar."""

from collections.abc import Callable, Iterable

import msgspec

from backburner.nouns.batch import Batch, BatchId
from backburner.nouns.outcome import ExceptionRow
from backburner.store import Transaction
from backburner.store.batches import batch_get
from backburner.store.runs import run_get
from backburner.worker.tools import Tools


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """One line of a sidecar: the request's first batch and position, and which attempt this is."""

    batch: int
    position: int
    attempt: int


def write_origins(tools: Tools, name: str, rows: Iterable[ExceptionRow]) -> None:
    """Write the sidecar of a batch of retries, one line a request."""
    with tools.vault.line_writer(name) as writer:
        for row in rows:
            origin = Origin(row.batch, row.position, row.attempts + 1)
            writer.add(msgspec.json.encode(origin))


def read_origins(tools: Tools, name: str) -> list[Origin]:
    """The sidecar of a batch of retries, by position."""
    decode = msgspec.json.Decoder(Origin).decode
    return [decode(line) for line in tools.vault.lines(name)]


def run_of_positions(tools: Tools, batch: Batch) -> Callable[[int], str]:
    """Which run the request at a position belongs to."""
    if batch.origins is None:
        run = batch.run or ""
        return lambda _position: run
    origins = read_origins(tools, batch.origins)
    with tools.store.read() as tx:
        runs = {
            one: batch_get(tx, BatchId(one)).run or "" for one in {item.batch for item in origins}
        }
    return lambda position: runs[origins[position].batch]


def packs_in(tools: Tools, tx: Transaction, batch: Batch) -> dict[int, tuple[str, int]]:
    """The packs among a batch's requests, by position: the run and the number of each."""
    if batch.origins is None:
        run = run_get(tx, batch.run) if batch.run else None
        count = 0 if run is None else min(batch.requests, run.packed - batch.first_request)
        return {one: (batch.run or "", batch.first_request + one) for one in range(count)}
    origins = read_origins(tools, batch.origins)
    first = {one: batch_get(tx, BatchId(one)) for one in {item.batch for item in origins}}
    runs = {one.run: run_get(tx, one.run) for one in first.values() if one.run}
    found: dict[int, tuple[str, int]] = {}
    for position, item in enumerate(origins):
        own = first[item.batch]
        number = own.first_request + item.position
        if own.run and number < runs[own.run].packed:
            found[position] = own.run, number
    return found
