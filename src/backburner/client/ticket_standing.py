"""How a ticket stands: in the inbox, on its way, or ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backburner.client.finishing import check_kept
from backburner.nouns.batch import FOR_BUDGET, Batch, BatchId, BatchState
from backburner.nouns.outcome import ExceptionState, Outcome
from backburner.nouns.run import Run
from backburner.nouns.ticket import TicketRow
from backburner.plan.stopping import held_in_words, is_for_account
from backburner.runs.answers import FinalLine, final_line
from backburner.store import Transaction
from backburner.store.attempts import attempts_of
from backburner.store.batches import batch_get
from backburner.store.exceptions import exception_of
from backburner.store.inbox import inbox_due_at
from backburner.store.runs import run_get
from backburner.store.tickets import ticket_get
from backburner.worker import Tools

_MOVING: Final[Mapping[BatchState, str]] = {
    BatchState.SEALED: "waiting to be sent",
    BatchState.HELD: "held",
    BatchState.RELEASED: "sending",
    BatchState.ARMED: "sending",
    BatchState.UNKNOWN: "in doubt",
    BatchState.SENT: "with Anthropic",
    BatchState.ENDED: "collecting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStanding:
    """A ticket and how it stands.

    Attributes:
        words: Its state, for a person.
        outcome: None while it is not final.
        final: Its newest result line; None while it is in the inbox, or was canceled there.
        run: The run that it was sealed into; None before.
        seals_at: When it leaves the inbox; None where it has.
    """

    ticket: TicketRow
    words: str
    outcome: Outcome | None = None
    final: FinalLine | None = None
    run: Run | None = None
    seals_at: float | None = None


def ticket_standing(tools: Tools, ticket_id: str) -> TicketStanding:
    """One ticket and how it stands.

    Raises:
        NotFound: There is none of that name.
        Pruned: Its answer was removed.
    """
    with tools.store.read() as tx:
        ticket = ticket_get(tx, ticket_id)
        if ticket.batch is not None and ticket.position is not None:
            batch = batch_get(tx, BatchId(ticket.batch))
            return _sealed(tools, tx, ticket, batch, ticket.position)
        seals_at = inbox_due_at(tx, ticket_id)
    if seals_at is None:
        return TicketStanding(ticket=ticket, words="canceled", outcome=Outcome.CANCELED)
    return TicketStanding(ticket=ticket, words="in the inbox", seals_at=seals_at)


def _sealed(
    tools: Tools, tx: Transaction, ticket: TicketRow, batch: Batch, position: int
) -> TicketStanding:
    run = run_get(tx, batch.run or "")
    check_kept(run)
    final = final_line(tx, tools.vault, batch, position)
    words, is_over = _in_words(tx, batch, position, final.outcome)
    return TicketStanding(
        ticket=ticket,
        words=words,
        outcome=final.outcome if is_over else None,
        final=final,
        run=run,
    )


def _in_words(
    tx: Transaction, batch: Batch, position: int, outcome: Outcome | None
) -> tuple[str, bool]:
    """A sealed ticket's state in words, and whether it ended."""
    if batch.state is not BatchState.DONE and outcome is None:
        return _waiting(batch), False
    row = exception_of(tx, batch.id, position)
    if row is not None and row.state is ExceptionState.HELD:
        known = attempts_of(tx, batch.id, position)
        newest = known[-1] if known else None
        return held_in_words(newest), newest is None or not is_for_account(newest)
    if outcome is not None:
        return str(outcome), True
    return "retrying", False


def _waiting(batch: Batch) -> str:
    if batch.state is BatchState.HELD and batch.hold in FOR_BUDGET:
        return "waiting for a budget"
    return _MOVING[batch.state]


def name_of(standing: TicketStanding) -> str | None:
    """The request_id of a sealed ticket, as `status` takes it."""
    return None if standing.final is None else standing.final.request_id
