"""From what a person asks to a run: one that is there already, or one that is staged."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import msgspec

from backburner.client.attachments import reach_of
from backburner.client.placing import check_output, check_rows, objection_to, output_path
from backburner.errors import InputError
from backburner.nouns.budget import Billing
from backburner.nouns.given import one_of
from backburner.nouns.model import betas_of
from backburner.nouns.request import encode_params
from backburner.nouns.run import Run, RunSpec
from backburner.nouns.urgency import Timing
from backburner.plan.caching.choices import CachePolicy
from backburner.runs.answer import our_columns
from backburner.runs.attaching import attaches, hash_attached
from backburner.runs.cache_marks import CacheAdvice
from backburner.runs.condition import Condition
from backburner.runs.faults import Faults
from backburner.runs.folder import is_folder, pack_folder
from backburner.runs.identity import changes, identity_of, parts_of
from backburner.runs.input_copy import (
    InputCopy,
    copy_input,
    drop_files,
    file_chunks,
    first_look,
    hash_input,
)
from backburner.runs.output_schema import OutputSchema, with_format
from backburner.runs.properties import properties_of, property_columns
from backburner.runs.row_packer import check_packing
from backburner.runs.stager import Order
from backburner.runs.staging import Desk, Staged, stage
from backburner.runs.tables import Format, format_of
from backburner.runs.template import PromptTemplate
from backburner.store.runs import run_by_identity, run_by_name

STDIN = "-"
_TEXT = frozenset({Format.CSV, Format.TSV, Format.JSONL})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a person asks of `run` or `enqueue`.

    Attributes:
        source: A file, a folder, a pattern, or `-` for standard input.
        prompt: The template; None makes the input a list of requests.
        schema: What answers have to meet; None leaves them free.
        output: Where the answers go; None leaves them to `results`.
        where: Which rows are asked, as an expression over their columns; None asks all.
        new: Start over although a run that asks the same is there.
        force: Replace files that no run of ours wrote as they are.
        canary: How many requests travel first, alone; the rest waits until it is released.
        pack: How many rows share a request, at most; 0 gives each one of its own.
        pack_check: How many rows from the first are asked both ways before the rest goes.
        cache: Who decides on cache marks.
        allow_unknown_price: Whether a model may be sent of which no price is known.
        billing: Who pays for it, and how much at most.
        timing: When it has to travel; None where nobody said, which is with the next window.
        leaders: Whether leaders go first where that saves.
        reuse: For how long an answer may be taken over that an earlier run of the lane got for an
            identical request; None takes none.
        kind: One word for what sort of work it is; route rules look at it.
        routed: Whether the route rules of the configuration are applied.
        allow_paths: Folders beside that of the input from which prompts may attach files.
    """

    source: str
    prompt: str | None = None
    system: str | None = None
    params: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    model: str = ""
    max_tokens: int = 0
    schema: OutputSchema | None = None
    output: str | None = None
    format: Format | None = None
    delimiter: str | None = None
    encoding: str | None = None
    limit: int | None = None
    where: str | None = None
    collapse: bool = True
    prefix: str = ""
    betas: tuple[str, ...] = ()
    new: bool = False
    force: bool = False
    canary: int | None = None
    pack: int = 0
    pack_check: int = 0
    cache: CachePolicy | str = CachePolicy.AUTO
    allow_unknown_price: bool = False
    billing: Billing = field(default_factory=Billing)
    timing: Timing | None = None
    leaders: bool = False
    reuse: timedelta | None = None
    kind: str = ""
    routed: bool = True
    allow_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A run that asks the same thing is there: it is resumed, or was finished before.

    Attributes:
        output: Where its answers are asked to go now, as a whole path; None where nobody said.
    """

    run: Run
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A run that was staged and waits for its commit; `changed` is what differs from the last."""

    staged: Staged
    changed: tuple[str, ...]
    schema: OutputSchema | None = None


def prepare(
    desk: Desk,
    options: RunOptions,
    lane: str,
    stdin: Callable[[], BinaryIO],
    known_models: Callable[[], Collection[str]],
    advice: CacheAdvice | None = None,
    content: BinaryIO | None = None,
) -> Found | Fresh:
    """Copy the input, look for a run that asks the same, or stage a new one.

    A run that is there keeps the marks that it was staged with, whatever was learnt since then.

    Args:
        desk: Where it is done.
        options: What a person asks.
        lane: The stream that it belongs to.
        stdin: Gives standard input.
        known_models: Gives the models that can be sent.
        advice: On what terms cache marks are decided; None where nothing may be added.
        content: What is staged instead of the source's own bytes, such as the part of a list that
            one lane gets.

    Raises:
        InputError: The input, the prompt or the output cannot be used.
    """
    spec = spec_of(options)
    reach = reach_of(options, spec)
    output = None if options.output is None else output_path(options.output, spec)
    objection = objection_to(desk.store, force=options.force)
    if content is None:
        copy = _take(desk, options, spec, stdin)
    else:
        copy = copy_input(desk.vault, desk.clock, file_chunks(content))
    try:
        if reach is not None:
            digest = hash_attached(spec, lambda: first_look(desk.vault, spec, copy), reach)
            spec = msgspec.structs.replace(spec, files=digest)
        parts = parts_of(spec, copy.sha256, lane)
        with desk.store.read() as tx:
            before = None if options.new else run_by_identity(tx, identity_of(parts))
            last = run_by_name(tx, lane, options.source)
        if output is not None and output != (before and before.output):
            check_output(desk.store, output, spec, before, objection)
            if before is not None:
                read = partial(first_look, desk.vault, spec, copy)
                check_rows(output, spec, read, options.source, objection)
    except BaseException:
        drop_files(desk.vault, copy.run)
        raise
    if before is not None:
        drop_files(desk.vault, copy.run)
        return Found(before, output)
    order = Order(
        lane=lane,
        name=options.source,
        title="the input" if options.source == STDIN else options.source,
        output=output,
        prefix=options.prefix,
        reserved=added_columns(spec),
        known_models=known_models(),
        canary=options.canary,
        billing=options.billing,
        timing=options.timing or Timing(),
        reuse=None if options.reuse is None else options.reuse.total_seconds(),
        objection=objection,
    )
    staged = stage(desk, spec, copy, order, advice, reach)
    changed = changes(last.parts, staged.run.parts) if last is not None else []
    return Fresh(staged, tuple(changed), options.schema)


