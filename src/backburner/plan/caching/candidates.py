"""Which nodes of a trie can be worth a mark: most are not, and the programme never sees them."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from backburner.plan.caching.terms import CacheTerms, Ttl
from backburner.plan.caching.trie import ROOT, Trie

_MOST_PAIRS: Final = 2_000_000
"""Pairs of a candidate and one above it that the programme weighs: some seconds.

Only a trie with hundreds of candidates on a path can have more; of such a one every other level is
left out, or more, and its plan is not exact.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may be marked, or is already.

    Attributes:
        above: The place of the nearest candidate above it, in the list of all.
        level: How many candidates are above it.
        depth: Tokens before its border.
        free: Marks that are free in each of its requests.
        options: The lifetimes that pay here, and what each saves a token.
        own_gain: What the mark that is there already saves a token; such a node gets no other.
    """

    node: int
    above: int | None
    level: int
    depth: int
    free: int
    options: tuple[tuple[Ttl, int], ...]
    own_gain: int | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of a trie, from the top down.

    Attributes:
        paths: Of each candidate that has others below it: the depths of all above, and its own.
        stride: Of how many levels one was kept.
    """

    nodes: list[Candidate]
    paths: dict[int, list[int]]
    stride: int
    is_mixed: bool

    def depths_above(self, candidate: Candidate) -> list[int]:
        """The depths at which the nearest mark above a candidate can be; first, nowhere."""
        return [0] if candidate.above is None else self.paths[candidate.above]


def candidates_of(trie: Trie, terms: CacheTerms, ttls: Sequence[Ttl]) -> Candidates:
    """The nodes that are worth a look, each with the nearest other one above it."""
    finder = _Finder(trie, terms, ttls)
    options = [finder.options(node) for node in range(len(trie))]
    own = [finder.own_gain(node) for node in range(len(trie))]
    levels = _levels(trie, options, own)
    stride = isqrt(max(0, sum(levels) - 1) // _MOST_PAIRS) + 1
    nodes: list[Candidate] = []
    paths: dict[int, list[int]] = {}
    lowest = array("q", bytes(8 * len(trie)))  # The place of the nearest candidate, plus 1.
    for node, parent in enumerate(trie.parents):
        place = lowest[parent] if parent != ROOT else 0
        lowest[node] = place
        thinned = options[node] and levels[node] % stride
        if (not options[node] or thinned) and own[node] is None:
            continue
        above = place - 1 if place else None
        if above is not None and above not in paths:
            over = nodes[above]
            before = [0] if over.above is None else paths[over.above]
            paths[above] = [*before, over.depth]
        nodes.append(
            Candidate(
                node=node,
                above=above,
                level=nodes[above].level + 1 if above is not None else 0,
                depth=finder.depths[node],
                free=trie.free_at(node),
                options=options[node],
                own_gain=own[node],
            )
        )
        lowest[node] = len(nodes)
    return Candidates(nodes, paths, stride, is_mixed=len(set(ttls)) > 1)


def _levels(
    trie: Trie, options: list[tuple[tuple[Ttl, int], ...]], own: list[int | None]
) -> Sequence[int]:
    """Of each candidate, how many others are above it; 0 for all other nodes."""
    over = array("q", bytes(8 * len(trie)))
    levels = array("q", bytes(8 * len(trie)))
    for node, parent in enumerate(trie.parents):
        above = over[parent] if parent != ROOT else 0
        is_candidate = bool(options[node]) or own[node] is not None
        levels[node] = above if is_candidate else 0
        over[node] = above + is_candidate
    return levels


class _Finder:
    """What may be put at a node, and what it saves."""

    def __init__(self, trie: Trie, terms: CacheTerms, ttls: Sequence[Ttl]) -> None:
        self.depths = trie.depths()
        self._trie = trie
        self._terms = terms
        self._ttls = tuple(ttl for ttl in Ttl if ttl in ttls)
        self._gains: dict[int, tuple[tuple[Ttl, int], ...]] = {}
        self._has_heir = _heirs(trie)
        self._short_above = _below(trie, Ttl.FIVE_MINUTES)
        self._long_below = _above(trie, lambda node: trie.own_at(node) is Ttl.ONE_HOUR)
        self._loss_below = _above(trie, lambda node: (self.own_gain(node) or 0) < 0)

    def options(self, node: int) -> tuple[tuple[Ttl, int], ...]:
        """The lifetimes that may stand at a node and can pay there.

        A node whose requests all go on to the same next border is passed over: a mark there saves
        more. A mark that does not pay by itself can, above a user's mark that loses more.
        """
        trie = self._trie
        if (
            self._has_heir[node]
            or self.depths[node] < self._terms.minimum_tokens
            or trie.own_at(node) is not None
            or not trie.free_at(node)
        ):
            return ()
        gains = self._gains_of(trie.requests[node])
        if not trie.own:
            return gains
        every = [(ttl, self._terms.gain(trie.requests[node], ttl)) for ttl in self._ttls]
        return tuple(
            (ttl, gain)
            for ttl, gain in every
            if (gain > 0 or self._loss_below[node]) and self._may_stand(ttl, node)
        )

    def own_gain(self, node: int) -> int | None:
        """What the mark that is at a node already saves a token, if it has any effect."""
        ttl = self._trie.own_at(node)
        if ttl is None or self.depths[node] < self._terms.minimum_tokens:
            return None
        return self._terms.gain(self._trie.requests[node], ttl)

    def _gains_of(self, requests: int) -> tuple[tuple[Ttl, int], ...]:
        found = self._gains.get(requests)
        if found is None:
            gains = ((ttl, self._terms.gain(requests, ttl)) for ttl in self._ttls)
            found = self._gains[requests] = tuple(pair for pair in gains if pair[1] > 0)
        return found

    def _may_stand(self, ttl: Ttl, node: int) -> bool:
        """The API refuses a 1-hour mark behind a 5-minute one."""
        if ttl is Ttl.ONE_HOUR:
            return not self._short_above[node]
        return not self._long_below[node]


def _heirs(trie: Trie) -> bytearray:
    """Nodes all of whose requests go on to one other, where a mark is as free to stand."""
    found = bytearray(len(trie))
    for node, parent in enumerate(trie.parents):
        if (
            parent != ROOT
            and trie.requests[node] == trie.requests[parent]
            and trie.own_at(node) is None
            and trie.free_at(node) >= trie.free_at(parent)
        ):
            found[parent] = 1
    return found


def _below(trie: Trie, ttl: Ttl) -> bytearray:
    """Nodes below a mark of this lifetime that is there already."""
    found = bytearray(len(trie))
    for node, parent in enumerate(trie.parents) if trie.own else ():
        if parent != ROOT:
            found[node] = found[parent] or trie.own_at(parent) is ttl
    return found


def _above(trie: Trie, is_one: Callable[[int], bool]) -> bytearray:
    """Nodes above one of a kind, among those with a mark already."""
    found = bytearray(len(trie))
    for node in range(len(trie) - 1, -1, -1) if trie.own else ():
        parent = trie.parents[node]
        if parent != ROOT:
            found[parent] |= found[node] or is_one(node)
    return found
