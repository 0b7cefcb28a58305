"""Where cache marks pay: the best marks of a prefix trie, by an exact dynamic programme.

All requests through a node mark it, or none does. A mark saves, with each token between it and the
mark above it, the terms' `gain` for its requests. `_Table` holds the best saving below a node for
each mark above it that may be the nearest, each number of marks left, and each lifetime allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from backburner.plan.caching.candidates import Candidate, Candidates, candidates_of
from backburner.plan.caching.terms import BOTH, MOST_MARKS, CacheTerms, Ttl
from backburner.plan.caching.trie import Trie

_ANY: Final = 0
_SHORT: Final = 1
"""Below a 5-minute mark of the plan, where no 1-hour one may follow."""

Vector = list[int] | None
"""Savings by the nearest mark above: none, or one of the candidates above. None is all zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPlan:
    """Where to put cache marks.

    Attributes:
        marks: The lifetime of the mark at each chosen node.
        saved_tokens: What these marks are expected to save, in uncached input tokens; never
            negative.
        is_exact: Whether no choice of marks saves more. Tries of extreme depth are thinned.
    """

    marks: Mapping[int, Ttl]
    saved_tokens: Fraction
    is_exact: bool


def plan_marks(
    trie: Trie, terms: CacheTerms, ttls: Sequence[Ttl] = BOTH, most: int = MOST_MARKS
) -> MarkPlan:
    """The marks that save the most, under the terms' hit rates.

    Args:
        trie: What the requests have in common.
        terms: Rates, hit rates and the shortest prefix.
        ttls: The lifetimes that may be used. With both, an outer mark may be of one hour and an
            inner one of five minutes.
        most: Marks on one path, at most.

    Invariant:
        Never dearer than no marks, under the same terms.
    """
    found = candidates_of(trie, terms, ttls)
    choices, best = _Programme(found, most).run()
    marks = _walk(found, choices, most)
    own = saving(trie, {}, terms)
    return MarkPlan(marks=marks, saved_tokens=terms.tokens(best - own), is_exact=found.stride == 1)


def saving(trie: Trie, marks: Mapping[int, Ttl], terms: CacheTerms) -> int:
    """Units that marks are expected to save, together with those that are there already.

    A mark before the shortest prefix has no effect.
    """
    depths = trie.depths()
    nearest = [0] * len(trie)
    saved = 0
    for node, parent in enumerate(trie.parents):
        above = nearest[parent] if parent >= 0 else 0
        ttl = marks.get(node) or trie.own_at(node)
        if ttl is None or depths[node] < terms.minimum_tokens:
            nearest[node] = above
            continue
        saved += (depths[node] - above) * terms.gain(trie.requests[node], ttl)
        nearest[node] = depths[node]
    return saved


@dataclass(frozen=True, slots=True)
class _Table:
    """Best savings, or sums of them, by the lifetimes allowed and by marks left."""

    vectors: tuple[tuple[Vector, ...], ...]

    def at(self, state: int, left: int) -> Vector:
        return self.vectors[state][left]


@dataclass(frozen=True, slots=True)
class _Choices:
    """What to do at a candidate: by lifetimes allowed, marks left, and the nearest mark above.

    A byte is 0 for no mark, else the number of the option plus 1.
    """

    picks: tuple[tuple[bytes, ...], ...]


