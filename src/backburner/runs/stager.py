"""Taking every row or request of an input in: checked, rendered, collapsed, packed."""

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from backburner.nouns.budget import Billing
from backburner.nouns.model import LEAST_CAP, most_output_tokens, version_of
from backburner.nouns.request import KnownParams, Params, read_params, unknown_keys
from backburner.nouns.run import RunSpec
from backburner.nouns.urgency import Timing
from backburner.plan.caching.choices import CachePlan
from backburner.plan.caching.sentences import rounded
from backburner.plan.lifecycle import SURELY_FITS, is_maybe_too_long, retiring
from backburner.plan.preflight import blank_message, length_refusal, refusals
from backburner.plan.workloads import Tally, Workload
from backburner.runs.attached import AttachedFiles
from backburner.runs.blocks import read_prompt
from backburner.runs.bodies import BodyShape, render_bodies
from backburner.runs.cache_marks import CacheAdvice, ListMarks, Marks
from backburner.runs.chosen_rows import ChosenRows
from backburner.runs.collapse import Collapser
from backburner.runs.faults import Faults
from backburner.runs.fields import FieldPlan, plain_fields
from backburner.runs.input_copy import open_table
from backburner.runs.input_warnings import InputWarning, Warnings
from backburner.runs.numbering import Numbering
from backburner.runs.output_schema import with_format
from backburner.runs.path_template import PathTemplate, note_paths
from backburner.runs.record import Record, Table
from backburner.runs.request_list import RequestRecord, note_refusal, read_requests
from backburner.runs.row_packer import RowPacker, checked_packs
from backburner.runs.segments import Bodies
from backburner.runs.table_marks import TableMarks
from backburner.runs.template import PromptTemplate

_ROW_SLICE: Final = 65536
_ID_CHARS: Final = 64
"""Source: platform.claude.com/docs/en/build-with-claude/batch-processing, 2026-09-26."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is to be, besides what it asks.

    Attributes:
        title: The input as the person named it, for messages.
        reserved: Names of the columns that the output will add.
        known_models: Models that can be sent; None lets any model pass.
        canary: How many requests travel first, alone; None lets all travel.
        billing: Who pays for it, and how much at most.
        timing: When it has to travel.
        reuse: For how many seconds an answer may be taken over from an earlier run; None takes
            none.
        waits_since: When the first of the tickets that it holds was submitted; None for a run that
            a person made.
        objection: Says why a path may not be written to, where each row has one of its own.
    """

    lane: str
    name: str
    title: str
    output: str | None
    prefix: str
    reserved: tuple[str, ...] = ()
    known_models: Collection[str] | None = None
    canary: int | None = None
    billing: Billing = field(default_factory=Billing)
    timing: Timing = field(default_factory=Timing)
    reuse: float | None = None
    waits_since: float | None = None
    objection: Callable[[Path], str | None] = lambda _path: None


