"""From what a person asks to runs, under the route rules: a run for each way of travelling."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO, Protocol

import msgspec

from backburner.client.parting import Reread, Rulebook, parted
from backburner.client.preparing import Found, Fresh, RunOptions, listed
from backburner.client.routing import Part
from backburner.errors import InputError
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
    """What routed runs are made with.

    Attributes:
        open_lane: Makes sure that work can be kept in a lane.
    """

    book: Rulebook
    prepare: Prepare
    throw_away: Callable[[Staged], None]
    open_lane: Callable[[str], None]


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
    if not router.book.applies_to(options):
        run = router.prepare(options, stdin, None, content)
        return (Prepared(run=run, output=options.output),)
    stdin = stdin if isinstance(stdin, Reread) else Reread(stdin)
    with ExitStack() as files:
        parts = parted(router.book, options, stdin, files, content)
        _check_budget(options, parts)
        return tuple(_staged(router, parts, stdin))


def enqueue_routed(
    router: Router,
    commit: Callable[[Staged], Run],
    requests: Iterable[Mapping[str, object]],
    options: RunOptions,
) -> list[Run]:
    """Keep a list of Python objects under the rules; runs that were kept before are given again."""
    asked = replace(options, prompt=None, format=Format.JSONL)
    with listed(requests) as content:
        prepared = prepare_routed(router, asked, BytesIO, content)
    return [
        one.run.run if isinstance(one.run, Found) else commit(one.run.staged) for one in prepared
    ]


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
    if part.lane != router.book.lane:
        router.open_lane(part.lane)
    prepared = router.prepare(part.options, stdin, part.lane, part.content)
    if isinstance(prepared, Found):
        return prepared
    run = prepared.staged.run
    routes = msgspec.json.encode(part.taken_of(run.requests)).decode()
    staged = replace(prepared.staged, run=replace(run, routes=routes))
    # What changed since the last run of its name says nothing where several have that name.
    return replace(prepared, staged=staged, changed=prepared.changed if is_alone else ())