@contextmanager
def listed(requests: Iterable[Mapping[str, object]]) -> Iterator[BinaryIO]:
    """A list of requests that came as Python objects, as a file of lines.

    Raises:
        InputError: One of them holds what JSON cannot.
    """
    with TemporaryFile() as file:
        file.writelines(map(object_line, requests))
        file.seek(0)
        yield cast("BinaryIO", file)


def object_line(request: Mapping[str, object]) -> bytes:
    """A request that came as a Python object, as a line of a list.

    Raises:
        InputError: It holds what JSON cannot.
    """
    try:
        return encode_params(request) + b"\n"
    except (TypeError, ValueError) as error:
        raise InputError(
            f"a request cannot be written as JSON: {error}",
            hint="give dicts, lists, text and numbers; bytes as base64 text, a date as text",
        ) from error


def added_columns(spec: RunSpec) -> tuple[str, ...]:
    """The columns that the output will add."""
    if spec.kind != "table":
        return ()
    more = property_columns(properties_of(spec.schema), spec.prefix)
    return (*our_columns(spec.prefix), *more)


def spec_of(options: RunOptions) -> RunSpec:
    """What a person asks, as a run keeps it.

    Raises:
        InputFaults: Options that do not go together.
    """
    kind = "requests" if options.prompt is None else "table"
    schema = None if options.schema is None else options.schema.whole
    check_leaders(
        one_of("cache", options.cache, CachePolicy), leaders=options.leaders, canary=options.canary
    )
    with_format(options.params, schema)
    if options.where is not None:
        Condition(options.where)
    if options.pack:
        if options.leaders:
            raise InputError(
                "a run has packs or leaders, not both", hint="leave --pack or --leaders out"
            )
        check_packing(options.params, schema)
        if PromptTemplate.compile(options.prompt or "", "the prompt").attaches:
            raise InputError(
                "a run has packs or attaches files, not both", hint="leave --pack or attach out"
            )
    if options.reuse is not None and options.pack:
        raise InputError(
            "a run has packs or reuses answers, not both", hint="leave --pack or --reuse out"
        )
    if options.reuse is not None and kind == "requests":
        raise InputError(
            "answers can be reused for the rows of a table, and this is a list of requests",
            hint="leave reuse out, or give a prompt for a table",
        )
    return RunSpec(
        kind=kind,
        format=_format(options, kind),
        delimiter=options.delimiter,
        encoding=options.encoding,
        template=options.prompt or "",
        system=options.system,
        params=options.params,
        model=options.model,
        max_tokens=options.max_tokens,
        betas=betas_of(options.betas),
        limit=options.limit,
        where=options.where,
        # A pack's answer says which row it is for: rows that are identical have one each.
        collapse=options.collapse and kind == "table" and not options.pack,
        prefix=options.prefix,
        schema=schema,
        cache=options.cache,
        leaders=options.leaders,
        pack=options.pack,
        pack_check=options.pack_check,
    )


def check_leaders(policy: CachePolicy, *, leaders: bool, canary: int | None = None) -> None:
    """Make sure that leaders can be planned.

    Raises:
        InputError: Somebody else says what goes first, or which marks there are.
    """
    if leaders and canary is not None:
        raise InputError(
            "a run has a canary or leaders, not both",
            hint="try it with --canary on a few rows of its own (--limit), then send it whole",
        )
    if leaders and policy is not CachePolicy.AUTO:
        raise InputError(
            f"leaders need planned cache marks, and --cache {policy} leaves nothing to plan",
            hint="leave --cache away",
        )


def _format(options: RunOptions, kind: str) -> Format:
    if options.format is not None:
        return options.format
    if options.source != STDIN and is_folder(options.source):
        return Format.FOLDER
    if kind == "requests":
        return Format.JSONL
    return format_of(options.source)


def _take(
    desk: Desk, options: RunOptions, spec: RunSpec, stdin: Callable[[], BinaryIO]
) -> InputCopy:
    """Take hold of the input: of a file of text by its hash, of anything else by its copy."""
    origin = Path(options.source)
    if options.source != STDIN and spec.format in _TEXT and origin.is_file():
        with _readable(options.source):
            return hash_input(desk.vault, desk.clock, origin)
    return copy_input(desk.vault, desk.clock, _chunks(options, spec, stdin))


def _chunks(options: RunOptions, spec: RunSpec, stdin: Callable[[], BinaryIO]) -> Iterator[bytes]:
    if options.source == STDIN:
        yield from file_chunks(stdin())
    elif is_folder(options.source):
        faults = Faults()
        yield from pack_folder(
            options.source, faults, encoding=options.encoding, with_files=attaches(spec)
        )
        faults.raise_if_any(options.source)
    else:
        with opened(options.source) as file:
            yield from file_chunks(file)


def opened(source: str) -> AbstractContextManager[BinaryIO]:
    """An input file, open.

    Raises:
        InputError: It cannot be read.
    """
    with _readable(source):
        return Path(source).open("rb")


@contextmanager
def _readable(source: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{source} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
