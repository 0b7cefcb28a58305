"""Sending a batch: intent, fence, all but the last two bytes, commit, tail."""

from collections.abc import Iterator
from typing import Any

from backburner.errors import LeaseLost
from backburner.nouns.batch import HEAD, TAIL, Batch, BatchState, Fence
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.polling import fault_wait
from backburner.plan.stopping import stop_for_fault
from backburner.store.armings import arming_last
from backburner.store.claimed_batches import batch_arm, batch_move
from backburner.store.lanes import lane_wake
from backburner.telemetry import BatchDoubted, BatchSent, FaultSeen
from backburner.upstream import Answer, Body, Page, RemoteBatch, Upstream
from backburner.vault.mark import raise_mark
from backburner.worker.forecasting import forecast
from backburner.worker.leasing import renewed
from backburner.worker.room import wait_for_room
from backburner.worker.stopping import NEEDS_A_PERSON, halt, stopped_error
from backburner.worker.times import posix
from backburner.worker.tools import Tools
from backburner.worker.workspaces import check_workspace

_MAX_PAUSE = 1.0
"""Seconds between the commit of `armed` and the tail. A longer pause may mean a lost lease."""


def send(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Send a released batch, once, and record what came of it.

    Everything before `armed` may be repeated: without its last two bytes the body is incomplete and
    the upstream cannot act on it. Everything after may not.
    """
    started = tools.clock.monotonic()
    fence = upstream.page(limit=1)
    if isinstance(fence, Fault):
        _refused(tools, batch, fence, "list")
        return
    check_workspace(tools, batch.lane, fence.workspace)
    sender = _Sender(tools, batch, _fence(fence.value))
    body = Body(length=batch.body_bytes, chunks=sender.chunks(), arm=sender.arm, tail=TAIL)
    answer = upstream.create(body, batch.betas)
    if sender.lost is not None:
        _kept_back(tools, sender.batch)
        raise sender.lost
    if isinstance(answer, Fault):
        _failed(tools, sender.batch, answer)
        return
    _accepted(tools, sender.batch, answer, tools.clock.monotonic() - started)


class _Sender:
    """Reads the segment into a body, keeps the lease alive on the way, and arms at its end."""

    def __init__(self, tools: Tools, batch: Batch, fence: Fence) -> None:
        self._tools = tools
        self._fence = fence
        self.batch = batch
        self.lost: Exception | None = None

    def chunks(self) -> Iterator[bytes]:
        """The body without its last two bytes, a frame of the segment at a time."""
        try:
            yield from self._pieces()
        except Exception as error:
            # The SDK would call it a failed connection, whatever it was.
            self.lost = error
            raise

    def _pieces(self) -> Iterator[bytes]:
        prefix = f"{self.batch.prefix}-".encode()
        first = 0
        opening = HEAD
        for text in self._tools.vault.frames(self.batch.segment):
            lines = text.split(b"\n")
            lines.pop()
            items = [
                b'{"custom_id":"%b%05d","params":%b}' % (prefix, position, line)
                for position, line in enumerate(lines, first)
            ]
            yield opening + b",".join(items)
            opening = b","
            first += len(lines)
            self.batch = renewed(self._tools, self.batch)

    def arm(self) -> None:
        """Commit that the tail goes now. If this raises, the body stays incomplete."""
        try:
            with self._tools.store.write() as tx:
                now = self._tools.clock.now()
                quiet, ttl = self._tools.terms.doubts.quiet, self._tools.terms.ttl
                self.batch = batch_arm(tx, self.batch, self._fence, now=now, quiet=quiet, ttl=ttl)
                arming = arming_last(tx)
            raise_mark(self._tools.vault, arming)
            self._check_pause(now)
        except Exception as error:
            self.lost = error
            raise

    def _check_pause(self, armed_at: float) -> None:
        if self._tools.clock.now() - armed_at > _MAX_PAUSE:
            raise LeaseLost(f"a pause after arming batch {self.batch.id}: its tail is kept back")


def _fence(page: Page) -> Fence:
    if not page.data:
        return Fence("", None)
    newest = page.data[0]
    return Fence(newest.id, posix(newest.created_at))


def _kept_back(tools: Tools, batch: Batch) -> None:
    """The tail was not sent although it was armed: certainly not accepted, so it may go again."""
    if batch.state is BatchState.ARMED:
        now = tools.clock.now()
        due_at = now + fault_wait(batch.faults)
        changes = {"due_at": due_at, "lease_until": 0.0, "faults": batch.faults + 1}
        with tools.store.write() as tx:
            batch_move(tx, batch, BatchState.SEALED, changes)
            lane_wake(tx, batch.lane, now)


def _accepted(tools: Tools, batch: Batch, answer: Answer[RemoteBatch], seconds: float) -> None:
    now = tools.clock.now()
    remote = answer.value
    changes: dict[str, Any] = {
        "upstream_id": remote.id,
        "sent_at": now,
        "expires_at": posix(remote.expires_at),
        "due_at": posix(remote.expires_at) or now,
        "lease_until": 0.0,
        "faults": 0,
        **forecast(tools, batch, now),
    }
    with tools.store.write() as tx:
        batch_move(tx, batch, BatchState.SENT, changes)
        lane_wake(tx, batch.lane, now + 1.0)
    tools.emit(
        BatchSent(
            batch=batch.id,
            run=batch.run,
            upstream_id=remote.id,
            requests=batch.requests,
            body_bytes=batch.body_bytes,
            seconds=seconds,
        )
    )


def _failed(tools: Tools, batch: Batch, fault: Fault) -> None:
    """A create that brought no batch: refused for certain, or in doubt."""
    if batch.state is BatchState.ARMED and fault.kind in (FaultKind.DOUBT, FaultKind.UNREACHED):
        rest = (batch.armed_at or tools.clock.now()) + tools.terms.doubts.quiet
        with tools.store.write() as tx:
            batch_move(tx, batch, BatchState.UNKNOWN, {"due_at": rest, "lease_until": 0.0})
        tools.emit(_seen(batch, fault, "create"))
        tools.emit(
            BatchDoubted(batch=batch.id, run=batch.run, nonce=batch.nonce, requests=batch.requests)
        )
        return
    _refused(tools, batch, fault, "create")


def _refused(tools: Tools, batch: Batch, fault: Fault, call: str) -> None:
    """Nothing was accepted: back to sealed, to be released again later."""
    if fault.kind is FaultKind.THROTTLED and call == "create":
        wait_for_room(tools, batch, fault)
        return
    now = tools.clock.now()
    stop = stop_for_fault(fault, now, batch.run) if fault.kind in NEEDS_A_PERSON else None
    wait = 0.0 if stop else fault_wait(batch.faults, fault.retry_after)
    changes = {"due_at": now + wait, "lease_until": 0.0, "faults": batch.faults + 1}
    with tools.store.write() as tx:
        batch_move(tx, batch, BatchState.SEALED, changes)
        # The lane's own step finds out when: a later time could get lost while it is under way.
        lane_wake(tx, batch.lane, now)
        if stop is not None:
            # In the same commit, so that no other worker tries it in between.
            halt(tx, batch.lane, stop, now)
    tools.emit(_seen(batch, fault, call))
    if stop is not None:
        raise stopped_error(batch.lane, stop.cause, stop.remedy)


def _seen(batch: Batch, fault: Fault, call: str) -> FaultSeen:
    return FaultSeen(lane=batch.lane, call=call, batch=batch.id, fault=fault)
