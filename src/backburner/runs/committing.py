"""Committing a staged run: from here on it counts."""

from dataclasses import dataclass
from typing import Any

from backburner.errors import InputError
from backburner.nouns.batch import BatchState, Via
from backburner.nouns.outcome import CODES, Outcome
from backburner.nouns.urgency import via_of
from backburner.runs.segments import StagedBatch
from backburner.runs.staging import Staged
from backburner.store import Transaction
from backburner.store.batches import batch_insert
from backburner.store.budgets import budget_put
from backburner.store.lanes import lane_wake
from backburner.store.objects import objects_register
from backburner.store.runs import run_insert
from backburner.vault.frames import pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A batch upstream that somebody else made, and whose requests are known.

    Attributes:
        keys: The object that holds its custom_ids, a line each, in the order of the run.
        workspace: Where it was found; None where no answer told it.
    """

    upstream_id: str
    workspace: str | None
    keys: str
    sent_at: float
    expires_at: float | None


def commit_in(tx: Transaction, staged: Staged, now: float) -> None:
    """Make a staged run count, inside the transaction that pins its lane."""
    objects_register(tx, staged.objects)
    run_insert(tx, staged.run)
    if staged.budget is not None:
        budget_put(tx, f"run:{staged.run.id}", staged.budget, now)
    for batch in staged.batches:
        batch_insert(tx, _values(staged, batch, now))
    for batch in staged.reused:
        batch_insert(tx, _answered_values(staged, batch, now))
    lane_wake(tx, staged.run.lane, now)


def commit_adopted_in(tx: Transaction, staged: Staged, taken: Taken, now: float) -> None:
    """Make a staged run count whose only batch is upstream already.

    Raises:
        InputError: It is too large for one batch, so it cannot be what the batch was made of.
    """
    if len(staged.batches) != 1:
        raise InputError(
            f"{staged.run.name} holds {staged.run.requests:,} requests, more than one batch can",
            hint="name the list that this batch was made of",
        )
    (batch,) = staged.batches
    values = {
        **_values(staged, batch, now),
        "state": BatchState.SENT,
        "upstream_id": taken.upstream_id,
        "keys": taken.keys,
        "sent_at": taken.sent_at,
        "expires_at": taken.expires_at,
    }
    objects_register(tx, [*staged.objects, taken.keys])
    run_insert(tx, staged.run)
    batch_insert(tx, values)
    lane_wake(tx, staged.run.lane, now)


def _values(staged: Staged, batch: StagedBatch, now: float) -> dict[str, Any]:
    return {
        "lane": staged.run.lane,
        "run": staged.run.id,
        "first_request": batch.first_request,
        "nonce": batch.nonce,
        "betas": staged.betas,
        "requests": batch.requests,
        "body_bytes": batch.body_bytes,
        "segment": batch.segment,
        "state": BatchState.HELD if batch.hold else BatchState.SEALED,
        "hold": batch.hold,
        "due_at": now,
        # Tickets have waited since before: a window that was missed meanwhile is made up for.
        "created_at": staged.run.created_at if staged.run.is_inbox else now,
        "via": via_of(staged.run.urgency),
        "urgency": staged.run.urgency,
        "deadline": staged.run.deadline,
        "model": _only_model(staged),
    }


def _only_model(staged: Staged) -> str:
    """The model of all a run's requests; empty where they have several."""
    models = {work.model for work in staged.workloads}
    return models.pop() if len(models) == 1 else ""


def _answered_values(staged: Staged, batch: StagedBatch, now: float) -> dict[str, Any]:
    """A batch that is over when it begins."""
    return {
        **_values(staged, batch, now),
        "via": Via.BATCH,
        "state": BatchState.DONE,
        "results": batch.results,
        "outcomes": pack(bytes([CODES[Outcome.OK]]) * batch.requests),
        "ended_at": now,
    }
