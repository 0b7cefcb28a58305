"""Applying route rules: to a table as a whole, to each request of a list."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from difflib import get_close_matches
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import msgspec

from backburner.client.extents import measure_table
from backburner.client.preparing import STDIN, RunOptions
from backburner.errors import ConfigError
from backburner.nouns.route import Asked, Give, Route, Rule, Taken
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.promises import Said, timing_of
from backburner.plan.routing import looks_at_size, looks_at_tokens, rerouted, route
from backburner.runs.duplicates import Duplicates
from backburner.runs.faults import Faults
from backburner.runs.path_template import PathTemplate
from backburner.runs.routed_list import RoutedRequest, routed_requests
from backburner.runs.tables import Format


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is asked, and in which zone its local times are; None where none is known."""

    now: float
    zone: tzinfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What becomes one run: a table, or those requests of a list that travel alike.

    Attributes:
        options: What was asked, with what the rules gave.
        taken: What each rule took; a table's count follows when it is read.
        content: What is read instead of the source; None reads the source itself.
    """

    options: RunOptions
    lane: str
    taken: tuple[Taken, ...]
    content: BinaryIO | None = None

    @property
    def urgency(self) -> Urgency:
        """How soon its answers are needed."""
        return (self.options.timing or Timing()).urgency

    def taken_of(self, requests: int) -> tuple[Taken, ...]:
        """What each rule took of so many requests; a table's are all of one rule."""
        if self.options.prompt is None:
            return self.taken
        return tuple(
            msgspec.structs.replace(
                one, requests=requests, changed=dict.fromkeys(one.changed, requests)
            )
            for one in self.taken
        )


def check_models(rules: Sequence[Rule], known: Collection[str], file: Path) -> None:
    """Make sure that each model that a rule gives can be sent.

    Raises:
        ConfigError: One is not known.
    """
    for rule in rules:
        model = rule.give.model
        if model is not None and model not in known:
            close = get_close_matches(model, list(known), n=1)
            raise ConfigError(
                f"{file}: the route {rule.name!r} gives the model {model!r}, which is not known",
                hint=f"did you mean {close[0]}?"
                if close
                else "`backburner prices` lists the models",
            )


def asked_of(options: RunOptions, lane: str) -> Asked:
    """What rules look at, as far as it is the same for the whole input."""
    tags = frozenset(filter(None, options.billing.tags.split(",")))
    return Asked(
        kind=options.kind, tags=tags, lane=lane, owner=options.billing.owner, model=options.model
    )


def route_table(
    rules: Sequence[Rule], options: RunOptions, lane: str, stdin: Callable[[], BinaryIO]
) -> Route:
    """The rule that takes a table: it is one run, so a rule about size has to hold for each row."""
    asked = asked_of(options, lane)
    if looks_at_size(rules):
        size = measure_table(options, stdin, in_tokens=False)
        asked = replace(asked, input_bytes=size)
    if looks_at_tokens(rules):
        size = measure_table(options, stdin, in_tokens=True)
        asked = replace(asked, input_tokens=size)
    return route(rules, asked)


def table_part(chosen: Route, options: RunOptions, lane: str, moment: Moment) -> Part:
    """A table with what its rule gives."""
    give = chosen.give
    changed = rerouted(give, model=options.model, max_tokens=options.max_tokens)
    routed = replace(
        options,
        model=give.model or options.model,
        max_tokens=give.max_tokens or options.max_tokens,
        timing=timing_given(give, options.timing, moment),
    )
    taken = taken_by(chosen, 0, dict.fromkeys(changed, 0), give.lane or lane)
    return Part(options=routed, lane=give.lane or lane, taken=(taken,))


