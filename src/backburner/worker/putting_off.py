"""Putting a batch's step off after a call that failed."""

from backburner.nouns.batch import Batch
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.polling import fault_wait, jitter
from backburner.store.claimed_batches import batch_rest
from backburner.telemetry import FaultSeen
from backburner.worker.stopping import stop_lane
from backburner.worker.tools import Tools


def put_off(tools: Tools, batch: Batch, fault: Fault, call: str) -> None:
    """Leave the batch as it is and try again later: a failed look changes nothing.

    Raises:
        LaneStopped: Only a person can clear the cause.
    """
    wait = fault_wait(batch.faults, fault.retry_after, jitter(batch.nonce))
    with tools.store.write() as tx:
        batch_rest(tx, batch, tools.clock.now() + wait, faults=batch.faults + 1)
    tools.emit(FaultSeen(lane=batch.lane, call=call, batch=batch.id, fault=fault))
    if fault.kind is FaultKind.STOP:
        raise stop_lane(tools, batch.lane, fault)
