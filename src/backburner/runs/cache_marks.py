"""The cache marks of a run: what its requests share is found, decided on, and marked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from backburner.plan.caching.choices import (
    CachePlan,
    CachePolicy,
    Choice,
    Part,
    Shared,
    choose_marks,
    describe,
)
from backburner.plan.caching.terms import CacheTerms, Ttl
from backburner.plan.preflight import MAX_REQUEST_BYTES
from backburner.plan.tokens import Tokenizer, features_of, tokenizer_of
from backburner.runs.blocks import Prompt, Section, read_prompt, text_of
from backburner.runs.marking import added_marks, marked
from backburner.runs.prefixes import Prefixes, borders
from backburner.runs.segments import Bodies

MANY: Final = 1_000
"""From so many rows on, their number makes no difference to a mark."""

_MOST_WAITING_BYTES: Final = 16_000_000

_SAMPLES: Final = 8
"""Prompts in which tokens are estimated; those of the others follow from their bytes."""

_BYTES_UNTIL_4_6: Final = 280
_BYTES_FROM_4_7: Final = 200
"""Bytes of a hundred tokens of dense text, by which a request is too short to be looked at.

Source: ctok 1.3.0, an unofficial counter: prose and code have more, rows of numbers have less.
"""

_PARTS: Final = {
    Section.TOOLS: Part.TOOLS,
    Section.SYSTEM: Part.SYSTEM,
    Section.MESSAGES: Part.MESSAGES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAdvice:
    """On what terms marks are decided.

    Attributes:
        terms: Of a model; None for one without a price, whose requests are left alone.
    """

    policy: CachePolicy
    terms: Callable[[str], CacheTerms | None]


@dataclass(frozen=True, slots=True)
class Marks:
    """What is to be marked: the lifetime by the digest of the prefix."""

    by_digest: Mapping[bytes, Ttl]

    def __bool__(self) -> bool:
        return bool(self.by_digest)

    def add_to(self, body: bytes) -> bytes:
        """A body with its marks; the same body where it gets none."""
        prompt = read_prompt(body)
        if prompt is None:
            return body
        wanted = {
            border.block: ttl
            for border in borders(prompt)
            if (ttl := self.by_digest.get(border.digest)) is not None
        }
        added = added_marks(prompt, wanted)
        if not added:
            return body
        whole = marked(prompt, added)
        return whole if len(whole) <= MAX_REQUEST_BYTES else body


class ListMarks:
    """Looks at the requests of a list, and decides when all were seen."""

    def __init__(self, advice: CacheAdvice) -> None:
        self._advice = advice
        self._models: dict[str, _Watched] = {}
        self._shortest: dict[str, int] = {}

    def look(self, body: bytes, model: str) -> None:
        """Count a request in; one that is too short to be cached costs a look at its length."""
        shortest = self._shortest.get(model)
        if shortest is None:
            shortest = self._begin(model)
        if len(body) < shortest:
            return
        prompt = read_prompt(body)
        if prompt is not None and model in self._models:
            self._models[model].add(prompt)

    def _begin(self, model: str) -> int:
        terms = self._advice.terms(model)
        shortest = MAX_REQUEST_BYTES + 1
        if terms is not None:
            shortest = _shortest(model, terms)
            self._models[model] = _Watched(model, terms, shortest=shortest)
        self._shortest[model] = shortest
        return shortest

    def decide(self) -> tuple[Marks, CachePlan]:
        """The marks that the requests get."""
        marks: dict[bytes, Ttl] = {}
        choices: list[Choice] = []
        for watched in self._models.values():
            if len(watched.prefixes):
                shared = watched.shared()
                chosen = choose_marks(shared, watched.terms, self._advice.policy)
                digests = watched.prefixes.digests
                marks.update((digests[node], ttl) for node, ttl in chosen.items())
                choices.extend(describe(shared, chosen, watched.terms, self._advice.policy))
        return Marks(marks), CachePlan(policy=self._advice.policy, choices=tuple(choices))


class _Watched:
    """What was seen of the requests to one model."""

    def __init__(self, model: str, terms: CacheTerms, *, shortest: int) -> None:
        self.model = model
        self.terms = terms
        self.prefixes = Prefixes(shortest)
        self._tokenizer = tokenizer_of(model)
        self._samples = self._sampled_bytes = self._sampled_tokens = 0

    def add(self, prompt: Prompt, requests: int = 1, until: Section = Section.MESSAGES) -> None:
        """Count a prompt in, up to the end of a section."""
        self.prefixes.add(prompt, requests, until)
        if self._samples < _SAMPLES:
            self._samples += 1
            for block in prompt.blocks:
                if block.section <= until and block.text_bytes:
                    text = text_of(prompt, block)
                    self._sampled_tokens += self._tokenizer.tokens(features_of(text))
                    self._sampled_bytes += block.text_bytes

    def shared(self) -> Shared:
        """What they have in common."""
        parts = [_PARTS[section] for section in self.prefixes.sections]
        ratio = max(100 * self._sampled_bytes // max(self._sampled_tokens, 1), 1)
        return Shared(model=self.model, trie=self.prefixes.trie(ratio), parts=parts)


def _shortest(model: str, terms: CacheTerms) -> int:
    """Bytes of a request below which it is surely too short to be cached."""
    is_old = tokenizer_of(model) is Tokenizer.UNTIL_4_6
    ratio = _BYTES_UNTIL_4_6 if is_old else _BYTES_FROM_4_7
    return -(-terms.minimum_tokens * ratio // 100)


class TableMarks:
    """Takes the bodies of a table's rows, and marks what all of them begin with.

    All rows have the same tools and the same system prompt, so one decision does for all. It waits
    for a thousand of them, since how many there are matters only while they are few.

    Args:
        taker: Takes the bodies as they travel.
        sample: The body of any row; None of a body that nothing should be added to.
    """

    def __init__(
        self, taker: Bodies, advice: CacheAdvice, model: str, sample: Prompt | None
    ) -> None:
        self._taker = taker
        self._policy = advice.policy
        self._model = model
        self._sample = sample
        self._terms = None if sample is None else advice.terms(model)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._edges: _Edges | None = None
        self._marks: Mapping[bytes, Ttl] | None = None
        self._requests = 0

    def add(self, body: bytes) -> None:
        """Take a row's body."""
        self._requests += 1
        if self._marks is not None:
            self._pass_on(body)
            return
        self._waiting.append(body)
        self._waiting_bytes += len(body)
        if len(self._waiting) == MANY or self._waiting_bytes >= _MOST_WAITING_BYTES:
            self._decide()

    def finish(self) -> CachePlan:
        """Pass on what waits; gives what was decided, now that the rows are counted."""
        if self._marks is None:
            self._decide()
        watched = self._watched(self._requests)
        if watched is None:
            return CachePlan(policy=self._policy)
        shared, digests = watched.shared(), watched.prefixes.digests
        marks = {node: ttl for node, one in enumerate(digests) if (ttl := self._lifetime(one))}
        choices = tuple(describe(shared, marks, watched.terms, self._policy))
        return CachePlan(policy=self._policy, choices=choices)

    def _decide(self) -> None:
        # A prefix of all rows is shared with those of other runs too, so one row is no reason
        # against what a person asks for.
        least = 2 if self._policy is CachePolicy.ALWAYS else 1
        self._marks = {}
        watched = self._watched(max(self._requests, least))
        if watched is not None and self._sample is not None:
            chosen = choose_marks(watched.shared(), watched.terms, self._policy)
            digests = watched.prefixes.digests
            self._marks = {digests[node]: ttl for node, ttl in chosen.items()}
            self._edges = _edges(self._sample, self._marks)
        for body in self._waiting:
            self._pass_on(body)
        self._waiting.clear()

    def _watched(self, requests: int) -> "_Watched | None":
        if self._sample is None or self._terms is None or not requests:
            return None
        watched = _Watched(self._model, self._terms, shortest=0)
        watched.add(self._sample, requests, Section.SYSTEM)
        return watched

    def _lifetime(self, digest: bytes) -> Ttl | None:
        return None if self._marks is None else self._marks.get(digest)

    def _pass_on(self, body: bytes) -> None:
        edges = self._edges
        self._taker.add(body if edges is None else edges.around(body))


@dataclass(frozen=True, slots=True)
class _Edges:
    """What stands around the prompt in every row's body, without marks and with them."""

    plain: tuple[int, int]
    before: bytes
    after: bytes

    def around(self, body: bytes) -> bytes:
        """The body of a row with its marks."""
        before, after = self.plain
        whole = self.before + body[before : len(body) - after] + self.after
        return whole if len(whole) <= MAX_REQUEST_BYTES else body


def _edges(sample: Prompt, by_digest: Mapping[bytes, Ttl]) -> _Edges | None:
    wanted = {
        border.block: ttl
        for border in borders(sample)
        if (ttl := by_digest.get(border.digest)) is not None
    }
    added = added_marks(sample, wanted)
    if not added:
        return None
    place = sample.blocks[-1]
    whole = len(sample.body)
    return _Edges(
        (place.start, whole - place.end),
        marked(sample, added, 0, place.start),
        marked(sample, added, place.end, whole),
    )