class Stager:
    """Reads an input once, and counts what goes into its segments.

    Args:
        bodies: Takes what is to be sent.
        same: Finds identical requests where none are to share one, so that they can be named.
        cache: On what terms cache marks are decided; None where none are to be.
        fields: The order of the fields in each row, where the prompt leaves it open.
        lead: Told which requests of a table go first, before any of them is taken.
        reuse: Takes the body of a table's row whose answer is known; says whether it is.
        files: Reads the files that prompts attach; None where none do.

    Attributes:
        marks: What a list's requests are to be marked with, once all were seen.
        plan: What was decided of the prompt cache, and why; None where nothing was to be.
        rows: Rows or requests of the input, as far as they were chosen.
        requests: What is left of them when identical rows share one, or several are packed.
        packed: Requests from the first that are packs of rows.
        alone: The bodies of rows that are asked alone too, after all packs.
        reused: Those of them whose answers are known.
        left_out: Rows that did not meet the run's condition.
    """

    def __init__(
        self,
        spec: RunSpec,
        order: Order,
        bodies: Bodies,
        faults: Faults,
        same: Collapser | None = None,
        cache: CacheAdvice | None = None,
        fields: FieldPlan | None = None,
        lead: Callable[[frozenset[int]], None] = lambda _numbers: None,
        reuse: Callable[[bytes], bool] | None = None,
        files: AttachedFiles | None = None,
    ) -> None:
        self._spec = spec
        self._order = order
        self._taker = bodies
        self._faults = faults
        self._same = same
        self._cache = cache
        self._fields = fields
        self._lead = lead
        self._reuse = reuse
        self._files = files
        self._watch: ListMarks | None = None
        self._warnings = Warnings()
        self._of_table: tuple[InputWarning, ...] = ()
        self._work: dict[str, Tally] = {}
        self.rows = 0
        self.requests = 0
        self.packed = 0
        self.alone: list[bytes] = []
        self.reused = 0
        self.left_out = 0
        self._canary: tuple[Workload, ...] = ()
        self.marks = Marks({})
        self.plan: CachePlan | None = None

    @property
    def collapsed(self) -> int:
        """Rows that share the request of an earlier one."""
        return 0 if self._spec.pack else self.rows - self.requests

    @property
    def fresh(self) -> int:
        """Requests that are to be sent."""
        return self.requests - self.reused

    @property
    def warnings(self) -> tuple[InputWarning, ...]:
        """What is worth knowing of what was read."""
        late = Warnings()
        for model, end in retiring(self._work):
            hint = "name a newer model for what is sent later"
            late.warn("model_retiring", f"{model} retires on {end}", hint)
        if self._same is not None and (again := self.requests - self._same.requests):
            what = f"requests that are identical to an earlier one: {again:,}"
            hint = "each is sent and paid; rows of a table share one request"
            late.warn("requests_identical", what, hint)
        if isinstance(self._taker, TableMarks) and (lost := self._taker.lost_tokens):
            what = (
                f"the prompts of all rows begin with the same words, about {rounded(lost):,} tokens"
            )
            hint = "put them into --system, where they can be read from the prompt cache"
            late.warn("prompt_start_shared", what, hint)
        return (*self._of_table, *self._warnings.found, *late.found)

    @property
    def canary(self) -> tuple[Workload, ...]:
        """What an estimate of the canary needs, by model; empty where nothing is held for it."""
        return self._with_marks(self._canary)

    def workloads(self) -> tuple[Workload, ...]:
        """What an estimate needs, by model."""
        return self._with_marks(self._works())

    def _works(self) -> tuple[Workload, ...]:
        return tuple(work.workload(model) for model, work in self._work.items())

    def _with_marks(self, works: tuple[Workload, ...]) -> tuple[Workload, ...]:
        marked = {one.model for one in self.plan.marked} if self.plan is not None else set()
        return tuple(work.changed(self._mark) if work.model in marked else work for work in works)

    def _mark(self, body: bytes) -> bytes:
        taker = self._taker
        return taker.mark(body) if isinstance(taker, TableMarks) else self.marks.add_to(body)

    def read(self, stream: BinaryIO, rows_file: BinaryIO) -> None:
        """Take every row or request in.

        Args:
            stream: The copy of the input.
            rows_file: Takes the request number of each row, as an array of unsigned integers.
        """
        if self._spec.kind == "requests":
            self._read_requests(stream)
        elif self._spec.pack:
            self._read_packed(stream, rows_file)
        else:
            self._read_table(stream, rows_file)

    def _read_requests(self, stream: BinaryIO) -> None:
        records = read_requests(
            stream,
            self._faults,
            self._order.known_models,
            encoding=self._spec.encoding,
            limit=self._spec.limit,
        )
        if self._cache is not None:
            self._watch = ListMarks(self._cache)
        for record in records:
            self._look(record)
            self._add(record.params, record.checked, record.line)
        self.rows = self.requests
        if self._watch is not None:
            self.marks, self.plan = self._watch.decide()

    def _read_packed(self, stream: BinaryIO, rows_file: BinaryIO) -> None:
        """Take the rows of a table in as packs; the first alone too, where that is asked."""
        table = open_table(stream, self._spec, self._faults, self._order.reserved)
        packer, shape = RowPacker(self._spec), self._shape()
        checked = checked_packs(self._spec) or 0
        numbers = array("I")
        line = 0
        for record, body in self._bodies(table):
            if packer.is_full_for(body):
                self._add_pack(packer.take(), line)
            packer.add(body, shape)
            if self.requests < checked:
                self.alone.append(body)
            line = record.line
            self.rows += 1
            numbers.append(self.requests)
            if len(numbers) == _ROW_SLICE:
                numbers.tofile(rows_file)
                del numbers[:]
        numbers.tofile(rows_file)
        self._add_pack(packer.take(), line)
        if isinstance(self._taker, TableMarks):
            self.plan = self._taker.finish()
        self.packed = self.requests
        for body in self.alone:
            self._count(body, read_params(body))

    def _add_pack(self, body: bytes, line: int) -> None:
        if body:
            self._add(body, read_params(body), line)

    def _count(self, body: bytes, checked: Params) -> None:
        """Count a request that is passed on by others."""
        self.requests += 1
        work = self._work.setdefault(checked.model, Tally(checked.model, self._spec.betas))
        work.add(body, checked.max_tokens)

    def _read_table(self, stream: BinaryIO, rows_file: BinaryIO) -> None:
        table = open_table(stream, self._spec, self._faults, self._order.reserved)
        numbers = array("I")
        # All rows share their parameters, so the first body tells those of all.
        checked: Params | None = None
        numbering = None if self._reuse is None else Numbering()
        with Collapser() if self._spec.collapse else nullcontext() as collapser:
            for record, body in self._bodies(table):
                number, is_new = collapser.request_of(body) if collapser else (self.requests, True)
                if is_new:
                    checked = checked or read_params(body)
                    is_reused = self._take_known(body)
                    if not is_reused:
                        self._add(body, checked, record.line)
                    if numbering is not None:
                        numbering.add(is_reused=is_reused)
                self.rows += 1
                numbers.append(number if numbering is None else numbering.number(number))
                if len(numbers) == _ROW_SLICE:
                    numbers.tofile(rows_file)
                    del numbers[:]
        numbers.tofile(rows_file)
        if isinstance(self._taker, TableMarks):
            self.plan = self._taker.finish()
        elif self._watch is not None:
            self.marks, self.plan = self._watch.decide()

    def _bodies(self, table: Table) -> Iterator[tuple[Record, bytes]]:
        """The body of each row; of none where the templates do not fit the table."""
        spec, faults = self._spec, self._faults
        self._of_table = table.warnings
        if not table.columns:
            # Reading on says what is wrong: it is empty, or no row of it can be read.
            for _ in table.records():
                pass
            return
        template = PromptTemplate.compile(spec.template, "the prompt")
        output = self._order.output or ""
        paths = PathTemplate(output) if PathTemplate.is_one(output) else None
        shape = self._shape()
        self._check_shape(shape)
        before = faults.count
        template.check(table.columns, faults)
        if paths is not None:
            paths.check(table.columns, faults)
        if faults.count > before:
            # Every row would fail in the same words; broken rows are still found by reading on.
            for _ in table.records():
                pass
            return
        fields = self._fields
        if fields is None and (columns := template.fields(table.columns)):
            fields = plain_fields(columns)
        if fields is not None:
            self._warn_of_fields(template, table.columns)
        self._begin_marks(shape, fields)
        rendered = render_bodies(table, template, shape, faults, fields, self._files)
        bodies = islice(rendered, spec.limit)
        yield from (
            bodies if paths is None else note_paths(bodies, paths, faults, self._order.objection)
        )
        if isinstance(table, ChosenRows):
            self.left_out = table.left_out

    def _shape(self) -> BodyShape:
        """What the bodies of all rows have in common."""
        spec = self._spec
        return BodyShape(
            model=spec.model,
            max_tokens=spec.max_tokens,
            system=spec.system,
            params=with_format(spec.params, spec.schema),
        )

    def _begin_marks(self, shape: BodyShape, fields: FieldPlan | None) -> None:
        """Look for marks in what all rows share, or, where prompts are cut, in what some do."""
        if self._cache is None:
            return
        if self._spec.pack:
            shape = RowPacker(self._spec).shape(self._spec.pack)
        elif fields is not None and fields.has_cuts:
            self._watch = ListMarks(self._cache)
            return
        sample = read_prompt(shape.body("?"))
        self._taker = TableMarks(self._taker, self._cache, self._spec.model, sample, self._lead)

    def _warn_of_fields(self, template: PromptTemplate, columns: Sequence[str]) -> None:
        before, _ = template.before_fields(columns)
        if before:
            what = f"the prompt names {before[0]!r} before {{{{ fields }}}}"
            hint = "only rows that are equal in it begin alike; name it after the fields"
            self._warnings.warn("fields_late", what, hint)

    def _check_shape(self, shape: BodyShape) -> None:
        """Note what a batch would refuse in every row's parameters, once."""
        params = read_params(msgspec.Raw(shape.body("?")))
        for refusal in refusals(params, self._order.known_models):
            self._faults.add(refusal.code, refusal.what, hint=refusal.hint)
        self._warn_of_output(params, None)
        if not isinstance(params, KnownParams):
            self._warn_of_keys(shape.body("?"), None)

    def _look(self, record: RequestRecord) -> None:
        """Note what only a list of requests can have."""
        if refusal := blank_message(record.checked):
            note_refusal(refusal, record.custom_id, record.spot, self._faults)
        self._warn_of_output(record.checked, record.line)
        if not isinstance(record.checked, KnownParams):
            self._warn_of_keys(record.params, record.line)
        if len(record.custom_id) > _ID_CHARS:
            what = f"a custom_id has over {_ID_CHARS} characters"
            hint = "it works here, where ids of our own travel; the API itself refuses it"
            self._warnings.warn("custom_id_long", what, hint, line=record.line)

    def _warn_of_output(self, params: Params, line: int | None) -> None:
        """Note a limit that is beyond what a model writes; of an unknown one nothing is known."""
        model, asked = params.model, params.max_tokens
        if type(asked) is not int or asked <= LEAST_CAP or not version_of(str(model)):
            return
        most = most_output_tokens(model, self._spec.betas)
        if asked > most:
            what = f"max_tokens is {asked:,}, and {model} writes at most {most:,}"
            hint = f"give {most} or less: the API rejects more, once the batch is there"
            self._warnings.warn("max_tokens_high", what, hint, line=line)

    def _warn_of_keys(self, body: bytes, line: int | None) -> None:
        for key in unknown_keys(body):
            what = f"the parameter {key!r} is unknown here, and may be refused"
            hint = "check its spelling; it is sent as it is"
            self._warnings.warn("parameter_unknown", what, hint, line=line)

    def _measure(self, body: bytes, model: str, line: int) -> None:
        """Note a prompt that its model's window may not hold."""
        if refusal := length_refusal(model, body):
            self._faults.add(refusal.code, refusal.what, line=line, hint=refusal.hint)
        elif is_maybe_too_long(model, body):
            what = f"a prompt may be too long for {model}"
            hint = "shorten it, or try it first; how many tokens it has is not known exactly"
            self._warnings.warn("prompt_long", what, hint, line=line)

    def _take_known(self, body: bytes) -> bool:
        """Take a request if its answer is known; whether it is."""
        if self._reuse is None or self._faults.count or not self._reuse(body):
            return False
        self.requests += 1
        self.reused += 1
        return True

    def _add(self, body: bytes, checked: Params, line: int) -> None:
        if self.fresh == self._order.canary:
            # There is more than the canary, so the rest will be held.
            self._canary = self._works()
        self.requests += 1
        if len(body) > SURELY_FITS:
            self._measure(body, checked.model, line)
        if self._same is not None:
            self._same.request_of(body)
        model = checked.model
        work = self._work.get(model)
        if work is None:
            work = self._work[model] = Tally(model, self._spec.betas)
        if self._faults.count:
            return
        if self._watch is not None:
            self._watch.look(body, model)
        self._taker.add(body)
        work.add(body, checked.max_tokens)


def workloads_of(bodies: Iterable[bytes]) -> tuple[Workload, ...]:
    """What an estimate needs of bodies that were checked before, by model."""
    works: dict[str, Tally] = {}
    for body in bodies:
        checked = read_params(body)
        model = checked.model
        works.setdefault(model, Tally(model)).add(body, checked.max_tokens)
    return tuple(work.workload(model) for model, work in works.items())
