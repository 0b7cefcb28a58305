"""The cache marks of a list: what its requests share is found, decided on, and marked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from backburner.plan.caching.choices import (
    CachePlan,
    CachePolicy,
    Choice,
    Part,
    Shared,
)
from backburner.plan.caching.leading import (
    MOST_STRETCHES,
    Led,
    WaveWish,
    choose,
    stretches,
    without_leaders,
)
from backburner.plan.caching.terms import CacheTerms, Ttl
from backburner.plan.preflight import MAX_REQUEST_BYTES
from backburner.plan.tokens import Tokenizer, features_of, tokenizer_of
from backburner.runs.blocks import Prompt, Section, read_prompt, text_of
from backburner.runs.marking import added_marks, marked
from backburner.runs.prefixes import Prefixes, borders

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
        wish: What is asked of leaders of a model's requests; None where nothing is to be said.
        unmarked: Input tokens sent to a model since marks were last tried.
    """

    policy: CachePolicy
    terms: Callable[[str], CacheTerms | None]
    wish: Callable[[str], WaveWish | None] = lambda _model: None
    unmarked: Callable[[str], int] = lambda _model: 0


@dataclass(frozen=True, slots=True)
class Marks:
    """What is to be marked: the lifetime by the digest of the prefix.

    Attributes:
        shortest_bytes: Of the shortest of these prefixes.
        leaders: The numbers of the requests that go first.
        few: Prefixes of which only so many requests are marked.
    """

    by_digest: Mapping[bytes, Ttl]
    shortest_bytes: int = 0
    leaders: frozenset[int] = frozenset()
    few: dict[bytes, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_digest or self.leaders)

    def add_to(self, body: bytes) -> bytes:
        """A body with its marks; the same body where it gets none."""
        prompt = read_prompt(body) if len(body) >= self.shortest_bytes else None
        if prompt is None:
            return body
        wanted = wanted_marks(prompt, self.by_digest)
        added = added_marks(prompt, wanted)
        if not added or not self._may(prompt):
            return body
        whole = marked(prompt, added)
        return whole if len(whole) <= MAX_REQUEST_BYTES else body

    def _may(self, prompt: Prompt) -> bool:
        """Whether a trial, if the prompt is of one, needs another request; it counts it in."""
        if not self.few:
            return True
        tried = [border.digest for border in borders(prompt) if border.digest in self.few]
        for digest in tried:
            self.few[digest] -= 1
        return all(self.few[digest] >= 0 for digest in tried)


def wanted_marks(prompt: Prompt, by_digest: Mapping[bytes, Ttl]) -> dict[int, Ttl]:
    """The marks of a prompt by the number of their block."""
    return {
        border.block: ttl
        for border in borders(prompt)
        if (ttl := by_digest.get(border.digest)) is not None
    }


class ListMarks:
    """Looks at the requests of a list, and decides when all were seen."""

    def __init__(self, advice: CacheAdvice) -> None:
        self._advice = advice
        self._models: dict[str, Watched] = {}
        self._shortest: dict[str, int] = {}
        self._seen = 0

    def look(self, body: bytes, model: str) -> None:
        """Count a request in; one that is too short to be cached costs a look at its length."""
        number, self._seen = self._seen, self._seen + 1
        shortest = self._shortest.get(model)
        if shortest is None:
            shortest = self._begin(model)
        if len(body) < shortest:
            return
        prompt = read_prompt(body)
        if prompt is not None and model in self._models:
            self._models[model].add(prompt, number=number)

    def _begin(self, model: str) -> int:
        terms = self._advice.terms(model)
        shortest = MAX_REQUEST_BYTES + 1
        if terms is not None:
            shortest = _shortest(model, terms)
            self._models[model] = Watched(model, terms, shortest=shortest)
        self._shortest[model] = shortest
        return shortest

    def decide(self) -> tuple[Marks, CachePlan]:
        """The marks that the requests get."""
        policy = self._advice.policy
        watched = [one for one in self._models.values() if len(one.prefixes)]
        chosen = [one.choose(self._advice) for one in watched]
        leads = _numbers(watched, chosen)
        if stretches(leads) > MOST_STRETCHES:
            leads = frozenset()
            chosen = [
                without_leaders(one.shared(), one.terms, led)
                for one, led in zip(watched, chosen, strict=True)
            ]
        marks: dict[bytes, Ttl] = {}
        choices: list[Choice] = []
        few: dict[bytes, int] = {}
        shortest = MAX_REQUEST_BYTES
        for one, led in zip(watched, chosen, strict=True):
            digests = one.prefixes.digests
            marks.update((digests[node], ttl) for node, ttl in led.marks.items())
            sizes = (one.prefixes.text_bytes(node) for node in led.marks)
            shortest = min(shortest, *sizes, MAX_REQUEST_BYTES)
            choices.extend(led.choices(one.shared(), policy))
            if led.tried is not None:
                few[digests[led.tried.node]] = led.tried.trial.requests
        plan = CachePlan(
            policy=policy,
            choices=tuple(choices),
            waves=tuple(led.wave for led in chosen if led.wave is not None),
            leads=tuple(sorted(leads)),
        )
        return Marks(marks, shortest, leads, few), plan


def _numbers(watched: "list[Watched]", chosen: list[Led]) -> frozenset[int]:
    """The requests that go first: the first with each prefix that is led."""
    return frozenset(
        one.prefixes.firsts[node]
        for one, led in zip(watched, chosen, strict=True)
        for node in led.leaders
    )


class Watched:
    """What was seen of the requests to one model."""

    def __init__(self, model: str, terms: CacheTerms, *, shortest: int) -> None:
        self.model = model
        self.terms = terms
        self.prefixes = Prefixes(shortest)
        self._tokenizer = tokenizer_of(model)
        self._samples = self._sampled_bytes = self._sampled_tokens = 0

    def add(
        self,
        prompt: Prompt,
        requests: int = 1,
        until: Section = Section.MESSAGES,
        number: int = 0,
    ) -> None:
        """Count a prompt in, up to the end of a section."""
        self.prefixes.add(prompt, requests, until, number)
        if self._samples < _SAMPLES:
            self._samples += 1
            for block in prompt.blocks:
                if block.section <= until and block.text_bytes:
                    text = text_of(prompt, block)
                    self._sampled_tokens += self._tokenizer.tokens(features_of(text))
                    self._sampled_bytes += block.text_bytes

    def choose(self, advice: CacheAdvice) -> Led:
        """What they are marked with, and which of them lead."""
        return choose(
            self.shared(),
            self.terms,
            advice.policy,
            advice.wish(self.model),
            advice.unmarked(self.model),
        )

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
