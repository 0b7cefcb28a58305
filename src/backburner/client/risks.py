"""Promises that will probably be broken."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from backburner.client.expecting import expect
from backburner.nouns.batch import Batch, BatchState, Via
from backburner.nouns.run import Run
from backburner.nouns.trip import Trip
from backburner.store import Transaction
from backburner.store.promises import carriers_of, promises_open
from backburner.store.turnarounds import trips_of

_UNSENT: Final = (BatchState.SEALED, BatchState.HELD)


def runs_at_risk(tx: Transaction, now: float) -> Iterator[tuple[Run, float]]:
    """Each unfinished run whose deadline is over, or will be before it is back; and when it is.

    It will, where the answers are more likely late than in time: a batch that leaves at the latest
    safe moment is soon in less than 95 of 100 cases in time, and mostly is.
    """
    trips: dict[str, Sequence[Trip]] = {}
    for run in promises_open(tx):
        if run.lane not in trips:
            trips[run.lane] = trips_of(tx, run.lane, now)
        late_at = _late_at(run.deadline or now, _carriers(tx, run), trips[run.lane], now)
        if late_at is not None:
            yield run, late_at


def _carriers(tx: Transaction, run: Run) -> list[Batch]:
    return [batch for batch, _ in carriers_of(tx, run.id)]


def _late_at(
    deadline: float, batches: Iterable[Batch], trips: Sequence[Trip], now: float
) -> float | None:
    eta = expect([_if_it_left(one) for one in batches], trips, now)
    if eta is not None and eta.median > deadline:
        return eta.median
    return now if now > deadline else None


def _if_it_left(batch: Batch) -> Batch:
    """A batch that waits, as if it left now: the best that can come of it."""
    is_unsent = batch.state in _UNSENT and batch.via is Via.BATCH
    return replace(batch, state=BatchState.RELEASED) if is_unsent else batch
