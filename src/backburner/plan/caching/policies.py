"""What a set of requests would cost in input under each way of caching."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from backburner.plan.caching.breakpoints import plan_marks, saving
from backburner.plan.caching.terms import BOTH, MILLION, MOST_MARKS, CacheTerms, Ttl
from backburner.plan.caching.trie import ROOT, Trie


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCosts:
    """Expected cost of all input, in uncached input tokens.

    Attributes:
        unmarked: No mark is added.
        all_5m: Each shared border is marked for five minutes, four on a path at most.
        all_1h: The same for one hour.
        planned: The plan's marks.
        oracle: No less is possible, however lucky, with marks without number.
    """

    unmarked: Fraction
    all_5m: Fraction
    all_1h: Fraction
    planned: Fraction
    oracle: Fraction


def input_costs(trie: Trie, terms: CacheTerms, ttls: Sequence[Ttl] = BOTH) -> InputCosts:
    """Each policy's cost at the terms' hit rates."""
    plan = plan_marks(trie, terms, ttls)
    return InputCosts(
        unmarked=cost_with(trie, {}, terms),
        all_5m=cost_with(trie, mark_all(trie, Ttl.FIVE_MINUTES), terms),
        all_1h=cost_with(trie, mark_all(trie, Ttl.ONE_HOUR), terms),
        planned=cost_with(trie, plan.marks, terms),
        oracle=oracle_cost(trie, terms),
    )


def cost_with(trie: Trie, marks: Mapping[int, Ttl], terms: CacheTerms) -> Fraction:
    """What all input costs with these marks, in uncached input tokens."""
    return trie.prompt_tokens() - terms.tokens(saving(trie, marks, terms))


def mark_all(trie: Trie, ttl: Ttl) -> dict[int, Ttl]:
    """A mark at each border that requests share before their ways part, from the top.

    This is the rule of thumb that the planner is measured against. Marks that are too early to
    have any effect take their places too.
    """
    onward = [trie.requests[node] for node in range(len(trie))]
    used = bytearray(len(trie))
    for node, parent in enumerate(trie.parents):
        if parent != ROOT and trie.requests[node] == trie.requests[parent]:
            onward[parent] = 0
    marks: dict[int, Ttl] = {}
    for node, parent in enumerate(trie.parents):
        above = used[parent] if parent != ROOT else 0
        is_shared = onward[node] > 1 and trie.own_at(node) is None
        if is_shared and above < min(trie.free_at(node), MOST_MARKS):
            marks[node] = ttl
            above += 1
        used[node] = above
    return marks


def oracle_cost(trie: Trie, terms: CacheTerms) -> Fraction:
    """A bound from below, in uncached input tokens: each edge as cheap as it can ever be.

    Every token is written at most once and read in all other requests; what lies before the
    shortest prefix goes with the first border behind it.
    """
    best = trie.prompt_tokens() * terms.input
    for tokens, requests in _stretches(trie, terms.minimum_tokens):
        best -= tokens * (requests * terms.input - _least(terms, requests))
    return terms.tokens(best * MILLION)


def _least(terms: CacheTerms, requests: int) -> int:
    """The least that a token can cost in so many requests that share it."""
    if not requests:
        return 0
    write = min(terms.write_5m, terms.write_1h)
    plain = min(terms.input, write)
    return min(requests * plain, write + (requests - 1) * min(plain, terms.read))


def _stretches(trie: Trie, minimum: int) -> list[tuple[int, int]]:
    """Tokens that can only be cached together, and how many requests share them."""
    depths = trie.depths()
    found = array("q", depths)
    for node, parent in enumerate(trie.parents):
        if depths[node] < minimum:
            found[node] = 0
        elif parent != ROOT and depths[parent] >= minimum:
            found[node] = trie.tokens[node]
    return list(zip(found, trie.requests, strict=True))
