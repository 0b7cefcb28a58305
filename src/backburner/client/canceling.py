"""Canceling a run at every stage, with honest accounting."""

from dataclasses import dataclass

from backburner.nouns.batch import BatchId, BatchState
from backburner.nouns.outcome import CODES, Outcome
from backburner.nouns.run import Run
from backburner.store.batches import (
    batch_sizes_unsent,
    batches_ask_cancel,
    batches_end_unsent,
    batches_of_run,
)
from backburner.store.exceptions import batches_shared, exceptions_end_waiting
from backburner.store.lanes import lane_wake
from backburner.store.runs import run_update
from backburner.vault.frames import pack
from backburner.worker import Tools

_UPSTREAM = (BatchState.RELEASED, BatchState.SENT)
_DOUBTED = (BatchState.ARMED, BatchState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """What canceling a run did.

    Attributes:
        unsent: Requests that ended as canceled without having been sent.
        asked: Batches that the upstream will be asked to cancel.
        doubted: Batches in doubt, which nobody may cancel before it is known whose they are.
        shared: Batches of retries that hold other runs' requests too, and go on.
    """

    unsent: int
    asked: int
    doubted: int
    shared: int


def cancel_run(tools: Tools, run: Run) -> Canceled:
    """Cancel what can be canceled. The upstream is asked at the next `drain` or `run`."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        sizes = batch_sizes_unsent(tx, run.id)
        packed = {size: pack(bytes([CODES[Outcome.CANCELED]]) * size) for size in set(sizes)}
        batches_end_unsent(tx, run.id, now, packed)
        waiting = exceptions_end_waiting(tx, run.id)
        batches = batches_of_run(tx, run.id)
        shared = batches_shared(tx, run.id)
        own = [one.id for one in batches if one.state in _UPSTREAM]
        own += [BatchId(batch) for batch, is_shared in shared.items() if not is_shared]
        # One in doubt keeps the wish until it is known to be ours.
        doubted = [one.id for one in batches if one.state in _DOUBTED]
        batches_ask_cancel(tx, [*own, *doubted], now)
        run_update(tx, run.id, cancel_asked_at=now)
        lane_wake(tx, run.lane, now)
    return Canceled(
        unsent=sum(sizes) + waiting,
        asked=len(own),
        doubted=len(doubted),
        shared=sum(shared.values()),
    )
