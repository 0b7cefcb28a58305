"""Canceling a run at every stage, with honest accounting."""

from collections.abc import Iterable
from dataclasses import dataclass

from backburner.nouns.batch import Batch, BatchId, BatchState, Via
from backburner.nouns.outcome import CODES, Outcome
from backburner.nouns.run import Run
from backburner.store import Transaction
from backburner.store.batches import (
    batch_get,
    batches_of_run,
    batches_unsent_among,
    batches_unsent_of_run,
)
from backburner.store.exceptions import (
    batches_shared,
    exceptions_end_unsent,
    exceptions_end_waiting,
)
from backburner.store.lanes import lane_wake
from backburner.store.runs import run_update
from backburner.store.waiting_batches import batches_ask_cancel, batches_end_unsent
from backburner.vault.frames import pack
from backburner.worker import Tools

_DOUBTED = (BatchState.ARMED, BatchState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """What canceling a run did.

    Attributes:
        unsent: Requests that ended as canceled without having been sent, or sent again.
        asked: Batches that the upstream will be asked to cancel.
        doubted: Batches in doubt, which nobody may cancel before it is known whose they are.
        shared: Batches of retries that hold other runs' requests too, and go on.
        direct: Batches of sync calls of which no further call is made.
        ended: Batches that the upstream has finished: they are collected, paid and kept.
    """

    unsent: int
    asked: int
    doubted: int
    shared: int
    direct: int = 0
    ended: int = 0


def cancel_run(tools: Tools, run: Run) -> Canceled:
    """Cancel what can be canceled. The upstream is asked at the next `drain` or `run`."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        # First of all, since who was canceled has no say in whether a shared batch goes on.
        run_update(tx, run.id, cancel_asked_at=now)
        shared = batches_shared(tx, run.id)
        alone = [one for one, is_shared in shared.items() if not is_shared]
        unsent = sum(batches_unsent_of_run(tx, run.id).values())
        unsent += exceptions_end_waiting(tx, run.id)
        unsent += _end_unsent(tx, [*batches_unsent_of_run(tx, run.id)], now)
        unsent += _end_unsent(tx, alone, now)
        batches = [*batches_of_run(tx, run.id), *(batch_get(tx, BatchId(one)) for one in alone)]
        away = [one for one in batches if one.state is BatchState.SENT]
        # One in doubt keeps the wish until it is known to be ours.
        doubted = [one for one in batches if one.state in _DOUBTED]
        batches_ask_cancel(tx, [one.id for one in (*away, *doubted)], now)
        lane_wake(tx, run.lane, now)
    direct = _direct(away)
    return Canceled(
        unsent=unsent,
        asked=len(away) - direct,
        doubted=len(doubted),
        shared=sum(shared.values()),
        direct=direct,
        ended=sum(one.state is BatchState.ENDED for one in batches),
    )


def _end_unsent(tx: Transaction, ids: Iterable[int], now: float) -> int:
    """Close those of some batches that never travelled; gives how many retries end so."""
    sizes = batches_unsent_among(tx, ids)
    packed = {size: pack(bytes([CODES[Outcome.CANCELED]]) * size) for size in sizes.values()}
    batches_end_unsent(tx, sizes, now, packed)
    return sum(exceptions_end_unsent(tx, one) for one in sizes)


def _direct(batches: Iterable[Batch]) -> int:
    return sum(one.via is Via.DIRECT for one in batches)
