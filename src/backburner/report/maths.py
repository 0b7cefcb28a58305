"""The README's maths: each of its figures, computed by the code that charges for a run."""

from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import Via
from backburner.nouns.money import Money
from backburner.nouns.tariff import Tariff
from backburner.nouns.usage import Usage
from backburner.plan.pricing import cost

TABLE_MODELS: Final = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-7")
"""The models whose prices the README shows."""

MATHS_MODEL: Final = "claude-sonnet-4-6"
"""The model of both examples."""

DRAFTS: Final = 1_000
DRAFT: Final = Usage(input_tokens=20, output_tokens=700)
"""The README's first example: a night's worth of article drafts, each of a one-line prompt."""

PREFIX_TOKENS: Final = 10_000
SHARERS: Final = 500
HIT_PERCENTS: Final = (0, 30, 60, 98)
"""The second: requests that share a prompt, and the share of them that find it in the cache.

In batches 30 % to 98 % do, by traffic. Source: platform.claude.com batch-processing (prompt
caching with Message Batches), 2026-09-26.
"""

MOVED_PERCENTS: Final = (60, 100)
"""Shares of all spend, moved to batches, that save what teams report: 30 % to 50 %."""

_MILLION_IN: Final = Usage(input_tokens=1_000_000)
_MILLION_OUT: Final = Usage(output_tokens=1_000_000)
_PLAIN: Final = Usage(input_tokens=PREFIX_TOKENS)
_READ: Final = Usage(cache_read_tokens=PREFIX_TOKENS)
_WRITTEN_5M: Final = Usage(cache_write_5m_tokens=PREFIX_TOKENS)
_WRITTEN_1H: Final = Usage(cache_write_1h_tokens=PREFIX_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """What a million tokens of one model cost, sync and in a batch."""

    model: str
    sync_input: Money
    sync_output: Money
    batch_input: Money
    batch_output: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The same calls, sync and in a batch."""

    sync: Money
    batch: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPrefix:
    """The input of a shared prompt where so many requests found it cached, and the others wrote it.

    Attributes:
        hits: How many found it.
    """

    hits: int
    five_minutes: Money
    hour: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPrefix:
    """What a prompt costs that many requests share: its input alone, without what differs.

    Attributes:
        plain: Without caching.
        ideal: In a batch, the first request at the plain price and all others as reads: what is
            often promised, though a write costs more.
        floor: The least that can be paid: one write, and all others read it.
        cached: By hits.
    """

    plain: Example
    ideal: Money
    floor: CachedPrefix
    cached: tuple[CachedPrefix, ...]


def price_table(tariff: Tariff) -> tuple[TableRow, ...]:
    """The README's table of prices.

    Raises:
        ModelUnknown: The tariff lacks one of `TABLE_MODELS`.
    """
    return tuple(
        TableRow(
            model=model,
            sync_input=_cost(tariff, model, _MILLION_IN, Via.DIRECT),
            sync_output=_cost(tariff, model, _MILLION_OUT, Via.DIRECT),
            batch_input=_cost(tariff, model, _MILLION_IN, Via.BATCH),
            batch_output=_cost(tariff, model, _MILLION_OUT, Via.BATCH),
        )
        for model in TABLE_MODELS
    )


def drafts(tariff: Tariff) -> Example:
    """A thousand drafts of 700 tokens, from prompts of 20.

    Raises:
        ModelUnknown: The tariff lacks `MATHS_MODEL`.
    """
    return _times(tariff, DRAFTS, DRAFT)


def shared_prefix(tariff: Tariff) -> SharedPrefix:
    """A prompt of 10,000 tokens that 500 requests share.

    Raises:
        ModelUnknown: The tariff lacks `MATHS_MODEL`.
    """
    first, read = (_cost(tariff, MATHS_MODEL, usage, Via.BATCH) for usage in (_PLAIN, _READ))
    return SharedPrefix(
        plain=_times(tariff, SHARERS, _PLAIN),
        ideal=Money.total([first, *[read] * (SHARERS - 1)]),
        floor=cached_prefix(tariff, SHARERS - 1),
        cached=tuple(cached_prefix(tariff, SHARERS * percent // 100) for percent in HIT_PERCENTS),
    )


def cached_prefix(tariff: Tariff, hits: int) -> CachedPrefix:
    """What the shared prompt costs in a batch with this many hits; all others write it."""
    read, writers = _cost(tariff, MATHS_MODEL, _READ, Via.BATCH), SHARERS - hits
    five_minutes, hour = (
        Money.total([read] * hits + [_cost(tariff, MATHS_MODEL, written, Via.BATCH)] * writers)
        for written in (_WRITTEN_5M, _WRITTEN_1H)
    )
    return CachedPrefix(hits=hits, five_minutes=five_minutes, hour=hour)


def saved_percent(tariff: Tariff, moved: int) -> int:
    """Of each hundred dollars spent, what is saved where `moved` of them go to batches."""
    one = drafts(tariff)
    whole = 100 * one.sync.picodollars
    after = (100 - moved) * one.sync.picodollars + moved * one.batch.picodollars
    return _rounded((whole - after) * 100, whole)


def percent_more(amount: Money, than: Money) -> int:
    """By how many hundredths an amount is more than another; negative where it is less."""
    return _rounded((amount - than).picodollars * 100, than.picodollars)


def _rounded(amount: int, by: int) -> int:
    """A quotient, rounded half up."""
    return (2 * amount + by) // (2 * by)


def _times(tariff: Tariff, requests: int, usage: Usage) -> Example:
    sync, batch = (_cost(tariff, MATHS_MODEL, usage, via) for via in (Via.DIRECT, Via.BATCH))
    return Example(sync=Money.total([sync] * requests), batch=Money.total([batch] * requests))


def _cost(tariff: Tariff, model: str, usage: Usage, via: Via) -> Money:
    return Money(picodollars=cost(tariff, model, usage, via))