class _Programme:
    """One pass from the candidates at the bottom to the top."""

    def __init__(self, found: Candidates, most: int) -> None:
        self._found = found
        self._most = most
        self._states = (_ANY, _SHORT) if found.is_mixed else (_ANY,)
        self._zero = _Table(tuple((None,) * (most + 1) for _ in self._states))

    def run(self) -> tuple[list[_Choices | None], int]:
        """The choices at every candidate, and the saving from the top."""
        nodes = self._found.nodes
        below: list[_Table] = [self._zero] * len(nodes)
        choices: list[_Choices | None] = [None] * len(nodes)
        best = 0
        for number in range(len(nodes) - 1, -1, -1):
            node = nodes[number]
            table, choices[number] = self._solve(node, below[number])
            below[number] = self._zero
            if node.above is None:
                best += _first(table.at(_ANY, self._most))
            else:
                below[node.above] = self._add(below[node.above], table)
        return choices, best

    def _solve(self, node: Candidate, below: _Table) -> tuple[_Table, _Choices | None]:
        if node.own_gain is not None:
            return self._forced(node, node.own_gain, below), None
        above = self._found.depths_above(node)
        rows: list[tuple[Vector, ...]] = []
        picks: list[tuple[bytes, ...]] = []
        for state in self._states:
            row: list[Vector] = [_head(below.at(state, 0))]
            pick = [bytes(len(above))]
            for left in range(1, self._most + 1):
                if self._same(node, below, state, left):
                    row.append(row[-1])
                    pick.append(pick[-1])
                    continue
                vector, chosen = self._choose(node, above, below, (state, left))
                row.append(vector)
                pick.append(chosen)
            rows.append(tuple(row))
            picks.append(tuple(pick))
        return _Table(tuple(rows)), _Choices(tuple(picks))

    def _same(self, node: Candidate, below: _Table, state: int, left: int) -> bool:
        """Whether one mark more changes nothing here: most candidates have nothing below them."""
        if left < 2 or self._may(node, left) != self._may(node, left - 1):  # noqa: PLR2004
            return False
        return below.at(state, left) is below.at(state, left - 1) and all(
            below.at(then, left - 1) is below.at(then, left - 2) for then in self._states
        )

    def _may(self, node: Candidate, left: int) -> bool:
        used = self._most - left
        return used < node.free

    def _choose(
        self, node: Candidate, above: list[int], below: _Table, at: tuple[int, int]
    ) -> tuple[Vector, bytes]:
        state, left = at
        best = below.at(state, left)
        vector = best[:-1] if best is not None else [0] * len(above)
        chosen = bytearray(len(above))
        for option, (ttl, gain) in enumerate(node.options if self._may(node, left) else (), 1):
            if state == _SHORT and ttl is Ttl.ONE_HOUR:
                continue
            value = _last(below.at(self._then(ttl), left - 1)) + node.depth * gain
            for index, depth in enumerate(above):
                marked = value - depth * gain
                if marked > vector[index]:
                    vector[index] = marked
                    chosen[index] = option
        return vector, bytes(chosen)

    def _then(self, ttl: Ttl) -> int:
        return _SHORT if self._found.is_mixed and ttl is Ttl.FIVE_MINUTES else _ANY

    def _forced(self, node: Candidate, gain: int, below: _Table) -> _Table:
        """A mark that is there already begins a new stretch, whatever is left."""
        above = self._found.depths_above(node)
        rows = []
        for state in self._states:
            values = [_last(vector) for vector in below.vectors[state]]
            rows.append(tuple([(node.depth - a) * gain + value for a in above] for value in values))
        return _Table(tuple(rows))

    def _add(self, total: _Table, table: _Table) -> _Table:
        rows = []
        for state in self._states:
            row: list[Vector] = []
            for left in range(self._most + 1):
                first, second = total.at(state, left), table.at(state, left)
                if (
                    left
                    and first is total.at(state, left - 1)
                    and second is table.at(state, left - 1)
                ):
                    row.append(row[-1])
                else:
                    row.append(_sum(first, second))
            rows.append(tuple(row))
        return _Table(tuple(rows))


def _sum(first: Vector, second: Vector) -> Vector:
    if first is None:
        return second
    if second is None:
        return first
    return list(map(int.__add__, first, second))


def _head(vector: Vector) -> Vector:
    """What is below a node, as seen from above it: the node itself is not marked."""
    return None if vector is None else vector[:-1]


def _first(vector: Vector) -> int:
    return 0 if vector is None else vector[0]


def _last(vector: Vector) -> int:
    return 0 if vector is None else vector[-1]


def _walk(found: Candidates, choices: list[_Choices | None], most: int) -> dict[int, Ttl]:
    """The marks that the choices lead to, from the top."""
    marks: dict[int, Ttl] = {}
    # For those below each candidate: the nearest mark's place, lifetimes allowed, marks left.
    seen: list[tuple[int, int, int]] = []
    for number, node in enumerate(found.nodes):
        nearest, state, left = seen[node.above] if node.above is not None else (0, _ANY, most)
        choice = choices[number]
        if choice is None:
            seen.append((node.level + 1, state, left))
            continue
        option = choice.picks[state][left][nearest]
        if not option:
            seen.append((nearest, state, left))
            continue
        ttl = node.options[option - 1][0]
        marks[node.node] = ttl
        short = found.is_mixed and ttl is Ttl.FIVE_MINUTES
        seen.append((node.level + 1, _SHORT if short else _ANY, left - 1))
    return marks
