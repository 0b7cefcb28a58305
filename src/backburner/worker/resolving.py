"""Resolving a doubt: look since the fence, let the nonce decide, never guess."""

from typing import Any, Final

from backburner.nouns.batch import Batch, BatchState, Hold
from backburner.nouns.fault import Fault
from backburner.plan.reconciling import (
    AwaitCandidate,
    Candidate,
    CountMiss,
    Examine,
    GiveToAPerson,
    SendAgain,
    resolve,
)
from backburner.store.claimed_batches import batch_move, batch_rest
from backburner.store.doubts import candidate_reject, candidates_rejected, upstream_ids_known
from backburner.store.lanes import lane_wake
from backburner.telemetry import BatchResolved
from backburner.upstream import Answer, Page, RemoteBatch, Upstream
from backburner.worker.leasing import renewed
from backburner.worker.looking import Until, names_in, walk
from backburner.worker.putting_off import put_off
from backburner.worker.times import posix
from backburner.worker.tools import Tools
from backburner.worker.workspaces import check_workspace

_FENCE_GONE: Final = 3600.0
"""Seconds that the list is read beyond the fence's time, should the fence have been deleted."""

_SETTLED: Final[dict[str, Any]] = {"misses": 0, "missed_at": None, "candidate": None, "faults": 0}


def resolve_doubt(tools: Tools, batch: Batch, upstream: Upstream) -> None:
    """Find out about a batch in doubt, as far as that is possible now."""
    seen = _candidates(tools, batch, upstream)
    if isinstance(seen, Fault):
        put_off(tools, batch, seen, "list")
        return
    now = tools.clock.now()
    match resolve(batch, map(_candidate, seen.values()), now=now, terms=tools.terms.doubts):
        case Examine(upstream_id):
            _examine(tools, batch, upstream, seen[upstream_id])
        case AwaitCandidate(upstream_id, until):
            changes = {**_SETTLED, "candidate": upstream_id}
            with tools.store.write() as tx:
                batch_rest(tx, batch, until, **changes)
        case CountMiss(until):
            changes = {**_SETTLED, "misses": batch.misses + 1, "missed_at": now}
            with tools.store.write() as tx:
                batch_rest(tx, batch, until, **changes)
        case SendAgain(next_try, hedged):
            _send_again(tools, batch, next_try, hedged=hedged)
        case GiveToAPerson():
            _give_to_a_person(tools, batch)


def _candidates(tools: Tools, batch: Batch, upstream: Upstream) -> dict[str, RemoteBatch] | Fault:
    """The batches since the fence that are as large as this one, and not known to be another's."""
    held = batch

    def turned(page: Answer[Page]) -> None:
        nonlocal held
        check_workspace(tools, batch.lane, page.workspace)
        held = renewed(tools, held)

    found: dict[str, RemoteBatch] = {}
    for remote in walk(upstream, _reach(batch), turned):
        if isinstance(remote, Fault):
            return remote
        if remote.request_counts.total == batch.requests:
            found[remote.id] = remote
    with tools.store.read() as tx:
        ruled_out = upstream_ids_known(tx, found) | candidates_rejected(tx, batch.id)
    return {one: remote for one, remote in found.items() if one not in ruled_out}


def _reach(batch: Batch) -> Until:
    """How far back the list is read: to the fence, or past its time if it was deleted."""
    if batch.fence is None:
        # It was never armed as far as this store knows, which is older than what it describes.
        return Until(before=batch.created_at - _FENCE_GONE)
    before = None if batch.fence_at is None else batch.fence_at - _FENCE_GONE
    return Until(fence=batch.fence, before=before)


def _candidate(remote: RemoteBatch) -> Candidate:
    return Candidate(
        upstream_id=remote.id,
        has_ended=remote.has_ended,
        created_at=posix(remote.created_at) or 0.0,
    )


def _examine(tools: Tools, batch: Batch, upstream: Upstream, remote: RemoteBatch) -> None:
    """Let the nonce in the results decide whether a candidate is ours."""
    names = names_in(upstream, remote.id)
    if isinstance(names, Fault):
        put_off(tools, batch, names, "results")
        return
    tries = [name[1] for name in names if name is not None and name[0] == batch.nonce]
    if tries:
        adopt(tools, batch, remote, tries[0])
        return
    with tools.store.write() as tx:
        # First, so that who comes too late learns that, and not of a row that is there already.
        batch_rest(tx, batch, tools.clock.now(), **_SETTLED)
        candidate_reject(tx, batch.id, remote.id)


def adopt(tools: Tools, batch: Batch, remote: RemoteBatch, attempt_try: str) -> None:
    """Take a batch upstream, whose custom_ids prove it, for the claimed one in doubt."""
    now = tools.clock.now()
    changes: dict[str, Any] = {
        **_SETTLED,
        "upstream_id": remote.id,
        "hold": None,
        "attempt_try": attempt_try,
        "sent_at": batch.armed_at or now,
        "expires_at": posix(remote.expires_at),
        "due_at": now,
        "lease_until": 0.0,
    }
    with tools.store.write() as tx:
        batch_move(tx, batch, BatchState.SENT, changes)
    tools.emit(
        BatchResolved(
            batch=batch.id,
            run=batch.run,
            nonce=batch.nonce,
            requests=batch.requests,
            how="adopted",
            upstream_id=remote.id,
        )
    )


def _send_again(tools: Tools, batch: Batch, next_try: str, *, hedged: bool) -> None:
    now = tools.clock.now()
    changes = {**_SETTLED, "attempt_try": next_try, "due_at": now, "lease_until": 0.0}
    with tools.store.write() as tx:
        # Where a candidate still runs, the first sending may be paid as well.
        sealed = batch_move(tx, batch, BatchState.SEALED, changes, is_doubted=hedged)
        if batch.hold is not None:
            batch_move(tx, sealed, BatchState.HELD)
        lane_wake(tx, batch.lane, now)
    tools.emit(
        BatchResolved(
            batch=batch.id,
            run=batch.run,
            nonce=batch.nonce,
            requests=batch.requests,
            how="hedged" if hedged else "absent",
        )
    )


def _give_to_a_person(tools: Tools, batch: Batch) -> None:
    with tools.store.write() as tx:
        sealed = batch_move(tx, batch, BatchState.SEALED, {**_SETTLED, "lease_until": 0.0})
        batch_move(tx, sealed, BatchState.HELD, {"hold": Hold.PERSON})
