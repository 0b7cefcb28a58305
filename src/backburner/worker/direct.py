"""Carrying a direct batch out: each request a call of its own, some of them at once.

A position is armed by a commit before its call, and a call is made once: whoever takes over after a
death finds positions that were armed and have no answer, and leaves them as they are.
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from backburner.errors import LanePinned
from backburner.nouns.batch import Batch, BatchState, custom_id
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.polling import fault_wait
from backburner.plan.stopping import Stop, stop_for_fault
from backburner.store.claimed_batches import batch_move, batch_renew, batch_rest
from backburner.store.outbox import outbox_answer, outbox_arm, outbox_positions, outbox_unarm
from backburner.store.waiting_batches import batches_put_off
from backburner.telemetry import BatchEnded, FaultSeen
from backburner.upstream import Spoken, Upstream
from backburner.vault.frames import LineFinder
from backburner.worker.leasing import renewed
from backburner.worker.result_lines import TOO_LARGE, errored, succeeded
from backburner.worker.stopping import halt, stopped_error
from backburner.worker.tools import Tools
from backburner.worker.workspaces import check_workspace

_STEP: Final = 10.0
"""Seconds after which a step makes no more calls, so that others have their turn."""

_PASSING: Final = (FaultKind.THROTTLED, FaultKind.UNREACHED)
"""Refusals that time clears."""

_LOOK: Final = 15.0
"""Seconds between two looks at the lease while calls are under way."""


def ask_directly(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Ask for what has not been asked of a direct batch, until it is over or has to rest.

    Raises:
        LaneStopped: The upstream refused in a way that only a person can clear.
        LanePinned: The answers come from another workspace than the lane's.
    """
    held = _begun(tools, batch)
    step = _Step(tools, held, upstream)
    with tools.vault.finder(held.segment) as lines:
        step.run(lines)
    step.end()


def _begun(tools: Tools, batch: Batch) -> Batch:
    if batch.state is BatchState.SENT:
        return batch
    now = tools.clock.now()
    with tools.store.write() as tx:
        armed = batch_move(tx, batch, BatchState.ARMED, {"armed_at": now})
        return batch_move(tx, armed, BatchState.SENT, {"sent_at": now, "faults": 0})


