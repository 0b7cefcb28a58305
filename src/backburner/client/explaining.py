"""Which route rule takes each request of an input; nothing is kept or sent."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import msgspec

from backburner.client.extents import table_requests
from backburner.client.preparing import STDIN, RunOptions, opened
from backburner.client.routing import asked_of, route_table, taken_by
from backburner.nouns.route import Route, Rule, Taken
from backburner.plan.routing import rerouted
from backburner.runs.faults import Faults
from backburner.runs.routed_list import routed_requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One request, and the rule that takes it.

    Attributes:
        place: Its line in a list; of a table, its number among the requests.
        custom_id: The caller's key; empty for a table's.
        model: The model that it asks for; empty where it names none.
        route: None where the line is no request.
        changed: The parameters that the rule changes.
    """

    place: int
    custom_id: str
    model: str
    route: Route | None
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the rules do with an input.

    Attributes:
        taken: What each rule takes, in the order of the rules, those that take nothing too; last,
            what none takes.
        no_requests: Lines that are no requests; `backburner check` says what is wrong with them.
    """

    taken: tuple[Taken, ...]
    requests: tuple[Explained, ...]
    no_requests: int


def explain_routes(
    rules: Sequence[Rule], options: RunOptions, lane: str, stdin: Callable[[], BinaryIO]
) -> Explanation:
    """Put the rules to an input.

    Raises:
        InputFaults: A kind or a tag of a list that is no word.
        InputError: The input cannot be read.
    """
    if options.prompt is None:
        requests = tuple(_of_list(rules, options, lane, stdin))
    else:
        requests = tuple(_of_table(rules, options, lane, stdin))
    return Explanation(
        taken=tuple(_by_rule(rules, requests, lane)),
        requests=requests,
        no_requests=sum(one.route is None for one in requests),
    )


def _of_list(
    rules: Sequence[Rule], options: RunOptions, lane: str, stdin: Callable[[], BinaryIO]
) -> Iterator[Explained]:
    faults = Faults()
    with stdin() if options.source == STDIN else opened(options.source) as stream:
        for one in routed_requests(
            stream,
            rules,
            asked_of(options, lane),
            faults,
            encoding=options.encoding,
            limit=options.limit,
        ):
            yield Explained(
                place=one.line,
                custom_id=one.custom_id,
                model=one.model,
                route=one.route,
                changed=one.changed,
            )
    faults.raise_if_any("the input" if options.source == STDIN else options.source)


def _of_table(
    rules: Sequence[Rule], options: RunOptions, lane: str, stdin: Callable[[], BinaryIO]
) -> Iterator[Explained]:
    chosen = route_table(rules, options, lane, stdin)
    changed = rerouted(chosen.give, model=options.model, max_tokens=options.max_tokens)
    for number in range(1, table_requests(options, stdin) + 1):
        yield Explained(
            place=number, custom_id="", model=options.model, route=chosen, changed=changed
        )


def _by_rule(rules: Sequence[Rule], requests: Iterable[Explained], lane: str) -> Iterator[Taken]:
    counts: dict[Route, Taken] = {}
    for one in requests:
        if one.route is None:
            continue
        before = counts.get(one.route) or taken_by(one.route, 0, {}, one.route.give.lane or lane)
        changed = {name: before.changed.get(name, 0) + 1 for name in one.changed}
        counts[one.route] = msgspec.structs.replace(
            before, requests=before.requests + 1, changed={**before.changed, **changed}
        )
    for rule in rules:
        found = [taken for route, taken in counts.items() if route.rule == rule.name]
        nothing = Route(rule=rule.name, reason="takes nothing here", give=rule.give)
        yield from found or [taken_by(nothing, 0, {}, rule.give.lane or lane)]
    yield from chain(taken for route, taken in counts.items() if not route.rule)
