"""Opening a stopped lane, and letting go what waits for a canary or for leaders."""

from dataclasses import dataclass

from backburner.nouns.batch import BatchState, Hold
from backburner.nouns.run import Run
from backburner.store.batches import batches_where
from backburner.store.budgets import worst_cases_forget
from backburner.store.exceptions import exceptions_resume
from backburner.store.lanes import STOPPED, lane_get, lane_look, lane_open, lane_wake
from backburner.store.waiting_batches import batches_due_now, batches_release_held
from backburner.worker import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What opening a lane found.

    Attributes:
        reason: Why it was stopped; None where it was open.
        batches: Batches that wait to be sent.
        requests: Requests in them.
        again: Requests that failed for the account, and are sent again.
    """

    lane: str
    reason: str | None
    batches: int
    requests: int
    again: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a person let go of a run: batches that waited for its canary or for its leaders."""

    batches: int
    requests: int


def resume_lane(tools: Tools, name: str) -> Resumed:
    """Open a lane. Nothing is sent by it: the next `drain` or `run` does that."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        row = lane_get(tx, name)
        lane_open(tx, name)
        again = exceptions_resume(tx, name, now)
        batches_due_now(tx, name, now)
        for held in batches_where(tx, [name], [BatchState.HELD]):
            if held.hold == Hold.UNBOUNDED:
                # Its model may have a price by now.
                worst_cases_forget(tx, held.id)
        lane_look(tx, name, now)
        waiting = batches_where(tx, [name], [BatchState.SEALED])
    return Resumed(
        lane=name,
        reason=row.reason if row is not None and row.state == STOPPED else None,
        batches=len(waiting),
        requests=sum(one.requests for one in waiting),
        again=again,
    )


def release_run(tools: Tools, run: Run) -> Released:
    """Let a run's rest go that waits for its canary or for its leaders."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        released = [
            one
            for hold in (Hold.CANARY, Hold.LEADERS)
            for one in batches_release_held(tx, run.id, hold, now)
        ]
        lane_wake(tx, run.lane, now)
    return Released(batches=len(released), requests=sum(one.requests for one in released))
