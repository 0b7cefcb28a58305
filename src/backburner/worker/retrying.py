"""Packing retries: due exceptions copy their last lines, changed as the policy says."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from backburner.errors import LeaseLost
from backburner.nouns.batch import NONCE_LENGTH, Batch, BatchId, Via, body_bytes
from backburner.nouns.model import most_output_tokens
from backburner.nouns.outcome import ExceptionRow
from backburner.nouns.policy import Then
from backburner.nouns.request import read_params
from backburner.nouns.urgency import Urgency
from backburner.plan.changing import Changed, Stuck, change, turn_of
from backburner.plan.packing import PackLimits, pack
from backburner.store.batches import batch_get, batch_insert
from backburner.store.exceptions import exceptions_due, exceptions_give_up, exceptions_send_off
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.objects import objects_register
from backburner.telemetry import RetriesSealed
from backburner.worker.origins import write_origins
from backburner.worker.tools import Tools
from backburner.worker.validating import complaint, complaints, schema_in, schema_of_run, turn_text

_Batches = Mapping[int, Batch]

_STRICTEST: Final = (Urgency.NOW, Urgency.DEADLINE, Urgency.SOON, Urgency.WINDOW)
"""Urgencies, those first that bear the least delay."""


@dataclass(frozen=True, slots=True)
class _Travel:
    """How a batch of retries travels."""

    betas: str
    via: Via


@dataclass(frozen=True, slots=True)
class _Ready:
    """A due exception with its params as they are to travel."""

    row: ExceptionRow
    params: bytes
    code: str | None


def pack_retries(tools: Tools, lane: LaneRow) -> list[BatchId]:
    """Seal the lane's due exceptions into batches: each has one set of betas, and one way to go.

    A batch of retries is written like any other, in two phases: a death in between leaves files
    that nobody counts, and the exceptions as they were.

    Raises:
        LeaseLost: Another worker has the lane, or a request was canceled while its batch was
            written: what was not sealed yet stays due.
    """
    now = tools.clock.now()
    with tools.store.read() as tx:
        due = exceptions_due(tx, lane.name, now, tools.terms.limits.requests)
        ids = {row.batch for row in due} | {row.last_batch for row in due}
        batches = {one: batch_get(tx, BatchId(one)) for one in ids}

    def kind(row: ExceptionRow) -> tuple[str, Via, float]:
        # Only a batch's size decides how soon it ends: a call waits for no other.
        share = tools.terms.retries.rules[row.outcome].share if row.via is Via.BATCH else 1.0
        return batches[row.batch].betas, row.via, share

    sealed = []
    for (betas, via, share), rows in groupby(sorted(due, key=kind), key=kind):
        ready = _prepared(tools, lane, list(rows), batches)
        limits = tools.terms.limits.part(share)
        sealed += _seal(tools, lane, ready, batches, limits, _Travel(betas, via))
    return sealed


def _prepared(
    tools: Tools, lane: LaneRow, rows: Sequence[ExceptionRow], batches: _Batches
) -> list[_Ready]:
    """The rows that can travel; those in which nothing can be changed are over."""
    ready: list[_Ready] = []
    stuck: list[tuple[ExceptionRow, str]] = []
    for row, changed in changes(tools, rows, batches):
        match changed:
            case Changed(params, code):
                ready.append(_Ready(row, params, code))
            case Stuck(code):
                stuck.append((row, code))
    if stuck:
        with tools.store.write() as tx:
            lane_fence(tx, lane)
            exceptions_give_up(tx, stuck)
    return ready


def changes(
    tools: Tools, rows: Sequence[ExceptionRow], batches: _Batches
) -> Iterator[tuple[ExceptionRow, Changed | Stuck]]:
    """Each exception with its request as it is to travel next.

    Args:
        rows: Best in the order of the batches that they travelled in last.
        batches: All that the rows name.
    """
    for number, group in groupby(rows, key=lambda row: row.last_batch):
        with ExitStack() as stack:
            changed = _changer(tools, stack, batches[number], batches)
            for row in group:
                yield row, changed(row)


def _changer(
    tools: Tools, stack: ExitStack, carrier: Batch, batches: _Batches
) -> Callable[[ExceptionRow], Changed | Stuck]:
    """Changes the requests that travelled last in one batch."""
    lines = stack.enter_context(tools.vault.finder(carrier.segment))
    results = carrier.results and stack.enter_context(tools.vault.finder(carrier.results))

    def changed(row: ExceptionRow) -> Changed | Stuck:
        params = lines.line(row.last_position)
        then = tools.terms.retries.then(row.outcome)
        if then is Then.AGAIN:
            # One whose batch never travelled still has the change that was made for it.
            return Changed(params, row.change)
        answer = results.line(row.last_position) if results else b""
        words = _complaint(tools, batches[row.batch], row, params) if then is Then.REPAIR else ""
        betas = carrier.betas.split(",")
        cap = most_output_tokens(read_params(params).model, betas)
        return change(then, params, turn_of(answer), cap=cap, complaint=words)

    return changed


def _complaint(tools: Tools, origin: Batch, row: ExceptionRow, params: bytes) -> str:
    """What the validator said of the last answer, said again from the stored line."""
    with tools.store.read() as tx:
        schema = schema_in(params) or schema_of_run(tools, tx, origin.run or "")
        text = turn_text(tools, tx, row)
    return complaint(complaints(schema, text)) if schema is not None else ""


def _seal(
    tools: Tools,
    lane: LaneRow,
    ready: Sequence[_Ready],
    batches: _Batches,
    limits: PackLimits,
    travel: _Travel,
) -> list[BatchId]:
    sealed = []
    for chosen in pack((len(one.params) for one in ready), limits):
        part = ready[chosen.start : chosen.stop]
        # They had their turn before: they go ahead of what was enqueued after them.
        origins = [batches[one.row.batch] for one in part]
        sealed.append(_seal_one(tools, lane, part, _values(origins, travel)))
    return sealed


def _values(origins: Sequence[Batch], travel: _Travel) -> dict[str, Any]:
    """What a batch of retries has of those that its requests were sealed in."""
    deadlines = [one.deadline for one in origins if one.deadline is not None]
    return {
        "betas": travel.betas,
        "via": travel.via,
        "urgency": min((one.urgency for one in origins), key=_STRICTEST.index),
        "deadline": min(deadlines, default=None),
        "due_at": min(one.created_at for one in origins),
    }


def _seal_one(
    tools: Tools, lane: LaneRow, ready: Sequence[_Ready], values: dict[str, Any]
) -> BatchId:
    nonce = tools.clock.token(NONCE_LENGTH)
    segment, origins = f"segments/{nonce}.jsonl.zst", f"segments/{nonce}.origins.jsonl.zst"
    with tools.vault.line_writer(segment) as writer:
        for one in ready:
            writer.add(one.params)
    write_origins(tools, origins, (one.row for one in ready))
    files = {"nonce": nonce, "segment": segment, "origins": origins}
    try:
        batch = _commit(tools, lane, ready, {**values, **files})
    except LeaseLost:
        for name in (segment, origins):
            tools.vault.delete(name)
        raise
    tools.emit(RetriesSealed(batch=batch, requests=len(ready)))
    return batch


def _commit(
    tools: Tools, lane: LaneRow, ready: Sequence[_Ready], values: dict[str, Any]
) -> BatchId:
    """Make a written batch count, if all of its requests still wait."""
    now = tools.clock.now()
    values = {
        **values,
        "lane": lane.name,
        "requests": len(ready),
        "body_bytes": body_bytes(len(ready), sum(len(one.params) for one in ready)),
        "due_at": min(values["due_at"], now),
        "created_at": now,
    }
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        objects_register(tx, [values["segment"], values["origins"]])
        batch = batch_insert(tx, values)
        exceptions_send_off(tx, ((one.row, one.code) for one in ready), batch)
    return batch
