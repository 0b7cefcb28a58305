"""How the life of a new batch is changed by faults."""

from collections.abc import Iterable

from backburner.emulator.batchbook import EXPIRY_SECONDS, Batch
from backburner.emulator.credit import Credit
from backburner.emulator.faults import BatchFault, CreditOut, Lag, Linger, Stall
from backburner.emulator.spans import drawn


def shape(
    batch: Batch, faults: Iterable[BatchFault], lag: Lag, seed: object, credit: Credit
) -> None:
    """Gives a new batch its lags, and what else goes wrong with it.

    Args:
        batch: The batch, before it is entered in the book.
        faults: What goes wrong with this one.
        lag: How long every batch stays out of sight, if nothing else is said of this one.
        seed: Where lags between two bounds are drawn from.
        credit: The organisation's credit.
    """
    for fault in faults:
        match fault:
            case Lag():
                lag = fault
            case Stall():
                batch.most = int(batch.count * fault.done)
                batch.ends_at = batch.created_at + EXPIRY_SECONDS
            case CreditOut():
                credit.exhaust(batch.moment(fault.after), fault.code)
            case Linger():
                pass
    place = (seed, "lag", batch.id)
    batch.list_lag = drawn(lag.in_list, *place, "in_list")
    batch.id_lag = drawn(lag.by_id, *place, "by_id")
    batch.results_lag = drawn(lag.results, *place, "results")
