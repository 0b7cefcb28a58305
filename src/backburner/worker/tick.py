"""One tick: claim what is due, decide, act. Any process may call it, any number of times."""

from contextlib import suppress
from dataclasses import dataclass
from math import inf

from backburner.errors import LeaseLost
from backburner.nouns.batch import Batch, BatchState
from backburner.nouns.outcome import CODES, Outcome
from backburner.plan.actions import (
    Ask,
    AskDirectly,
    CloseUnsent,
    Collect,
    CollectDirect,
    NoteDoubt,
    Resolve,
    Send,
    StayInDoubt,
)
from backburner.plan.batches import next_action
from backburner.plan.expiring import first_before
from backburner.plan.lanes import Allowance
from backburner.store.claimed_batches import batch_claim, batch_give_back, batch_move, batch_rest
from backburner.store.exceptions import exceptions_end_unsent
from backburner.store.lanes import LaneRow, lane_claim, lane_give_back, lanes_due_since
from backburner.store.leases import leases_any, leases_free_dead, leases_next_due
from backburner.telemetry import BatchDoubted
from backburner.vault.frames import pack
from backburner.worker.asking import ask
from backburner.worker.collecting import collect
from backburner.worker.direct import ask_directly
from backburner.worker.direct_collecting import collect_direct
from backburner.worker.lane import step_lane
from backburner.worker.leasing import Abandoned
from backburner.worker.resolving import resolve_doubt
from backburner.worker.sending import send
from backburner.worker.tools import Tools


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step was done."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing is due.

    Attributes:
        until: When something will be; None for never.
        is_shared: Whether others are at work, who may be done at any moment.
    """

    until: float | None
    is_shared: bool = False


class Worker:
    """Does what is due in some lanes, one step a call.

    Args:
        rest: Seconds that a lane or batch is left alone whose step failed in a way that it should
            not, so that it keeps nobody from the others.
    """

    def __init__(self, tools: Tools, lanes: tuple[str, ...], rest: float = 0.0) -> None:
        self._tools = tools
        self._lanes = lanes
        self._rest = rest

    def free_the_dead(self) -> int:
        """Take back the leases of processes that are gone; worth doing before the first tick."""
        with self._tools.store.write() as tx:
            return leases_free_dead(tx, self._tools.clock.now(), self._tools.is_alive)

    def tick(self, allowance: Allowance) -> Stepped | Idle:
        """Do the one step that has been due longest; of two as old, the lane's."""
        self._tools.clock.anchor()
        claimed = self._claim()
        # A lost lease is another worker's gain: the step had no effect, and life goes on.
        # A step that was left, since the process is to end, had none either.
        with suppress(LeaseLost, Abandoned):
            match claimed:
                case LaneRow():
                    self._step_lane(claimed, allowance)
                case Batch():
                    self._step_batch(claimed)
                case Idle():
                    return claimed
        return Stepped()

    def _claim(self) -> LaneRow | Batch | Idle:
        tools, lanes = self._tools, self._lanes
        owner, now, ttl = tools.owner, tools.clock.now(), tools.terms.ttl
        with tools.store.write() as tx:
            since = lanes_due_since(tx, lanes, now)
            batch = batch_claim(
                tx,
                lanes,
                owner=owner,
                now=now,
                ttl=ttl,
                due_before=inf if since is None else since,
                first_before=first_before(now),
            )
            if batch is not None:
                return batch
            is_due = since is not None
            lane = lane_claim(tx, lanes, owner=owner, now=now, ttl=ttl) if is_due else None
            return lane or Idle(leases_next_due(tx, lanes), leases_any(tx, lanes, now))

    def _step_lane(self, lane: LaneRow, allowance: Allowance) -> None:
        tools = self._tools
        try:
            step_lane(tools, lane, allowance)
        except Exception as error:
            with tools.store.write() as tx:
                lane_give_back(tx, lane, self._due_again(error))
            raise

    def _step_batch(self, batch: Batch) -> None:
        try:
            self._act(batch)
        except Exception as error:
            with self._tools.store.write() as tx:
                batch_give_back(tx, batch, self._due_again(error))
            raise

    def _due_again(self, error: Exception) -> float:
        is_failure = not isinstance(error, LeaseLost | Abandoned)
        return self._tools.clock.now() + (self._rest if is_failure else 0.0)

    def _act(self, batch: Batch) -> None:
        tools = self._tools
        now = tools.clock.now()
        match next_action(batch, now=now, terms=tools.terms.doubts):
            case Send():
                send(tools, batch, tools.connect(batch.lane))
            case AskDirectly():
                ask_directly(tools, batch, tools.connect(batch.lane))
            case Ask():
                ask(tools, batch, tools.connect(batch.lane))
            case Collect():
                collect(tools, batch, tools.connect(batch.lane))
            case CollectDirect():
                collect_direct(tools, batch)
            case NoteDoubt(rest_until):
                _note_doubt(tools, batch, rest_until)
            case Resolve():
                resolve_doubt(tools, batch, tools.connect(batch.lane))
            case StayInDoubt(rest_until):
                with tools.store.write() as tx:
                    batch_rest(tx, batch, rest_until)
            case CloseUnsent():
                _close_unsent(tools, batch, now)


def _note_doubt(tools: Tools, batch: Batch, rest_until: float) -> None:
    with tools.store.write() as tx:
        changes = {"due_at": rest_until, "lease_until": 0.0}
        batch_move(tx, batch, BatchState.UNKNOWN, changes)
    tools.emit(
        BatchDoubted(batch=batch.id, run=batch.run, nonce=batch.nonce, requests=batch.requests)
    )


def _close_unsent(tools: Tools, batch: Batch, now: float) -> None:
    outcomes = pack(bytes([CODES[Outcome.CANCELED]]) * batch.requests)
    with tools.store.write() as tx:
        changes = {"outcomes": outcomes, "ended_at": now, "lease_until": 0.0}
        batch_move(tx, batch, BatchState.DONE, changes)
        exceptions_end_unsent(tx, batch.id)
