"""From what a person asks to runs, under the route rules: a run for each way of travelling."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol, cast
from weakref import finalize

from backburner.client.preparing import STDIN, Found, Fresh, RunOptions, object_line, opened
from backburner.client.routing import (
    Moment,
    Part,
    check_models,
    counted,
    list_parts,
    route_table,
    table_part,
)
from backburner.errors import InputError
from backburner.nouns.route import Rule
from backburner.nouns.run import Run
from backburner.runs.staging import Staged
from backburner.runs.tables import Format


class Prepare(Protocol):
    """Stages one run, or finds it."""

    def __call__(
        self,
        options: RunOptions,
        stdin: Callable[[], BinaryIO],
        lane: str | None = None,
        content: BinaryIO | None = None,
    ) -> Found | Fresh:
        """Do it for what is asked, in a lane."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """What routing works with.

    Attributes:
        lane: The lane that is asked for where a rule gives no other.
        file: Where the rules are.
        known_models: Gives the models that can be sent.
        pin: Makes a lane, where it was never used.
    """

    rules: tuple[Rule, ...]
    lane: str
    file: Path
    moment: Moment
    known_models: Callable[[], Collection[str]]
    prepare: Prepare
    throw_away: Callable[[Staged], None]
    pin: Callable[[str], None]


class Reread:
    """Standard input that can be read more than once: kept in a file without a name.

    Args:
        stdin: Gives standard input.
    """

    def __init__(self, stdin: Callable[[], BinaryIO]) -> None:
        self._stdin = stdin
        self._kept: BinaryIO | None = None

    def __call__(self) -> BinaryIO:
        """All of it, from the start."""
        if self._kept is None:
            self._kept = cast("BinaryIO", TemporaryFile())  # noqa: SIM115  # closed below
            finalize(self, self._kept.close)
            copyfileobj(self._stdin(), self._kept)
        self._kept.seek(0)
        return self._kept


def gives_model(router: Router, options: RunOptions, stdin: Callable[[], BinaryIO]) -> bool:
    """Whether a rule gives a table its model, so that nobody has to be asked for one."""
    if not options.routed or not router.rules:
        return False
    return route_table(router.rules, options, router.lane, stdin).give.model is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One run of what was asked.

    Attributes:
        output: Where its answers go; each of several runs has a file of its own.
    """

    run: Found | Fresh
    output: str | None


def prepare_routed(
    router: Router,
    options: RunOptions,
    stdin: Callable[[], BinaryIO],
    content: BinaryIO | None = None,
) -> tuple[Prepared, ...]:
    """Stage what a person asks, or find it: one run, or several where rules part a list.

    Args:
        router: What it works with.
        options: What a person asks.
        stdin: Gives standard input.
        content: The list itself, where the source only names it.

    Raises:
        InputError: The input, the prompt or the output cannot be used, or one budget is named for
            several runs.
        ConfigError: A rule gives a model that is not known.
    """
    if not options.routed or not router.rules:
        run = router.prepare(options, stdin, None, content)
        return (Prepared(run=run, output=options.output),)
    if not options.allow_unknown_price:
        check_models(router.rules, router.known_models(), router.file)
    stdin = stdin if isinstance(stdin, Reread) else Reread(stdin)
    with ExitStack() as files:
        parts = _parts(router, options, stdin, content, files)
        _check_budget(options, parts)
        return tuple(_staged(router, parts, stdin))


def enqueue_routed(
    router: Router,
    commit: Callable[[Staged], Run],
    requests: Iterable[Mapping[str, object]],
    options: RunOptions,
) -> list[Run]:
    """Keep a list of Python objects under the rules; always as new runs."""
    listed = replace(options, prompt=None, format=Format.JSONL, new=True)
    with TemporaryFile() as file:
        file.writelines(map(object_line, requests))
        file.seek(0)
        prepared = prepare_routed(router, listed, BytesIO, cast("BinaryIO", file))
    return [commit(one.run.staged) for one in prepared if isinstance(one.run, Fresh)]


def _parts(
    router: Router,
    options: RunOptions,
    stdin: Callable[[], BinaryIO],
    content: BinaryIO | None,
    files: ExitStack,
) -> list[Part]:
    if options.prompt is None:
        with nullcontext(content) if content else _stream(options, stdin) as stream:
            is_kept = content is None and options.source != STDIN
            return list_parts(
                router.rules,
                options,
                router.lane,
                stream,
                files,
                router.moment,
                is_kept=is_kept,
            )
    chosen = route_table(router.rules, options, router.lane, stdin)
    return [table_part(chosen, options, router.lane, router.moment)]


@contextmanager
def _stream(options: RunOptions, stdin: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
    if options.source == STDIN:
        yield stdin()
        return
    with opened(options.source) as file:
        yield file


def _check_budget(options: RunOptions, parts: list[Part]) -> None:
    if options.billing.amount is not None and len(parts) > 1:
        raise InputError(
            f"--budget belongs to one run, and the routes make {len(parts)} of {options.source}",
            hint="limit a word that they share: --tag nightly and `backburner budget set "
            "tag:nightly 5.00`; or leave the rules out with --no-routes",
        )


def _staged(router: Router, parts: list[Part], stdin: Callable[[], BinaryIO]) -> Iterator[Prepared]:
    """Each part's run; where one of them cannot be, none is left."""
    done: list[Fresh] = []
    try:
        for part in parts:
            prepared = _one(router, part, stdin, is_alone=len(parts) == 1)
            if isinstance(prepared, Fresh):
                done.append(prepared)
            yield Prepared(run=prepared, output=part.options.output)
    except BaseException:
        for fresh in done:
            router.throw_away(fresh.staged)
        raise


def _one(
    router: Router, part: Part, stdin: Callable[[], BinaryIO], *, is_alone: bool
) -> Found | Fresh:
    if part.lane != router.lane:
        router.pin(part.lane)
    prepared = router.prepare(part.options, stdin, part.lane, part.content)
    if isinstance(prepared, Found):
        return prepared
    run = prepared.staged.run
    is_table = part.options.prompt is not None
    routes = counted(part.taken, run.requests, is_table=is_table)
    staged = replace(prepared.staged, run=replace(run, routes=routes))
    # What changed since the last run of its name says nothing where several have that name.
    return replace(prepared, staged=staged, changed=prepared.changed if is_alone else ())
