"""What a log of calls says: who could have waited, and what the month would have cost instead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import Via
from backburner.nouns.money import Money
from backburner.nouns.tariff import Tariff
from backburner.plan.pricing import priced
from backburner.plan.smaller_models import next_smaller
from backburner.plan.waiting import Finding, OwnRules, Source, Tolerance, judge_source
from backburner.report.calls.prefixes import SharedPrefix
from backburner.report.calls.tally import SourceTally, Tally

LOW_HITS, HIGH_HITS = 30, 98
"""Hit rates of the cache in batches, in percent.

Source: platform.claude.com batch-processing (prompt caching), 2026-09-26.
"""

_DAY: Final = 86400.0
_MONTH_DAYS: Final = 30
_LEAST_DAYS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A source with where it stands.

    Attributes:
        is_priced: Whether the price of its model is known; else its sums are nothing.
        lost: What batches would have saved; nothing where somebody waited.
        cheaper: A cheaper model for its short answers; None where there is none.
        oversized: What that model would have saved on them, by the service they came by.
    """

    source: Source
    finding: Finding
    calls: int
    is_priced: bool
    paid: Money
    sync: Money
    batch: Money
    lost: Money
    cheaper: str | None
    short_calls: int
    oversized: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An amount of which the log tells the bounds."""

    low: Money
    high: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What the same calls would have cost otherwise.

    Each but the first two builds on the one before it. High is what is certain: only what is known
    to wait is moved, 30 % of possible cache reads happen. Low moves what is unknown as well, with
    98 %.
    """

    as_it_was: Money
    all_sync: Money
    in_batches: Range
    with_caching: Range
    with_cheaper_models: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPrefix:
    """A shared beginning, and what a mark would have saved as its calls came."""

    shared: SharedPrefix
    low: Money
    high: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a log of calls says.

    Attributes:
        by_tolerance: What was paid, by who waited.
        days: What the log spans, at least one day.
        sources: The dearest first.
        prefixes: Those whose mark would save the most, first.
        repeats: Calls that repeat an earlier one's whole body, and what they cost.
        unpriced: Calls by model, of models without a known price. They are in no sum of money.
    """

    calls: int
    days: float
    paid: Money
    by_tolerance: Mapping[Tolerance, Money]
    sources: tuple[Judged, ...]
    prefixes: tuple[CachedPrefix, ...]
    repeats: int
    repeats_paid: Money
    policies: Policies
    unpriced: Mapping[str, int]

    @property
    def lost(self) -> Range:
        """What not batching cost: for certain, and if all that is unknown could have waited."""
        certain = Money.total(one.lost for one in self.sources if _waits(one))
        unknown = Money.total(
            one.sync - one.batch
            for one in self.sources
            if one.finding.tolerance is Tolerance.UNKNOWN
        )
        return Range(low=certain, high=certain + unknown)

    @property
    def oversized(self) -> Money:
        """What short answers cost more than by the next cheaper model."""
        return Money.total(one.oversized for one in self.sources if one.oversized > Money.zero())

    def a_month(self, amount: Money) -> Money:
        """An amount of the whole log as one of 30 days."""
        scaled = amount.picodollars * _MONTH_DAYS / self.days
        return Money(picodollars=round(scaled))


def audit(tally: Tally, tariff: Tariff, own: OwnRules) -> Audit:
    """Judge every source, and reckon its calls anew under other policies."""
    judged = tuple(
        sorted(
            (_judged(source, one, tariff, own) for source, one in tally.sources.items()),
            key=lambda one: (-one.paid.picodollars, one.source),
        )
    )
    tolerances = {one.source: one.finding.tolerance for one in judged}
    prefixes = tuple(_prefixes(tally, tariff, tolerances))
    repeats, repeats_paid = tally.repeats.found()
    return Audit(
        calls=tally.calls,
        days=max(_LEAST_DAYS, (tally.last_at - tally.first_at) / _DAY) if tally.calls else 1.0,
        paid=Money.total(one.paid for one in judged),
        by_tolerance={
            tolerance: Money.total(one.paid for one in judged if one.finding.tolerance is tolerance)
            for tolerance in Tolerance
        },
        sources=judged,
        prefixes=tuple(sorted(prefixes, key=lambda one: -one.high.picodollars)),
        repeats=repeats,
        repeats_paid=Money(picodollars=repeats_paid),
        policies=_policies(judged, prefixes),
        unpriced=dict(tally.unpriced),
    )


def _judged(source: Source, one: SourceTally, tariff: Tariff, own: OwnRules) -> Judged:
    finding = judge_source(source, one.habits, own)
    can_wait = finding.tolerance is Tolerance.CAN_WAIT
    cheaper = next_smaller(source.model, tariff) if one.short_calls else None
    return Judged(
        source=source,
        finding=finding,
        calls=one.calls,
        is_priced=not one.unpriced,
        paid=Money(picodollars=one.paid),
        sync=Money(picodollars=one.sync),
        batch=Money(picodollars=one.batch),
        lost=Money(picodollars=one.sync - one.batch if can_wait else 0),
        cheaper=cheaper,
        short_calls=one.short_calls if cheaper else 0,
        oversized=Money(picodollars=_oversized(source, one, tariff, cheaper)),
    )


def _oversized(source: Source, one: SourceTally, tariff: Tariff, cheaper: str | None) -> int:
    if cheaper is None:
        return 0
    via = Via.BATCH if source.is_batched else Via.DIRECT
    mean = one.short.prompt_tokens // one.short_calls
    then, now = (tariff.price(name).rates(mean, via) for name in (source.model, cheaper))
    return priced(then, one.short) - priced(now, one.short)


def _prefixes(
    tally: Tally, tariff: Tariff, tolerances: Mapping[Source, Tolerance]
) -> Iterator[CachedPrefix]:
    for shared in tally.prefixes.shared():
        price = tariff.price(shared.source.model)
        moved_low = tolerances[shared.source] in (Tolerance.CAN_WAIT, Tolerance.BATCHED)
        moved_high = moved_low or tolerances[shared.source] is Tolerance.UNKNOWN
        yield CachedPrefix(
            shared=shared,
            low=Money(picodollars=shared.saving(price, _via(moved=moved_low), LOW_HITS)),
            high=Money(picodollars=shared.saving(price, _via(moved=moved_high), HIGH_HITS)),
        )


def _via(*, moved: bool) -> Via:
    return Via.BATCH if moved else Via.DIRECT


def _waits(one: Judged) -> bool:
    return one.finding.tolerance is Tolerance.CAN_WAIT


def _policies(judged: tuple[Judged, ...], prefixes: tuple[CachedPrefix, ...]) -> Policies:
    certain = Money.total(_moved(one, also_unknown=False) for one in judged)
    likely = Money.total(_moved(one, also_unknown=True) for one in judged)
    cached = Range(
        low=likely - Money.total(one.high for one in prefixes),
        high=certain - Money.total(one.low for one in prefixes),
    )
    smaller = Range(
        low=cached.low - Money.total(_smaller(one, also_unknown=True) for one in judged),
        high=cached.high - Money.total(_smaller(one, also_unknown=False) for one in judged),
    )
    return Policies(
        as_it_was=Money.total(one.paid for one in judged),
        all_sync=Money.total(one.sync for one in judged),
        in_batches=Range(low=likely, high=certain),
        with_caching=cached,
        with_cheaper_models=smaller,
    )


def _is_moved(one: Judged, *, also_unknown: bool) -> bool:
    return _waits(one) or (also_unknown and one.finding.tolerance is Tolerance.UNKNOWN)


def _moved(one: Judged, *, also_unknown: bool) -> Money:
    """What a source costs when it travels in batches wherever nobody waits."""
    return one.batch if _is_moved(one, also_unknown=also_unknown) else one.paid


def _smaller(one: Judged, *, also_unknown: bool) -> Money:
    """What a smaller model saves on short answers, at the rates the source travels by then."""
    halves = 2 if _is_moved(one, also_unknown=also_unknown) else 1
    return Money(picodollars=one.oversized.picodollars // halves)
