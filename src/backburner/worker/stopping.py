"""Stopping a lane: what only a person can clear."""

from typing import Final

from backburner.errors import LaneStopped
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.stopping import Stop, stop_for_fault
from backburner.store import Transaction
from backburner.store.lanes import lane_stop
from backburner.store.waiting_batches import batches_call_back
from backburner.worker.tools import Tools

NEEDS_A_PERSON: Final = frozenset({FaultKind.STOP, FaultKind.REFUSED, FaultKind.ABSENT})
"""Faults of a create that would come again in the same way."""


def stop_lane(tools: Tools, lane: str, fault: Fault) -> LaneStopped:
    """Stop a lane for a refused call, and give the error that says so."""
    now = tools.clock.now()
    stop = stop_for_fault(fault, now)
    with tools.store.write() as tx:
        halt(tx, lane, stop, now)
    return stopped_error(lane, stop.cause, stop.remedy)


def halt(tx: Transaction, lane: str, stop: Stop, now: float) -> None:
    """Stop a lane: what was released waits again, and what is being uploaded is not armed."""
    lane_stop(tx, lane, stop.in_words(now))
    batches_call_back(tx, lane)


def stopped_error(lane: str, cause: str, remedy: str = "clear the cause") -> LaneStopped:
    """The error that says why nothing is sent in a lane, and what to do."""
    return LaneStopped(
        cause,
        hint=f"{remedy}, then `backburner resume {lane}`; what is queued waits, nothing is lost",
    )
