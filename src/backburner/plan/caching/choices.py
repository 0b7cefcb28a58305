"""What is decided of the prompt cache for a run, with the figures that it is decided on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from backburner.plan.caching.breakpoints import plan_marks
from backburner.plan.caching.learning import Trial, trial
from backburner.plan.caching.policies import mark_all
from backburner.plan.caching.terms import MILLION, CacheTerms, Ttl, break_even, cache_minimum
from backburner.plan.caching.trie import ROOT, Trie
from backburner.plan.caching.waves import WaveReason

_SHARED: Final = 2


class CachePolicy(StrEnum):
    """Who decides on cache marks: the figures, nobody, or the person."""

    AUTO = "auto"
    OFF = "off"
    ALWAYS = "always"


class Part(StrEnum):
    """What a prefix ends with; it begins where the prompt does."""

    TOOLS = "tools"
    SYSTEM = "system"
    MESSAGES = "messages"


class Ground(StrEnum):
    """Why a prefix is marked, or is not."""

    PAYS = "pays"
    ASKED = "asked"
    OWN = "own"
    TRIAL = "trial"
    LOSES = "loses"
    SHORT = "short"
    ALONE = "alone"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One choice, on a prefix or on several alike. Token counts are estimates.

    Attributes:
        prefixes: How many prefixes it is about.
        tokens: Of all of them, each counted once, from the mark before it where there is one.
        requests: How many requests begin with one of them.
        marked_tokens: The tokens of all these requests together.
        minimum_tokens: From where the model caches.
        ttl: How long the mark lives; where there is none, how long the best one would.
        hit_rate: How often such a prefix is expected to be read, where it can be.
        break_even: The rate above which the mark pays; None where it never does.
        plain: What these tokens cost without a mark, in picodollars.
        cached: What they are expected to cost with it.
    """

    model: str
    part: Part
    prefixes: int
    tokens: int
    requests: int
    marked_tokens: int
    minimum_tokens: int
    ttl: Ttl
    ground: Ground
    hit_rate: float
    break_even: float | None
    plain: int
    cached: int

    @property
    def is_marked(self) -> bool:
        """Whether the requests carry the mark."""
        return self.ground in (Ground.PAYS, Ground.ASKED, Ground.OWN, Ground.TRIAL)

    @property
    def saving(self) -> int:
        """What the mark is expected to save, in picodollars."""
        return self.plain - self.cached

    @property
    def expected_reads(self) -> float:
        """Of the marked tokens, the share that is expected to be read and not written."""
        if not self.marked_tokens:
            return 0.0
        return self.hit_rate * (1 - self.tokens / self.marked_tokens)


class WaveChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests to one model go first so that the others read what they wrote.

    Attributes:
        is_asked: Whether leaders go first where it saves; else this is what they would save.
        leaders: How many go first, or would.
        requests: All of them, leaders included.
        saved: What that saves beside the best marks in one batch, in picodollars.
    """

    model: str
    reason: WaveReason
    is_asked: bool
    leaders: int
    requests: int
    saved: int


class CachePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All choices of a run.

    Attributes:
        waves: What was decided of leaders, by model.
        leads: The numbers of the requests that go first; none where all go at once.
    """

    policy: CachePolicy
    choices: tuple[Choice, ...] = ()
    waves: tuple[WaveChoice, ...] = ()
    leads: tuple[int, ...] = ()

    @property
    def marked(self) -> tuple[Choice, ...]:
        """Those by which requests carry marks."""
        return tuple(one for one in self.choices if one.is_marked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the requests to one model have in common.

    Attributes:
        parts: What each node of the trie ends.
    """

    model: str
    trie: Trie
    parts: Sequence[Part]


def choose_marks(shared: Shared, terms: CacheTerms, policy: CachePolicy) -> Mapping[int, Ttl]:
    """The nodes to mark, each for how long.

    `auto` marks where it is expected to save; `always` marks for an hour wherever requests share
    what is long enough to be cached.
    """
    match policy:
        case CachePolicy.OFF:
            return {}
        case CachePolicy.AUTO:
            return plan_marks(shared.trie, terms).marks
        case CachePolicy.ALWAYS:
            depths = shared.trie.depths()
            marks = mark_all(shared.trie, Ttl.ONE_HOUR)
            return {at: ttl for at, ttl in marks.items() if depths[at] >= terms.minimum_tokens}


def describe(
    shared: Shared, marks: Mapping[int, Ttl], terms: CacheTerms, policy: CachePolicy
) -> Iterator[Choice]:
    """The choices that marks are: prefixes that end alike and live alike are one of them."""
    groups: dict[tuple[Part, Ttl, Ground], list[_Stretch]] = {}
    for one in _stretches(shared.trie, marks, terms):
        ground = Ground.OWN if one.is_own else _ground(one, terms, policy)
        groups.setdefault((shared.parts[one.node], one.ttl, ground), []).append(one)
    for (part, ttl, ground), stretches in groups.items():
        yield _choice(shared.model, part, ttl, ground, stretches, terms)
    if not groups and (best := _unmarked(shared, terms)) is not None:
        yield best


@dataclass(frozen=True, slots=True)
class Tried:
    """A few requests that are marked to learn whether that pays by now.

    Attributes:
        node: The prefix that they begin with.
        trial: How many of them, and what that can lose.
        choice: The same as a plan says it.
    """

    node: int
    trial: Trial
    choice: Choice


def try_again(shared: Shared, terms: CacheTerms, unmarked_tokens: int) -> Tried | None:
    """A trial of the prefix that most is spent on, where marks were learnt to lose.

    Args:
        shared: What the requests have in common; nothing of it is marked.
        terms: Those by which a mark loses.
        unmarked_tokens: Input tokens sent since marks were last tried.
    """
    if any(shared.trie.own) or not unmarked_tokens or not len(shared.trie):
        return None
    node = _dearest(shared.trie)
    requests, tokens = shared.trie.requests[node], shared.trie.depths()[node]
    ttl = Ttl.FIVE_MINUTES
    found = trial(tokens, requests, terms, ttl, unmarked_tokens)
    if found is None or not shared.trie.free_at(node):
        return None
    stretch = _Stretch(node, ttl, tokens, found.requests, is_own=False)
    choice = _choice(shared.model, shared.parts[node], ttl, Ground.TRIAL, [stretch], terms)
    # Nobody expects it to save: what it says is the worst, that nothing is read.
    worst = choice.plain + int(found.most_lost_tokens * terms.input)
    return Tried(node, found, msgspec.structs.replace(choice, cached=worst))


def _dearest(trie: Trie) -> int:
    """The prefix that most is spent on again."""
    depths = trie.depths()
    return max(range(len(trie)), key=lambda one: (depths[one] * (trie.requests[one] - 1), one))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What lies between a mark and the one before it."""

    node: int
    ttl: Ttl
    tokens: int
    requests: int
    is_own: bool


def _stretches(trie: Trie, marks: Mapping[int, Ttl], terms: CacheTerms) -> Iterator[_Stretch]:
    depths = trie.depths()
    nearest = [0] * len(trie)
    for node, parent in enumerate(trie.parents):
        above = nearest[parent] if parent != ROOT else 0
        own = trie.own_at(node)
        ttl = own or marks.get(node)
        nearest[node] = above
        if ttl is None or (own and depths[node] < terms.minimum_tokens):
            continue
        nearest[node] = depths[node]
        yield _Stretch(node, ttl, depths[node] - above, trie.requests[node], own is not None)


def _ground(one: _Stretch, terms: CacheTerms, policy: CachePolicy) -> Ground:
    if policy is CachePolicy.ALWAYS and terms.gain(one.requests, one.ttl) <= 0:
        return Ground.ASKED
    return Ground.PAYS


def _unmarked(shared: Shared, terms: CacheTerms) -> Choice | None:
    """Why the prefix that most is spent on gets no mark."""
    trie = shared.trie
    if not len(trie):
        return None
    depths, node = trie.depths(), _dearest(trie)
    requests = trie.requests[node]
    if depths[node] < terms.minimum_tokens:
        ground = Ground.SHORT
    else:
        ground = Ground.LOSES if requests >= _SHARED else Ground.ALONE
    ttl = max(Ttl, key=lambda one: terms.gain(requests, one))
    stretch = _Stretch(node, ttl, depths[node], requests, is_own=False)
    return _choice(shared.model, shared.parts[node], ttl, ground, [stretch], terms)


def _choice(
    model: str,
    part: Part,
    ttl: Ttl,
    ground: Ground,
    stretches: Sequence[_Stretch],
    terms: CacheTerms,
) -> Choice:
    requests = sum(one.requests for one in stretches)
    even = break_even(terms, requests // len(stretches), ttl)
    return Choice(
        model=model,
        part=part,
        prefixes=len(stretches),
        tokens=sum(one.tokens for one in stretches),
        requests=requests,
        marked_tokens=sum(one.tokens * one.requests for one in stretches),
        minimum_tokens=cache_minimum(model, estimated=False),
        ttl=ttl,
        ground=ground,
        hit_rate=terms.hits.of(ttl),
        break_even=None if even is None else float(even),
        plain=sum(one.tokens * terms.plain(one.requests) for one in stretches) // MILLION,
        cached=sum(one.tokens * terms.cached(one.requests, ttl) for one in stretches) // MILLION,
    )
