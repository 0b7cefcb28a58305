"""Counting what came of a canceled run."""

from collections.abc import Iterable

from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.money import Money
from backburner.nouns.outcome import CODES, Outcome
from backburner.nouns.run import Run
from backburner.report.cancellation import Cancellation
from backburner.runs.counting import count_run
from backburner.store import Transaction
from backburner.store.batches import batch_outcomes, batches_of_run
from backburner.store.exceptions import exceptions_given_up
from backburner.store.ledger import LedgerRow
from backburner.vault.frames import unpack


def cancellation_of(tx: Transaction, run: Run) -> Cancellation | None:
    """What came of a run's requests when it was canceled; None where it was not."""
    if run.cancel_asked_at is None:
        return None
    counted = count_run(tx, run)
    never_sent = sum(_canceled(tx, one) for one in batches_of_run(tx, run.id) if _is_unsent(one))
    canceled = counted.outcomes.get(Outcome.CANCELED, 0)
    not_tried_again = exceptions_given_up(tx, run.id)
    return Cancellation(
        never_sent=never_sent,
        not_tried_again=not_tried_again,
        stopped=canceled - never_sent - not_tried_again,
        finished=counted.ended - canceled,
        open=counted.requests - counted.ended,
    )


def canceled_in_words(tx: Transaction, run: Run, booked: Iterable[LedgerRow]) -> str:
    """The same for a terminal, with what was paid so far; empty where it was not canceled."""
    found = cancellation_of(tx, run)
    if found is None:
        return ""
    paid = [row.paid for row in booked]
    known = Money(picodollars=sum(filter(None, paid))).show()
    return found.in_words(f"{known} and an unknown amount" if None in paid else known)


def _is_unsent(batch: Batch) -> bool:
    """Whether a batch is over and never travelled."""
    return batch.state is BatchState.DONE and batch.sent_at is None and not batch.is_reused


def _canceled(tx: Transaction, batch: Batch) -> int:
    return unpack(batch_outcomes(tx, batch.id) or b"").count(CODES[Outcome.CANCELED])
