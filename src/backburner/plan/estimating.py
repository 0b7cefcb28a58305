"""What work will cost, before any of it is sent: ranges, each with what to reckon with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import Final

from backburner.nouns.batch import Via
from backburner.nouns.money import Money
from backburner.nouns.tariff import ModelPrice, Tariff
from backburner.plan.caching.choices import CachePlan
from backburner.plan.caching.terms import cache_minimum
from backburner.plan.inputs import UNCOUNTED, Correction, Inputs, Share, inputs_of
from backburner.plan.outputs import Answered, outputs_of
from backburner.plan.ranges import PriceRange, TokenRange
from backburner.plan.workloads import Workload

HIT_RATES: Final = (0.3, 0.6, 0.98)
"""What share of cached prompts is read in a batch: the ends, and one between them.

Source: platform.claude.com batch-processing, 2026-09-26: 30 % to 98 %, by traffic pattern.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a workload besides what it holds.

    Attributes:
        answered: Answers like those that are expected.
        correction: What counting some of its requests said.
        hit_rate: How often marked prompts are read from the cache; None where that is not known.
    """

    answered: Answered | None = None
    correction: Correction = UNCOUNTED
    hit_rate: float | None = None


NOTHING_KNOWN: Final = Known()


def planned_hit_rate(plan: CachePlan | None, model: str) -> float | None:
    """The share of a model's marked tokens that a plan expects to be read; None without marks."""
    marked = [] if plan is None else [one for one in plan.marked if one.model == model]
    tokens = sum(one.marked_tokens for one in marked)
    if not tokens:
        return None
    return sum(one.expected_reads * one.marked_tokens for one in marked) / tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What work will cost, as ranges.

    Attributes:
        price: In batches, as it will be sent: with its cache marks, if it has any.
        sync: The same calls sync, without caching.
        uncached: In batches, without caching.
        cached: In batches, by the share of marked prompts that is read; empty without marks.
        ceiling: In batches, if every answer is as long as its `max_tokens`.
        without_files: Requests with images or documents, which are in no figure.
        pages: Pages of PDFs that are reckoned with; 0 where requests were counted.
        counted: Requests that were counted; 0 where all tokens come from the fit.
        answered: What the length of answers was taken from.
        price_date: The oldest date of the prices used.
    """

    requests: int
    input_tokens: TokenRange
    output_tokens: TokenRange
    price: PriceRange
    sync: PriceRange
    uncached: PriceRange
    cached: tuple[tuple[float, PriceRange], ...]
    ceiling: Money
    without_files: int
    counted: int
    answered: tuple[Answered, ...]
    price_date: date
    pages: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            requests=self.requests + other.requests,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            price=self.price + other.price,
            sync=self.sync + other.sync,
            uncached=self.uncached + other.uncached,
            cached=_together(self, other),
            ceiling=self.ceiling + other.ceiling,
            without_files=self.without_files + other.without_files,
            counted=self.counted + other.counted,
            answered=tuple(dict.fromkeys((*self.answered, *other.answered))),
            price_date=min(self.price_date, other.price_date),
            pages=self.pages + other.pages,
        )


def estimate(
    tariff: Tariff, work: Workload, known: Known = NOTHING_KNOWN, via: Via = Via.BATCH
) -> Estimate:
    """The price of requests to one model before any of them is sent.

    Input tokens come from a sample of the bodies, by a fit to real text or by what the counting
    endpoint said of some of them; output tokens from answers like theirs, with `max_tokens` as the
    ceiling. Of marked prompts all but a few are read for the low figure, and none for the high
    one. Images of requests that were not counted, documents whose size is not known, server tools,
    and second attempts of requests that were answered and billed before are in no figure.

    Raises:
        ModelUnknown: The tariff has no such model.
    """
    price = tariff.price(work.model)
    inputs = inputs_of(work, known.correction)
    outputs = outputs_of(work.requests, work.max_output_tokens, known.answered)
    minimum = cache_minimum(work.model, estimated=False)
    till = _Till(price, inputs, outputs, minimum, via)
    marked = any(share.ttl for share in inputs.shares)
    return Estimate(
        requests=work.requests,
        input_tokens=inputs.tokens,
        output_tokens=outputs,
        price=till.as_sent(known.hit_rate) if marked else till.range(via),
        sync=till.range(Via.DIRECT),
        uncached=till.range(via),
        cached=tuple((rate, till.range(via, rate)) for rate in HIT_RATES) if marked else (),
        ceiling=till.ceiling(work.max_output_tokens, 0.0 if marked else None),
        without_files=inputs.without_files,
        counted=known.correction.requests,
        answered=(known.answered,) if known.answered else (),
        price_date=price.as_of,
        pages=inputs.pages,
    )


def estimate_all(
    tariff: Tariff,
    works: Iterable[Workload],
    known: Callable[[Workload], Known] = lambda _work: NOTHING_KNOWN,
    via: Via = Via.BATCH,
) -> Estimate | None:
    """The price of requests to several models together; None without any.

    Raises:
        ModelUnknown: The tariff lacks one of them.
    """
    parts = [estimate(tariff, work, known(work), via) for work in works]
    return reduce(add, parts) if parts else None


def _together(one: Estimate, other: Estimate) -> tuple[tuple[float, PriceRange], ...]:
    """Prices by hit rate of two workloads; one without marks costs the same at any rate."""
    if not (one.cached or other.cached):
        return ()
    mine = dict(one.cached) or dict.fromkeys(HIT_RATES, one.uncached)
    theirs = dict(other.cached) or dict.fromkeys(HIT_RATES, other.uncached)
    return tuple((rate, mine[rate] + theirs[rate]) for rate in HIT_RATES)


class _Till:
    """Prices one workload's tokens, under one assumption or another."""

    def __init__(
        self, price: ModelPrice, inputs: Inputs, outputs: TokenRange, minimum: int, via: Via
    ) -> None:
        self._via = via
        self._prices = {geo: price.located(geo) for geo in {one.geo for one in inputs.shares}}
        self._shares = inputs.shares
        self._inputs = inputs.tokens
        self._outputs = outputs
        self._minimum = minimum

    def range(self, via: Via, hit_rate: float | None = None) -> PriceRange:
        """The price at one hit rate; without caching, if None."""
        outputs, inputs = self._outputs, self._inputs
        return PriceRange(
            low=self._cost(via, inputs.low, outputs.low, hit_rate),
            expected=self._cost(via, inputs.expected, outputs.expected, hit_rate),
            high=self._cost(via, inputs.high, outputs.high, hit_rate),
        )

    def as_sent(self, hit_rate: float | None) -> PriceRange:
        """The price of marked work, whatever its hit rate will be."""
        ranges = [self.range(self._via, rate) for rate in (0.0, *HIT_RATES)]
        usual = self.range(self._via, HIT_RATES[1] if hit_rate is None else hit_rate)
        return PriceRange(
            low=min(one.low for one in (*ranges, usual)),
            expected=usual.expected,
            high=max(one.high for one in (*ranges, usual)),
        )

    def ceiling(self, output_tokens: int, hit_rate: float | None) -> Money:
        """The price if every answer is as long as it may be."""
        most = max(output_tokens, self._outputs.high)
        return self._cost(self._via, self._inputs.high, most, hit_rate)

    def _cost(
        self, via: Via, input_tokens: int, output_tokens: int, hit_rate: float | None
    ) -> Money:
        scale = input_tokens / self._inputs.expected if self._inputs.expected else 0.0
        paid = rate = requests = 0.0
        for share in self._shares:
            rates = self._prices[share.geo].rates(int(share.tokens * scale), via)
            marked = self._marked(share, scale) if hit_rate is not None else 0.0
            write = rates.cache_write_1h if share.ttl == "1h" else rates.cache_write_5m
            hits = hit_rate or 0.0
            each = (share.tokens * scale - marked) * rates.input
            each += marked * (hits * rates.cache_read + (1 - hits) * write)
            paid += share.copies * each
            rate += share.requests * rates.output
            requests += share.requests
        answers = output_tokens * rate / requests if requests else 0.0
        return Money(picodollars=round(paid + answers))

    def _marked(self, share: Share, scale: float) -> float:
        # By the length that is expected: whether a prefix is cached at all is no part of the range.
        return min(share.marked, share.tokens) * scale if share.marked >= self._minimum else 0.0
