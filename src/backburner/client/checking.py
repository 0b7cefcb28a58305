"""Checking an input without a home: nothing is written, nothing is sent, nothing is asked."""

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from backburner.client.attachments import files_of
from backburner.client.cache_advice import cache_advice, untaught
from backburner.client.placing import output_path
from backburner.client.preparing import (
    STDIN,
    RunOptions,
    added_columns,
    opened,
    spec_of,
)
from backburner.nouns.own_price import PriceTerms
from backburner.nouns.run import RunSpec
from backburner.nouns.tariff import Tariff, undated
from backburner.nouns.urgency import Timing, via_of
from backburner.plan.caching.choices import CachePlan
from backburner.plan.caching.terms import HitRates
from backburner.plan.estimating import Estimate, Known, estimate_all, planned_hit_rate
from backburner.plan.lifecycle import Unpriced, usable
from backburner.plan.packing import PackLimits
from backburner.plan.workloads import Workload
from backburner.runs.attaching import attaches
from backburner.runs.collapse import Collapser
from backburner.runs.faults import Faults, InputFault
from backburner.runs.field_planning import read_fields
from backburner.runs.fields import FIELDS, FieldFigures, FieldPlan
from backburner.runs.folder import pack_folder
from backburner.runs.input_warnings import InputWarning
from backburner.runs.segments import BatchCounter
from backburner.runs.stager import Order, Stager
from backburner.runs.tables import Format

FAULTS_KEPT: Final = 10_000
"""How many faults a check tells; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found.

    Attributes:
        rows: Rows or requests without a fault of their own.
        requests: What is left of them when identical rows share one.
        batches: How many they would travel in; None where there are faults.
        packed: Requests that are packs of rows.
        left_out: Rows that did not meet the condition on rows.
        unpriced: Models of which no price is known.
        estimate: What they would cost; None where there are faults, or a price is not known.
        faults: The first of them, those of other files first, then in the order of lines.
        fault_count: All of them.
        works: What an estimate goes by; empty where there are faults.
        cache: What would be decided of the prompt cache, by what is known without a home; None
            where nothing is to be.
    """

    rows: int
    requests: int
    batches: int | None
    models: tuple[str, ...]
    unpriced: tuple[str, ...]
    estimate: Estimate | None
    faults: tuple[InputFault, ...]
    fault_count: int
    warnings: tuple[InputWarning, ...]
    works: tuple[Workload, ...] = ()
    cache: CachePlan | None = None
    fields: FieldFigures | None = None
    packed: int = 0
    left_out: int = 0


def check(
    options: RunOptions,
    limits: PackLimits,
    now: datetime,
    stdin: Callable[[], BinaryIO],
    terms: PriceTerms,
    hits_of: Callable[[str], HitRates] = untaught,
    content: BinaryIO | None = None,
) -> Checked:
    """Do what staging does with an input, but keep nothing of it.

    Args:
        hits_of: How often marked prefixes are read, by model, to decide on marks.
        content: What is read instead of the source's own bytes, such as the part of a list that
            one rule takes.

    Raises:
        InputError: The input cannot be read at all, or options do not go together.
    """
    from backburner import prices  # noqa: PLC0415  # slow to import, and not needed for --help

    spec = spec_of(options)
    faults = Faults(keep=FAULTS_KEPT)
    counter = BatchCounter(limits)
    tariff = prices.tariff(None, now, terms.own)
    order = Order(
        lane="",
        name=options.source,
        title=options.source,
        output=None if options.output is None else output_path(options.output, spec),
        prefix=options.prefix,
        reserved=added_columns(spec),
        known_models=models_to_send(now, terms),
    )
    with (
        nullcontext() if spec.collapse else Collapser() as same,
        nullcontext(content)
        if content is not None
        else input_stream(options, spec, faults, stdin) as source,
        read_twice(spec, source) as stream,
        Path(os.devnull).open("wb") as nowhere,
    ):
        advice = cache_advice(options.cache, tariff.price, hits_of)
        fields = fields_of(spec, stream, order)
        files = files_of(options, spec)
        stager = Stager(spec, order, counter, faults, same, advice, fields, files=files)
        stager.read(stream, nowhere)
        warnings = stager.warnings
    works = () if faults.count else stager.workloads()
    models = tuple(work.model for work in works)
    lacking, via = unpriced(tariff, models), via_of((options.timing or Timing()).urgency)
    return Checked(
        rows=stager.rows,
        requests=stager.requests,
        packed=stager.packed,
        left_out=stager.left_out,
        batches=None if faults.count else counter.batches,
        models=models,
        unpriced=lacking,
        estimate=None
        if lacking
        else estimate_all(tariff, works, lambda work: _known(stager.plan, work), via),
        works=works,
        faults=faults.kept,
        fault_count=faults.count,
        warnings=warnings,
        cache=None if faults.count else stager.plan,
        fields=None if fields is None else fields.figures,
    )


def _known(plan: CachePlan | None, work: Workload) -> Known:
    return Known(hit_rate=planned_hit_rate(plan, work.model))


def models_to_send(now: datetime, terms: PriceTerms) -> Collection[str]:
    """The models that can be sent in a batch at a time: not retired, and priced if they must be."""
    from backburner import prices  # noqa: PLC0415  # slow to import, and not needed for --help

    known = usable(prices.known_models(now, terms.own), now.date())
    return Unpriced(known) if terms.allow_unknown else known


def unpriced(tariff: Tariff, models: Iterable[str]) -> tuple[str, ...]:
    """Those of some models that a tariff has no price of."""
    return tuple(model for model in models if undated(model) not in tariff.models)


@contextmanager
def input_stream(
    options: RunOptions, spec: RunSpec, faults: Faults, stdin: Callable[[], BinaryIO]
) -> Iterator[BinaryIO]:
    """The bytes of an input, read where they are."""
    if options.source == STDIN:
        yield stdin()
    elif spec.format == Format.FOLDER:
        with TemporaryFile() as packed:
            lines = pack_folder(
                options.source, faults, encoding=options.encoding, with_files=attaches(spec)
            )
            packed.writelines(lines)
            packed.seek(0)
            yield packed
    else:
        with opened(options.source) as file:
            yield file


@contextmanager
def read_twice(spec: RunSpec, stream: BinaryIO) -> Iterator[BinaryIO]:
    """The same bytes, from a file that can be read twice where the fields are planned first."""
    if FIELDS not in spec.template:
        yield stream
        return
    with TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy


def fields_of(spec: RunSpec, stream: BinaryIO, order: Order) -> FieldPlan | None:
    """The order of the fields in each row, where the prompt leaves it open."""
    plan = read_fields(spec, lambda: nullcontext(stream), order.reserved)
    if FIELDS in spec.template:
        stream.seek(0)
    return plan
