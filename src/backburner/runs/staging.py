"""Staging a run: copy the input, check and render it all, write its segments; commit at the end.

Nothing counts before the commit. A death on the way leaves files that nobody knows, and staging
starts again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from backburner.clock import Clock
from backburner.errors import InputError
from backburner.nouns.batch import BatchState, Via
from backburner.nouns.budget import BudgetMode
from backburner.nouns.outcome import CODES, Outcome
from backburner.nouns.run import Run, RunSpec
from backburner.nouns.urgency import via_of
from backburner.plan.caching.choices import CachePlan
from backburner.plan.packing import PackLimits
from backburner.plan.workloads import Workload
from backburner.runs.attached import AttachedFiles, Reach
from backburner.runs.cache_marks import CacheAdvice, Marks
from backburner.runs.earlier import EarlierAnswers, Scope
from backburner.runs.faults import Faults
from backburner.runs.field_planning import read_fields
from backburner.runs.fields import FieldFigures
from backburner.runs.identity import identity_of, parts_of
from backburner.runs.input_copy import InputCopy, drop_files, first_look, staged_input
from backburner.runs.input_warnings import InputWarning
from backburner.runs.numbering import settle_rows
from backburner.runs.reusing import Reused
from backburner.runs.row_packer import checked_packs
from backburner.runs.segments import SegmentWriter, StagedBatch
from backburner.runs.stager import Order, Stager
from backburner.store import Store, Transaction
from backburner.store.batches import batch_insert
from backburner.store.budgets import budget_put
from backburner.store.lanes import lane_wake
from backburner.store.objects import objects_register
from backburner.store.runs import run_insert
from backburner.vault import Vault
from backburner.vault.frames import pack
from backburner.worker.moved import Moved, write_moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where staging works."""

    store: Store
    vault: Vault
    clock: Clock
    limits: PackLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A run that is ready to be committed, or thrown away.

    Attributes:
        canary: The work that travels first, alone; empty where nothing is held for it.
        cache: What was decided of the prompt cache; None where nothing was to be.
        budget: The most that the run may cost, in picodollars.
        reused: Batches that never travel, since their answers are those of earlier runs.
        left_out: Rows that did not meet the run's condition.
    """

    run: Run
    betas: str
    batches: tuple[StagedBatch, ...]
    workloads: tuple[Workload, ...]
    objects: tuple[str, ...]
    warnings: tuple[InputWarning, ...] = ()
    canary: tuple[Workload, ...] = ()
    cache: CachePlan | None = None
    budget: int | None = None
    fields: FieldFigures | None = None
    reused: tuple[StagedBatch, ...] = ()
    left_out: int = 0


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


def stage(
    desk: Desk,
    spec: RunSpec,
    copy: InputCopy,
    order: Order,
    cache: CacheAdvice | None = None,
    reach: Reach | None = None,
) -> Staged:
    """Check and render the whole input and write its segments.

    Args:
        desk: Where it is done.
        spec: What is asked.
        copy: The input.
        order: What the run is to be besides.
        cache: On what terms cache marks are decided; None where none are to be.
        reach: Where the files may lie that its prompts attach; None where they attach none.

    Raises:
        InputFaults: Anything in the input is wrong; all faults are told together, and what was
            written is removed.
    """
    with _reused(desk, spec, order) as reused:
        return _stage(desk, spec, copy, order, cache, reach, reused)


@contextmanager
def _reused(desk: Desk, spec: RunSpec, order: Order) -> Iterator[Reused | None]:
    """Takes the requests whose answers are known; None where these are to be asked anew."""
    if order.reuse is None:
        yield None
        return
    since = desk.clock.now() - order.reuse
    scope = Scope(lane=order.lane, betas=",".join(spec.betas), since=since)
    with EarlierAnswers(desk.store, desk.vault, scope) as earlier:
        reused = Reused(desk.store, desk.vault, desk.clock, desk.limits, earlier)
        try:
            yield reused
        except BaseException:
            reused.discard()
            raise


def _stage(
    desk: Desk,
    spec: RunSpec,
    copy: InputCopy,
    order: Order,
    cache: CacheAdvice | None,
    reach: Reach | None,
    reused: Reused | None,
) -> Staged:
    first = order.canary if checked_packs(spec) is None else checked_packs(spec)
    segments = SegmentWriter(desk.vault, desk.clock, desk.limits, first)
    row_map, moved = f"runs/{copy.run}/rows", f"runs/{copy.run}/moved"
    faults = Faults()
    try:
        fields = read_fields(spec, lambda: first_look(desk.vault, spec, copy), order.reserved)
        files = None if reach is None else AttachedFiles(reach)
        stager = Stager(
            spec,
            order,
            segments,
            faults,
            cache=cache,
            fields=fields,
            lead=segments.lead,
            reuse=None if reused is None else reused.take,
            files=files,
        )
        with (
            staged_input(desk.vault, spec, copy) as stream,
            desk.vault.file_writer(row_map) as rows_file,
        ):
            stager.read(stream, rows_file)
        faults.raise_if_any(order.title)
        _check_unchanged(spec, files)
        segments.finish()
        if stager.marks:
            segments = _marked_segments(desk, segments, stager.marks, order.canary)
        if stager.alone:
            segments.add_unheld(stager.alone)
            write_moved(desk.vault, moved, _asked_both_ways(stager))
        answered: tuple[StagedBatch, ...] = ()
        if reused is not None and stager.reused:
            answered = reused.finish(stager.fresh)
            settle_rows(desk.vault, row_map, stager.fresh)
        spec_name = f"runs/{copy.run}/spec.json.zst"
        with desk.vault.stream_writer(spec_name) as stream:
            stream.write(msgspec.json.encode(spec))
    except BaseException:
        segments.discard()
        drop_files(desk.vault, copy.run)
        raise
    is_mapped = bool(stager.collapsed or stager.packed or stager.reused)
    if not is_mapped:
        desk.vault.delete(row_map)
    parts = parts_of(spec, copy.sha256, order.lane)
    run = Run(
        id=copy.run,
        lane=order.lane,
        name=order.name,
        identity=identity_of(parts),
        parts=parts,
        spec=spec_name,
        source=copy.name,
        row_map=row_map if is_mapped else None,
        rows=stager.rows,
        requests=stager.requests,
        collapsed=stager.collapsed,
        output=order.output,
        prefix=order.prefix,
        created_at=desk.clock.now() if order.waits_since is None else order.waits_since,
        finished_at=None,
        written_at=None,
        cancel_asked_at=None,
        collapsed_sync=0,
        price_date="",
        cache="" if stager.plan is None else msgspec.json.encode(stager.plan).decode(),
        owner=order.billing.owner,
        tags=order.billing.tags,
        budget_mode=order.billing.mode or BudgetMode.WORST,
        packed=stager.packed,
        moved=moved if stager.alone else None,
        reused=stager.reused,
        urgency=order.timing.urgency,
        deadline=order.timing.deadline,
        rescue=order.timing.rescue,
        is_inbox=order.waits_since is not None,
    )
    objects = [spec_name, copy.name, *(batch.segment for batch in (*segments.batches, *answered))]
    objects += [batch.results for batch in answered if batch.results]
    objects += [row_map] if is_mapped else []
    objects += [moved] if stager.alone else []
    return Staged(
        run=run,
        betas=",".join(spec.betas),
        batches=tuple(segments.batches),
        workloads=stager.workloads(),
        warnings=stager.warnings,
        objects=tuple(objects),
        canary=stager.canary,
        cache=stager.plan,
        budget=order.billing.amount,
        fields=None if fields is None else fields.figures,
        reused=answered,
        left_out=stager.left_out,
    )


def _check_unchanged(spec: RunSpec, files: AttachedFiles | None) -> None:
    if files is not None and files.digest != spec.files:
        raise InputError(
            "an attached file changed while it was read", hint="call again when it is whole"
        )


def _asked_both_ways(stager: Stager) -> Moved:
    """The rows that count by the request that each has alone, although a pack asks them too."""
    return Moved.of((row, stager.packed + row) for row in range(len(stager.alone)))


def _marked_segments(
    desk: Desk, plain: SegmentWriter, marks: Marks, canary: int | None
) -> SegmentWriter:
    """The same requests with their marks, written anew: which ones pay is known at the end only.

    Only lists that gain by it are written twice.
    """
    segments = SegmentWriter(desk.vault, desk.clock, desk.limits, canary)
    segments.lead(marks.leaders)
    try:
        for batch in plain.batches:
            for body in desk.vault.lines(batch.segment):
                segments.add(marks.add_to(body))
        segments.finish()
    except BaseException:
        segments.discard()
        raise
    plain.discard()
    return segments


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


def throw_away(desk: Desk, staged: Staged) -> None:
    """Remove what was staged: nobody wanted it."""
    for name in staged.objects:
        desk.vault.delete(name)
    drop_files(desk.vault, staged.run.id)
