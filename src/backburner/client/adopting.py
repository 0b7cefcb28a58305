"""Adopting: taking over a batch that is upstream and that the store does not know."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from backburner.client.finishing import read_spec
from backburner.client.intake import Intake
from backburner.errors import InputError, LaneStopped, NotFound, Unreachable
from backburner.nouns.batch import UNSENT, Batch, BatchId, BatchState
from backburner.nouns.fault import Fault, FaultKind
from backburner.nouns.run import Run
from backburner.runs.committing import Taken
from backburner.runs.faults import Faults
from backburner.runs.input_copy import open_input
from backburner.runs.request_list import read_requests
from backburner.store.batches import batch_by_nonce, batches_where
from backburner.store.claimed_batches import batch_doubt, batch_take
from backburner.store.doubts import upstream_ids_known
from backburner.upstream import RemoteBatch, Upstream
from backburner.worker import Tools
from backburner.worker.looking import names_in
from backburner.worker.looking_back import book_duplicate
from backburner.worker.orphaning import Orphans, keep_orphans, orphans_name
from backburner.worker.resolving import adopt
from backburner.worker.times import posix
from backburner.worker.workspaces import check_workspace

_DOUBTED = (BatchState.ARMED, BatchState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Resolved:
    """It bears the nonce of a batch that was in doubt, or about to be sent again."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Twice:
    """It bears the nonce of a batch of which another one counts: it was booked as paid twice."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Somebody else made it of a list that is known: it is a run now."""

    run: Run


Adopted = Resolved | Twice | TakenOver | Orphans


def adopt_batch(intake: Intake, upstream_id: str, source: str | None) -> Adopted:
    """Take over a batch upstream.

    Args:
        intake: Where work of the lane comes in.
        upstream_id: The batch.
        source: The list of requests that it was made of, where that is known.

    Raises:
        NotFound: There is no such batch in the workspace.
        InputError: It is known already, has not ended, or may be one of ours.
        Unreachable: There was no answer.
    """
    tools, lane = intake.tools, intake.lane
    upstream = tools.connect(lane)
    remote, workspace = _found(tools, lane, upstream, upstream_id)
    own = _own(tools, upstream, remote)
    if own is not None:
        return _settle(tools, upstream, remote, *own)
    if source is not None:
        _check_doubts(tools, lane, remote)
        return TakenOver(_take_over(intake, remote, workspace, source))
    _check_ended(remote)
    _check_not_kept(tools, remote)
    with tools.store.write() as tx:
        intake.pin_found(tx, workspace)
    return _keep(tools, upstream, remote)


def _found(
    tools: Tools, lane: str, upstream: Upstream, upstream_id: str
) -> tuple[RemoteBatch, str | None]:
    """A batch that is not known yet, and its workspace."""
    answer = upstream.retrieve(upstream_id)
    if isinstance(answer, Fault):
        _raise(answer, upstream_id)
    check_workspace(tools, lane, answer.workspace)
    with tools.store.read() as tx:
        is_known = bool(upstream_ids_known(tx, [upstream_id]))
    if is_known:
        raise InputError(
            f"{upstream_id} belongs to a run here", hint="`backburner status` lists the runs"
        )
    return answer.value, answer.workspace


def _raise(fault: Fault, upstream_id: str) -> NoReturn:
    match fault.kind:
        case FaultKind.ABSENT:
            raise NotFound(
                f"Anthropic has no batch {upstream_id} in this workspace",
                hint="check the id, and that the key is of the workspace that made it",
            )
        case FaultKind.STOP:
            raise LaneStopped(f"Anthropic refused: {fault.what}", hint="mend the cause")
        case _:
            raise Unreachable(f"Anthropic gave no answer: {fault.what}", hint="call again later")


def _own(tools: Tools, upstream: Upstream, remote: RemoteBatch) -> tuple[BatchId, str] | None:
    """The batch of ours whose nonce an ended batch bears, and the try."""
    if not remote.has_ended:
        return None
    names = names_in(upstream, remote.id)
    if isinstance(names, Fault):
        _raise(names, remote.id)
    with tools.store.read() as tx:
        for name in names:
            batch = batch_by_nonce(tx, name[0]) if name is not None else None
            if batch is not None and name is not None:
                return batch.id, name[1]
    return None


def _settle(
    tools: Tools, upstream: Upstream, remote: RemoteBatch, number: BatchId, attempt_try: str
) -> Resolved | Twice:
    now, ttl = tools.clock.now(), tools.terms.ttl
    with tools.store.write() as tx:
        batch = batch_take(tx, number, owner=tools.owner, now=now, ttl=ttl)
        if batch.state in UNSENT:
            batch_doubt(tx, batch, armed_at=now, now=now)
            batch = batch_take(tx, number, owner=tools.owner, now=now, ttl=ttl)
    if batch.state is BatchState.UNKNOWN:
        adopt(tools, batch, remote, attempt_try)
        return Resolved(batch)
    fault = book_duplicate(tools, upstream, batch, remote, attempt_try)
    if fault is not None:
        _raise(fault, remote.id)
    return Twice(batch)


def _check_doubts(tools: Tools, lane: str, remote: RemoteBatch) -> None:
    """Make sure that a batch which still runs is not one of ours in doubt."""
    with tools.store.read() as tx:
        doubted = batches_where(tx, [lane], _DOUBTED)
    if not remote.has_ended and any(one.requests == remote.request_counts.total for one in doubted):
        raise InputError(
            f"{remote.id} may be a batch of ours that is in doubt",
            hint="that is known as soon as it ends; `backburner status` tells more",
        )


def _take_over(intake: Intake, remote: RemoteBatch, workspace: str | None, source: str) -> Run:
    tools, staged = intake.tools, intake.prepare_adopted(source)
    keys = f"segments/{staged.batches[0].nonce}.keys.jsonl.zst"
    try:
        with tools.vault.line_writer(keys) as writer:
            for key in _keys(tools, staged.run):
                writer.add(key.encode())
        taken = Taken(
            upstream_id=remote.id,
            workspace=workspace,
            keys=keys,
            sent_at=posix(remote.created_at) or tools.clock.now(),
            expires_at=posix(remote.expires_at),
        )
        return intake.commit_adopted(staged, taken)
    except BaseException:
        tools.vault.delete(keys)
        intake.throw_away(staged)
        raise


def _keys(tools: Tools, run: Run) -> Iterator[str]:
    spec = read_spec(tools, run)
    opened: AbstractContextManager[BinaryIO] = open_input(tools.vault, spec, run.source)
    with opened as stream:
        for record in read_requests(stream, Faults(), encoding=spec.encoding):
            yield record.custom_id


def _check_ended(remote: RemoteBatch) -> None:
    if not remote.has_ended:
        raise InputError(
            f"{remote.id} has not ended, and nothing tells whose it is before",
            hint="call again when it has ended, or name the list of requests it was made of",
        )


def _check_not_kept(tools: Tools, remote: RemoteBatch) -> None:
    if tools.vault.holds(orphans_name(remote.id)):
        raise InputError(
            f"the results of {remote.id} are kept already, in {orphans_name(remote.id)}",
            hint=f"`backburner adopt {remote.id} FILE`, with the list of requests that it was made "
            "of, makes it a run",
        )


def _keep(tools: Tools, upstream: Upstream, remote: RemoteBatch) -> Orphans:
    kept = keep_orphans(tools, upstream, remote)
    if isinstance(kept, Fault):
        _raise(kept, remote.id)
    return kept