def list_parts(
    rules: Sequence[Rule],
    options: RunOptions,
    lane: str,
    stream: BinaryIO,
    files: ExitStack,
    moment: Moment,
    *,
    is_kept: bool,
) -> list[Part]:
    """The requests of a list under the rules, parted by when and in which lane they travel.

    Args:
        rules: The rules.
        options: What a person asks.
        lane: The lane that they asked for.
        stream: The list.
        files: Keeps what the parts are staged from.
        moment: When and where it is asked.
        is_kept: Whether the list can be read again, so that one that is whole stays as it is.

    Raises:
        InputFaults: A custom_id that stands twice, or a kind or tag that is no word.
    """
    faults = Faults()
    piles: dict[tuple[str, Timing], _Pile] = {}
    is_changed = False
    requests = routed_requests(
        stream,
        rules,
        asked_of(options, lane),
        faults,
        encoding=options.encoding,
        limit=options.limit,
    )
    with closing(Duplicates()) as keys:
        for request in requests:
            if request.custom_id:
                keys.add(request.custom_id, request.line)
            give = request.route.give if request.route else Give()
            way = (give.lane or lane, timing_given(give, options.timing, moment) or Timing())
            if way not in piles:
                piles[way] = _Pile(give, files.enter_context(_scratch()))
            piles[way].add(request)
            is_changed = is_changed or bool(request.changed)
        for key, first, again in keys.found():
            what = f"the custom_id {key!r} stands in line {first} already"
            faults.add("duplicate_key", what, line=again, hint="give each request its own key")
    faults.raise_if_any("the input" if options.source == STDIN else options.source)
    if not piles:
        # Staging says that nothing is there.
        return [Part(options=options, lane=lane, taken=(), content=files.enter_context(_scratch()))]
    is_whole = len(piles) == 1 and not is_changed and is_kept
    return [
        pile.part(options, lane, moment, is_whole=is_whole, among=list(piles.values()))
        for pile in piles.values()
    ]


def _scratch() -> BinaryIO:
    return cast("BinaryIO", TemporaryFile())


class _Pile:
    """The requests of a list that travel alike."""

    def __init__(self, give: Give, file: BinaryIO) -> None:
        self.give = give
        self._file = file
        self._line = 1
        self._routes: dict[Route, _Count] = {}

    def add(self, request: RoutedRequest) -> None:
        """Take a request in, in the line that it has in the list: so messages name that."""
        if request.line > self._line:
            self._file.write(b"\n" * (request.line - self._line))
            self._line = request.line
        self._file.write(request.text.encode() + b"\n")
        self._line += 1
        if request.route is not None:
            self._routes.setdefault(request.route, _Count()).add(request.changed)

    def part(
        self,
        options: RunOptions,
        lane: str,
        moment: Moment,
        *,
        is_whole: bool,
        among: Sequence["_Pile"],
    ) -> Part:
        """What becomes a run of it."""
        self._file.seek(0)
        own = self.give.lane or lane
        timed = replace(
            options,
            timing=timing_given(self.give, options.timing, moment),
            output=_own_output(options.output, self.give, [one.give for one in among], lane),
        )
        taken = tuple(
            taken_by(one, count.requests, count.changed, own) for one, count in self._routes.items()
        )
        if is_whole:
            return Part(options=timed, lane=own, taken=taken)
        alone = replace(timed, limit=None, encoding=None, format=Format.JSONL)
        return Part(options=alone, lane=own, taken=taken, content=self._file)


@dataclass(slots=True)
class _Count:
    requests: int = 0
    changed: Counter[str] = field(default_factory=Counter)

    def add(self, changed: Iterable[str]) -> None:
        self.requests += 1
        self.changed.update(changed)


def taken_by(chosen: Route, requests: int, changed: Mapping[str, int], lane: str) -> Taken:
    """What a rule took, as a run keeps it."""
    give = chosen.give
    return Taken(
        rule=chosen.rule,
        reason=chosen.reason,
        requests=requests,
        model=give.model or "",
        max_tokens=give.max_tokens or 0,
        lane=lane if give.lane else "",
        urgency=_urgency(give),
        changed=dict(changed),
    )


def _urgency(give: Give) -> str:
    if give.within is not None:
        return f"within {give.within}"
    return f"by {give.by}" if give.by is not None else give.urgency or ""


def timing_given(give: Give, asked: Timing | None, moment: Moment) -> Timing | None:
    """When it travels; what a person said of this run goes before any rule."""
    if asked is not None:
        return asked
    if give.urgency is not None:
        return Timing(urgency=give.urgency)
    said = Said(by=give.by, within=give.within)
    return None if said.is_nothing else timing_of(said, moment.now, moment.zone)


def _own_output(output: str | None, give: Give, among: Sequence[Give], lane: str) -> str | None:
    """Where the answers of a part go: each run writes a file of its own."""
    if output is None or len(among) == 1 or PathTemplate.is_one(output):
        return output
    words = list(_part_words(give, among, lane))
    path = PurePath(output)
    return str(path.with_name(f"{path.stem}-{'-'.join(words)}{path.suffix}"))


def _part_words(give: Give, among: Sequence[Give], lane: str) -> Iterator[str]:
    if len({one.lane or lane for one in among}) > 1:
        yield give.lane or lane
    if len({_urgency(one) for one in among}) > 1:
        yield _urgency(give).replace(" ", "-").replace(":", "") or Urgency.WINDOW