class _Step:
    """One step of a direct batch: who is being asked, and what was learnt."""

    def __init__(self, tools: Tools, batch: Batch, upstream: Upstream) -> None:
        self._tools = tools
        self._batch = batch
        self._upstream = upstream
        self._until = tools.clock.monotonic() + _STEP
        self._flying: dict[Future[Spoken | Fault], int] = {}
        self._answers: dict[int, bytes] = {}
        self._refused: list[int] = []
        self._answered = 0
        self._pause: float | None = None
        self._workspaces: set[str | None] = {None}
        self._stop: Stop | None = None
        self._is_whole = False

    def run(self, lines: LineFinder) -> None:
        """Make the calls; afterwards none is under way, and all that came of them is committed."""
        waiting = self._waiting()
        most = self._tools.terms.concurrency
        with ThreadPoolExecutor(max_workers=most) as pool:
            try:
                while True:
                    free = 0 if self._is_over() else most - len(self._flying)
                    # Read before they are armed: what cannot be read was never asked.
                    group = {one: lines.line(one) for one in islice(waiting, free)}
                    for position, body in self._commit(group).items():
                        self._flying[pool.submit(self._ask, body)] = position
                    if not self._flying:
                        nothing_left = not self._is_halted() and next(waiting, None) is None
                        self._is_whole = nothing_left or self._is_canceled()
                        return
                    self._take_some()
            except BaseException:
                self._keep()
                raise

    def _waiting(self) -> Iterator[int]:
        """The positions that were never asked."""
        asked = bytearray(self._batch.requests)
        with self._tools.store.read() as tx:
            for position in outbox_positions(tx, self._batch.id):
                asked[position] = 1
        return (position for position, one in enumerate(asked) if not one)

    def _is_over(self) -> bool:
        is_late = self._tools.clock.monotonic() >= self._until
        return is_late or self._is_halted() or self._is_canceled()

    def _is_halted(self) -> bool:
        return self._pause is not None or self._stop is not None

    def _is_canceled(self) -> bool:
        """Whether a person wants no more calls, as of the newest commit."""
        return self._batch.cancel_asked_at is not None

    def _ask(self, body: bytes) -> Spoken | Fault:
        return self._upstream.message(body, self._batch.betas)

    def _commit(self, group: dict[int, bytes]) -> dict[int, bytes]:
        """Keep what came, and arm the next, in one commit under our epoch; gives those to ask.

        That commit is where it shows that the batch was canceled: then it arms none.

        Raises:
            LeaseLost: Another worker has the batch.
            Abandoned: The process is to end: what is under way is waited for, and no more asked.
        """
        if not (group or self._answers or self._refused):
            self._batch = renewed(self._tools, self._batch)
            return {}
        if group:
            self._tools.moving()
        now = self._tools.clock.now()
        with self._tools.store.write() as tx:
            self._batch = batch_renew(tx, self._batch, now + self._tools.terms.ttl)
            outbox_answer(tx, self._batch.id, self._answers)
            outbox_unarm(tx, self._batch.id, self._refused, epoch=self._batch.epoch)
            armed = {} if self._is_canceled() else group
            outbox_arm(tx, self._batch.id, armed, now)
        self._answers, self._refused = {}, []
        return armed

    def _take_some(self) -> None:
        done, _ = wait(self._flying, timeout=_LOOK, return_when=FIRST_COMPLETED)
        for future in done:
            self._take(self._flying.pop(future), future.result())

    def _take(self, position: int, came: Spoken | Fault) -> None:
        name = custom_id(self._batch.prefix, position)
        match came:
            case Spoken(message=message, workspace=workspace):
                self._answers[position] = succeeded(name, message)
                self._answered += 1
                self._check(workspace)
            case Fault() if _is_answer(came):
                self._answers[position] = errored(name, came)
                self._answered += 1
            case Fault():
                self._fail(position, came)

    def _check(self, workspace: str | None) -> None:
        """Make sure, once for each that answers, that it is the lane's workspace that pays."""
        if workspace in self._workspaces:
            return
        self._workspaces.add(workspace)
        try:
            check_workspace(self._tools, self._batch.lane, workspace)
        except LanePinned as error:
            self._stop = Stop(str(error), error.hint)

    def _fail(self, position: int, fault: Fault) -> None:
        """A call that brought no answer: refused for certain, or in doubt for good."""
        batch = self._batch
        self._tools.emit(FaultSeen(lane=batch.lane, call="messages", batch=batch.id, fault=fault))
        if fault.kind is FaultKind.DOUBT:
            return
        self._refused.append(position)
        if fault.kind in _PASSING:
            self._pause = max(self._pause or 0.0, fault.retry_after or 0.0)
        else:
            self._stop = stop_for_fault(fault, self._tools.clock.now(), self._batch.run)

    def _keep(self) -> None:
        """Wait for what is under way and keep what came of it, whatever went wrong.

        Answers are paid; what was refused for certain may be asked again.
        """
        for future, position in self._flying.items():
            with suppress(Exception):
                self._take(position, future.result())
        with self._tools.store.write() as tx:
            outbox_answer(tx, self._batch.id, self._answers)
            outbox_unarm(tx, self._batch.id, self._refused, epoch=self._batch.epoch)

    def end(self) -> None:
        """Say when the batch is due again: at once, after a pause, or to be collected.

        Raises:
            LaneStopped: Only a person can clear what the upstream refused for.
        """
        tools, batch, now = self._tools, self._batch, self._tools.clock.now()
        faults = 0 if self._answered else batch.faults
        with tools.store.write() as tx:
            if self._is_whole:
                batch_move(tx, batch, BatchState.ENDED, _ended(now))
            elif self._pause is not None:
                due_at = now + fault_wait(faults, self._pause)
                batch_rest(tx, batch, due_at, faults=faults + 1)
                batches_put_off(tx, batch.lane, due_at, now)
            else:
                batch_rest(tx, batch, now, faults=faults)
            if self._stop is not None:
                halt(tx, batch.lane, self._stop, now)
        if self._is_whole:
            tools.emit(BatchEnded(batch=batch.id, run=batch.run, upstream_id=""))
        if self._stop is not None:
            raise stopped_error(batch.lane, self._stop.cause, self._stop.remedy)


def _ended(now: float) -> dict[str, Any]:
    return {"ended_at": now, "due_at": now, "lease_until": 0.0, "faults": 0}


def _is_answer(fault: Fault) -> bool:
    """Whether it is the request that the API refused, or failed on, as a line of a batch tells."""
    refused = fault.kind in (FaultKind.REFUSED, FaultKind.ABSENT)
    return refused and (bool(fault.error_type) or fault.status == TOO_LARGE)
