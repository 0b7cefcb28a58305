"""Packing retries: due exceptions copy their lines into a new batch, with a sidecar."""

from itertools import groupby

from backburner.nouns.batch import NONCE_LENGTH, BatchId, body_bytes
from backburner.nouns.outcome import ExceptionRow
from backburner.plan.packing import pack
from backburner.store.batches import batch_get, batch_insert
from backburner.store.exceptions import exceptions_due, exceptions_send_off
from backburner.store.lanes import LaneRow, lane_fence
from backburner.store.objects import objects_register
from backburner.telemetry import RetriesSealed
from backburner.worker.origins import write_origins
from backburner.worker.tools import Tools


def pack_retries(tools: Tools, lane: LaneRow) -> list[BatchId]:
    """Seal the lane's due exceptions into batches; each holds one set of betas.

    A batch of retries is written like any other, in two phases: a death in between leaves files
    that nobody counts, and the exceptions as they were.
    """
    now = tools.clock.now()
    with tools.store.read() as tx:
        due = exceptions_due(tx, lane.name, now, tools.terms.limits.requests)
        origins = {one: batch_get(tx, BatchId(one)) for one in {row.batch for row in due}}
    sealed = []
    for betas, rows in groupby(due, key=lambda row: origins[row.batch].betas):
        sealed += _seal(tools, lane, list(rows), betas, {k: v.segment for k, v in origins.items()})
    return sealed


def _seal(
    tools: Tools, lane: LaneRow, rows: list[ExceptionRow], betas: str, segments: dict[int, str]
) -> list[BatchId]:
    lines = _lines(tools, rows, segments)
    sealed = []
    for chosen in pack(map(len, lines), tools.terms.limits):
        part = slice(chosen.start, chosen.stop)
        sealed.append(_seal_one(tools, lane, rows[part], lines[part], betas))
    return sealed


def _lines(tools: Tools, rows: list[ExceptionRow], segments: dict[int, str]) -> list[bytes]:
    lines: list[bytes] = []
    for batch, group in groupby(rows, key=lambda row: row.batch):
        with tools.vault.finder(segments[batch]) as finder:
            lines += [finder.line(row.position) for row in group]
    return lines


def _seal_one(
    tools: Tools, lane: LaneRow, rows: list[ExceptionRow], lines: list[bytes], betas: str
) -> BatchId:
    nonce = tools.clock.token(NONCE_LENGTH)
    segment, origins = f"segments/{nonce}.jsonl.zst", f"segments/{nonce}.origins.jsonl.zst"
    with tools.vault.line_writer(segment) as writer:
        for line in lines:
            writer.add(line)
    write_origins(tools, origins, rows)
    now = tools.clock.now()
    with tools.store.write() as tx:
        lane_fence(tx, lane)
        objects_register(tx, [segment, origins])
        batch = batch_insert(
            tx,
            {
                "lane": lane.name,
                "nonce": nonce,
                "betas": betas,
                "requests": len(lines),
                "body_bytes": body_bytes(len(lines), sum(map(len, lines))),
                "segment": segment,
                "origins": origins,
                "due_at": now,
                "created_at": now,
            },
        )
        exceptions_send_off(tx, rows, batch)
    tools.emit(RetriesSealed(batch=batch, requests=len(rows)))
    return batch
