"""The ledger of a home beside Anthropic's own account."""

from typing import Final

from backburner.nouns.batch import BatchState
from backburner.report.bills import Bill
from backburner.report.reconciling import Reconciled, reconcile
from backburner.store.batches import batches_where
from backburner.store.lanes import lanes_all
from backburner.store.ledger import ledger_ended
from backburner.worker import Tools

_UNSETTLED: Final = (BatchState.ARMED, BatchState.UNKNOWN, BatchState.SENT, BatchState.ENDED)


def reconcile_ledger(tools: Tools, bill: Bill, since: float, until: float) -> Reconciled:
    """What every lane of the home booked for batches that ended in a time, beside a bill."""
    with tools.store.read() as tx:
        return reconcile(ledger_ended(tx, since, until), bill)


def unsettled(tools: Tools) -> int:
    """Batches that are upstream, or may be, and are booked by nobody yet."""
    with tools.store.read() as tx:
        lanes = [lane.name for lane in lanes_all(tx)]
        return len(batches_where(tx, lanes, _UNSETTLED))
