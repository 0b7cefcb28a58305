"""Staging a run: copy the input, check and render it all, write its segments; commit at the end.

Nothing counts before the commit. A death on the way leaves files that nobody knows, and staging
starts again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from backburner.clock import Clock
from backburner.errors import InputError
from backburner.nouns.budget import BudgetMode
from backburner.nouns.run import Run, RunSpec
from backburner.plan.caching.choices import CachePlan
from backburner.plan.packing import PackLimits
from backburner.plan.workloads import Workload
from backburner.runs.attached import AttachedFiles, Reach
from backburner.runs.cache_marks import CacheAdvice, Marks
from backburner.runs.earlier import EarlierAnswers, Scope
from backburner.runs.faults import Faults
from backburner.runs.field_planning import read_fields
from backburner.runs.fields import FieldFigures, FieldPlan
from backburner.runs.identity import identity_of, parts_of
from backburner.runs.input_copy import InputCopy, drop_files, first_look, staged_input
from backburner.runs.input_warnings import InputWarning
from backburner.runs.numbering import settle_rows
from backburner.runs.reusing import Reused
from backburner.runs.row_packer import checked_packs
from backburner.runs.segments import SegmentWriter, StagedBatch
from backburner.runs.stager import Order, Stager
from backburner.store import Store
from backburner.vault import Vault
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
        staging = _Staging(
            desk=desk, spec=spec, copy=copy, order=order, cache=cache, reach=reach, reused=reused
        )
        try:
            return _staged(staging, _write(staging))
        except BaseException:
            drop_files(desk.vault, copy.run)
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staging:
    """What is staged, where, and on what terms."""

    desk: Desk
    spec: RunSpec
    copy: InputCopy
    order: Order
    cache: CacheAdvice | None
    reach: Reach | None
    reused: Reused | None

    def name(self, file: str) -> str:
        """The object of the run that has this name."""
        return f"runs/{self.copy.run}/{file}"

    @property
    def row_map(self) -> str:
        """The request number of each row."""
        return self.name("rows")

    @property
    def moved(self) -> str:
        """The rows that count by another request than that of their pack."""
        return self.name("moved")

    @property
    def spec_name(self) -> str:
        """What the run asks."""
        return self.name("spec.json.zst")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What was written of an input, and what was counted on the way."""

    stager: Stager
    segments: SegmentWriter
    answered: tuple[StagedBatch, ...]
    fields: FieldPlan | None

    @property
    def is_mapped(self) -> bool:
        """Whether rows and requests run apart, so that the run needs its row map."""
        return bool(self.stager.collapsed or self.stager.packed or self.stager.reused)


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


def _write(staging: _Staging) -> _Written:
    """Check and render the input, and write all that a run of it needs."""
    desk, spec = staging.desk, staging.spec
    first = checked_packs(spec) or staging.order.canary
    segments = SegmentWriter(desk.vault, desk.clock, desk.limits, first)
    try:
        stager, fields = _read(staging, segments)
        segments.finish()
        if stager.marks:
            segments = _marked_segments(desk, segments, stager.marks, staging.order.canary)
        if stager.alone:
            segments.add_unheld(stager.alone)
            write_moved(desk.vault, staging.moved, _asked_both_ways(stager))
        answered: tuple[StagedBatch, ...] = ()
        if staging.reused is not None and stager.reused:
            answered = staging.reused.finish(stager.fresh)
            settle_rows(desk.vault, staging.row_map, stager.fresh)
        with desk.vault.stream_writer(staging.spec_name) as stream:
            stream.write(msgspec.json.encode(spec))
    except BaseException:
        segments.discard()
        raise
    return _Written(stager=stager, segments=segments, answered=answered, fields=fields)


def _read(staging: _Staging, segments: SegmentWriter) -> tuple[Stager, FieldPlan | None]:
    """Read the input once, into segments and the row map."""
    spec, copy, vault = staging.spec, staging.copy, staging.desk.vault
    faults = Faults()
    fields = read_fields(spec, lambda: first_look(vault, spec, copy), staging.order.reserved)
    files = None if staging.reach is None else AttachedFiles(staging.reach)
    stager = Stager(
        spec,
        staging.order,
        segments,
        faults,
        cache=staging.cache,
        fields=fields,
        lead=segments.lead,
        reuse=None if staging.reused is None else staging.reused.take,
        files=files,
    )
    with (
        staged_input(vault, spec, copy) as stream,
        vault.file_writer(staging.row_map) as rows_file,
    ):
        stager.read(stream, rows_file)
    faults.raise_if_any(staging.order.title)
    _check_unchanged(spec, files)
    return stager, fields


def _staged(staging: _Staging, written: _Written) -> Staged:
    """What was written, as a run that waits for its commit."""
    stager, segments = written.stager, written.segments
    if not written.is_mapped:
        staging.desk.vault.delete(staging.row_map)
    return Staged(
        run=_run(staging, written),
        betas=",".join(staging.spec.betas),
        batches=tuple(segments.batches),
        workloads=stager.workloads(),
        warnings=stager.warnings,
        objects=tuple(_objects(staging, written)),
        canary=stager.canary,
        cache=stager.plan,
        budget=staging.order.billing.amount,
        fields=None if written.fields is None else written.fields.figures,
        reused=written.answered,
        left_out=stager.left_out,
    )


def _objects(staging: _Staging, written: _Written) -> Iterator[str]:
    """The files that count once the run does."""
    yield from (staging.spec_name, staging.copy.name)
    for batch in (*written.segments.batches, *written.answered):
        yield batch.segment
        if batch.results is not None:
            yield batch.results
    if written.is_mapped:
        yield staging.row_map
    if written.stager.alone:
        yield staging.moved


def _run(staging: _Staging, written: _Written) -> Run:
    spec, copy, order, stager = staging.spec, staging.copy, staging.order, written.stager
    parts = parts_of(spec, copy.sha256, order.lane)
    return Run(
        id=copy.run,
        lane=order.lane,
        name=order.name,
        identity=identity_of(parts),
        parts=parts,
        spec=staging.spec_name,
        source=copy.name,
        row_map=staging.row_map if written.is_mapped else None,
        rows=stager.rows,
        requests=stager.requests,
        collapsed=stager.collapsed,
        output=order.output,
        prefix=order.prefix,
        created_at=staging.desk.clock.now() if order.waits_since is None else order.waits_since,
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
        moved=staging.moved if stager.alone else None,
        reused=stager.reused,
        urgency=order.timing.urgency,
        deadline=order.timing.deadline,
        rescue=order.timing.rescue,
        is_inbox=order.waits_since is not None,
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


def throw_away(desk: Desk, staged: Staged) -> None:
    """Remove what was staged: nobody wanted it."""
    for name in staged.objects:
        desk.vault.delete(name)
    drop_files(desk.vault, staged.run.id)
