"""Where the requests of a batch of retries come from: its sidecar."""

from collections.abc import Callable, Iterable

import msgspec

from backburner.nouns.batch import Batch, BatchId
from backburner.nouns.outcome import ExceptionRow
from backburner.store.batches import batch_get
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
