"""The cache marks of a table: one decision for what all of its rows begin with."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from backburner.plan.caching.choices import CachePlan, CachePolicy, Tried, describe
from backburner.plan.caching.terms import Ttl
from backburner.plan.preflight import MAX_REQUEST_BYTES
from backburner.plan.tokens import features_of, tokenizer_of
from backburner.runs.blocks import Prompt, Section
from backburner.runs.cache_marks import CacheAdvice, Watched, wanted_marks
from backburner.runs.marking import added_marks, marked
from backburner.runs.segments import Bodies

MANY: Final = 1_000
"""From so many rows on, their number makes no difference to a mark."""

_MOST_WAITING_BYTES: Final = 16_000_000

_FEW: Final = 8
"""Less than an eighth of what a model caches at least is no loss worth a word."""


class TableMarks:
    """Takes the bodies of a table's rows, and marks what all of them begin with.

    All rows have the same tools and the same system prompt, so one decision does for all. It waits
    for a thousand of them, since how many there are matters only while they are few.

    Args:
        taker: Takes the bodies as they travel.
        sample: The body of any row; None of a body that nothing should be added to.
        lead: Told which requests go first, before any of them is passed on.
    """

    def __init__(
        self,
        taker: Bodies,
        advice: CacheAdvice,
        model: str,
        sample: Prompt | None,
        lead: Callable[[frozenset[int]], None],
    ) -> None:
        self._taker = taker
        self._lead = lead
        self._leads: frozenset[int] = frozenset()
        self._advice = advice
        self._policy = advice.policy
        self._model = model
        self._sample = sample
        self._terms = None if sample is None else advice.terms(model)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._edges: _Edges | None = None
        self._marks: Mapping[bytes, Ttl] | None = None
        self._requests = 0
        self._left: int | None = None
        self._tried: Tried | None = None
        self._start_tokens = 0

    @property
    def lost_tokens(self) -> int:
        """Tokens that all prompts begin with, where a mark behind them would pay.

        None can stand there: a mark ends a block, and the prompt of a row is one block.
        """
        terms, start = self._terms, self._start_tokens
        if terms is None or start * _FEW < terms.minimum_tokens:
            return 0
        watched = self._watched(self._requests)
        shared = 0 if watched is None else max(watched.shared().trie.depths(), default=0)
        pays = max(terms.gain(self._requests, ttl) for ttl in Ttl) > 0
        return start if pays and shared + start >= terms.minimum_tokens else 0

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
        led = watched.choose(self._advice)
        terms = led.terms if self._leads else watched.terms
        known = () if self._tried is None else (self._tried.choice,)
        return CachePlan(
            policy=self._policy,
            choices=known or tuple(describe(shared, marks, terms, self._policy)),
            waves=() if led.wave is None else (led.wave,),
            leads=tuple(self._leads),
        )

    def _decide(self) -> None:
        # A prefix of all rows is shared with those of other runs too, so one row is no reason
        # against what a person asks for.
        least = 2 if self._policy is CachePolicy.ALWAYS else 1
        self._marks = {}
        watched = self._watched(max(self._requests, least))
        if watched is not None and self._sample is not None:
            led = watched.choose(self._advice)
            digests = watched.prefixes.digests
            self._marks = {digests[node]: ttl for node, ttl in led.marks.items()}
            if led.tried is not None:
                self._tried, self._left = led.tried, led.tried.trial.requests
            if led.leaders:
                # All rows begin alike, so the first of them leads.
                self._leads = frozenset({0})
                self._lead(self._leads)
            self._edges = _edges(self._sample, self._marks)
        self._start_tokens = self._common_start()
        for body in self._waiting:
            self._pass_on(body)
        self._waiting.clear()

    def _common_start(self) -> int:
        """Tokens that the prompts of those that wait begin with."""
        if self._sample is None or not self._waiting[1:]:
            return 0
        place = self._sample.blocks[-1].start + 1
        least, most = (one(self._waiting)[place:] for one in (min, max))
        longest = range(min(len(least), len(most)) + 1)
        same = bisect_left(longest, 1, key=lambda size: least[:size] != most[:size]) - 1
        text = least[:same].decode(errors="ignore")
        return tokenizer_of(self._model).tokens(features_of(text))

    def _watched(self, requests: int) -> "Watched | None":
        if self._sample is None or self._terms is None or not requests:
            return None
        watched = Watched(self._model, self._terms, shortest=0)
        watched.add(self._sample, requests, Section.SYSTEM)
        return watched

    def _lifetime(self, digest: bytes) -> Ttl | None:
        return None if self._marks is None else self._marks.get(digest)

    def _pass_on(self, body: bytes) -> None:
        if self._left == 0:
            self._taker.add(body)
            return
        if self._left is not None:
            self._left -= 1
        self._taker.add(self.mark(body))

    def mark(self, body: bytes) -> bytes:
        """A row's body with its marks, once that is decided."""
        return body if self._edges is None else self._edges.around(body)


@dataclass(frozen=True, slots=True)
class _Edges:
    """What stands around the prompt in every row's body, without marks and with them."""

    plain: tuple[bytes, bytes]
    before: bytes
    after: bytes

    def around(self, body: bytes) -> bytes:
        """The body of a row with its marks."""
        before, after = self.plain
        if not (body.startswith(before) and body.endswith(after)):
            # A pack that holds fewer rows than the others.
            return body
        whole = self.before + body[len(before) : len(body) - len(after)] + self.after
        return whole if len(whole) <= MAX_REQUEST_BYTES else body


def _edges(sample: Prompt, by_digest: Mapping[bytes, Ttl]) -> _Edges | None:
    added = added_marks(sample, wanted_marks(sample, by_digest))
    if not added:
        return None
    place = sample.blocks[-1]
    return _Edges(
        (sample.body[: place.start], sample.body[place.end :]),
        marked(sample, added, 0, place.start),
        marked(sample, added, place.end, len(sample.body)),
    )
