"""Parting what is asked by the route rules, before anything of it is kept."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar, cast
from weakref import finalize
from zoneinfo import ZoneInfo

from backburner.client.preparing import STDIN, RunOptions, opened
from backburner.client.routing import (
    Moment,
    Part,
    check_models,
    list_parts,
    route_table,
    table_part,
)
from backburner.config import Settings
from backburner.nouns.route import Rule

_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The route rules, and what they are put to.

    Attributes:
        lane: The lane that is asked for where a rule gives no other.
        file: Where the rules are.
        known_models: Gives the models that can be sent.
    """

    rules: tuple[Rule, ...]
    lane: str
    file: Path
    moment: Moment
    known_models: Callable[[], Collection[str]]

    def applies_to(self, options: RunOptions) -> bool:
        """Whether there are rules, and they are wanted."""
        return bool(options.routed and self.rules)


def rulebook(
    settings: Settings, lane: str, now: float, known_models: Callable[[], Collection[str]]
) -> Rulebook:
    """The rules of an installation, for what is asked of a lane now."""
    zone = settings.lane_terms(lane).zone
    return Rulebook(
        rules=settings.routes,
        lane=lane,
        file=settings.config.file,
        moment=Moment(now, ZoneInfo(zone) if zone else None),
        known_models=known_models,
    )


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


def gives_model(book: Rulebook, options: RunOptions, stdin: Callable[[], BinaryIO]) -> bool:
    """Whether a rule gives a table its model, so that nobody has to be asked for one."""
    if not book.applies_to(options):
        return False
    return route_table(book.rules, options, book.lane, stdin).give.model is not None


def parted(
    book: Rulebook,
    options: RunOptions,
    stdin: Callable[[], BinaryIO],
    files: ExitStack,
    content: BinaryIO | None = None,
) -> list[Part]:
    """What becomes of an input: one part, or several where the rules part a list.

    Args:
        book: The rules.
        options: What a person asks.
        stdin: Gives standard input, as often as it is called.
        files: Keeps what the parts are read from.
        content: The list itself, where the source only names it.

    Raises:
        InputError: The input cannot be read, or a kind or tag of a list is no word.
        ConfigError: A rule gives a model that is not known.
    """
    if not book.applies_to(options):
        return [Part(options=options, lane=book.lane, taken=(), content=content)]
    if not options.allow_unknown_price:
        check_models(book.rules, book.known_models(), book.file)
    if options.prompt is not None:
        chosen = route_table(book.rules, options, book.lane, stdin)
        return [table_part(chosen, options, book.lane, book.moment)]
    with nullcontext(content) if content else _stream(options, stdin) as stream:
        is_kept = content is None and options.source != STDIN
        return list_parts(
            book.rules, options, book.lane, stream, files, book.moment, is_kept=is_kept
        )


def each_part(
    book: Rulebook,
    options: RunOptions,
    stdin: Callable[[], BinaryIO],
    look: Callable[[Part], _Seen],
) -> list[tuple[Part, _Seen]]:
    """What comes of looking at each part of an input, of which nothing is kept.

    Raises what `parted` raises.
    """
    with ExitStack() as files:
        return [(part, look(part)) for part in parted(book, options, stdin, files)]


@contextmanager
def _stream(options: RunOptions, stdin: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
    if options.source == STDIN:
        yield stdin()
        return
    with opened(options.source) as file:
        yield file
