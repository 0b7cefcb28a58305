"""What the input of a table costs under each way of caching, at given hit rates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from backburner.caching import (
    CacheTerms,
    Column,
    HitRates,
    InputCosts,
    Layout,
    Trie,
    TrieBuilder,
    Ttl,
    input_costs,
)

HIT_RATES: Final = (0.3, 0.6, 0.9, 0.98)
CASES: Final = ((400, 1_024), (400, 4_096), (3_000, 1_024))
"""Tokens of the instructions before every row, and of the shortest prefix that is cached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What one way of caching costs at each hit rate, where 1 is no cache."""

    instructions: int
    minimum: int
    policy: str
    costs: tuple[float, ...]


def trie_of_rows(columns: Sequence[Column], layout: Layout, instructions: int) -> Trie:
    """The prompts of a table: the same instructions, then each row's cells in its order."""
    builder = TrieBuilder()
    for row in range(len(layout.rows)):
        cells = (
            (
                (number, columns[number].cells[row]),
                columns[number].tokens[columns[number].cells[row]],
            )
            for number in layout.order(row)
        )
        builder.add([("instructions", instructions), *cells])
    return builder.trie()


def cost_lines(trie: Trie, instructions: int, minimum: int) -> list[CostLine]:
    """Each policy's costs; a cache write at 1.25 and 2 times, a read at a tenth of plain input."""
    found = [_costs(trie, minimum, hit) for hit in HIT_RATES]
    policies = {name: tuple(costs[name] for costs in found) for name in found[0]}
    return [
        CostLine(instructions=instructions, minimum=minimum, policy=name, costs=costs)
        for name, costs in policies.items()
    ]


def _costs(trie: Trie, minimum: int, hit: float) -> dict[str, float]:
    terms = CacheTerms(
        minimum_tokens=minimum,
        input=1_000,
        read=100,
        write_5m=1_250,
        write_1h=2_000,
        hits=HitRates(five_minutes=hit, one_hour=hit),
    )
    short = input_costs(trie, terms, [Ttl.FIVE_MINUTES])
    long = input_costs(trie, terms, [Ttl.ONE_HOUR])
    return {name: float(cost / short.unmarked) for name, cost in _named(short, long)}


def _named(short: InputCosts, long: InputCosts) -> Iterator[tuple[str, Fraction]]:
    yield "no cache", short.unmarked
    yield "mark all, 5 minutes", short.all_5m
    yield "mark all, 1 hour", short.all_1h
    yield "planner, 5 minutes", short.planned
    yield "planner, 1 hour", long.planned
    yield "oracle", short.oracle


def overruns(lines: Sequence[CostLine]) -> list[CostLine]:
    """Plans that cost more than no cache: there may be none."""
    return [line for line in lines if line.policy.startswith("planner") and max(line.costs) > 1]
