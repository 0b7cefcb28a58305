"""One pass over calls: sums by source, and what is seen only in their order."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec

from backburner.nouns.batch import Via
from backburner.nouns.call import Call
from backburner.nouns.tariff import ModelPrice
from backburner.nouns.usage import Usage
from backburner.plan.pricing import priced
from backburner.plan.waiting import Habits, Source
from backburner.report.calls.prefixes import Prefixes
from backburner.report.calls.repeats import Repeats

SHORT_ANSWER: Final = 60
"""Tokens of an answer that is likely a label, a number or a yes."""

_BURST_CALLS: Final = 60
_BURST_SECONDS: Final = 600.0
_NEXT_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 3600.0
_NIGHT_FROM, _NIGHT_TO = 22, 6
_NO_USAGE: Final = Usage()

PriceOf = Callable[[str], ModelPrice | None]


@dataclass(slots=True)
class SourceTally:
    """The sums of one source. Money in picodollars; of calls with a known price only.

    Attributes:
        paid: As they travelled.
        sync: Had all of them been sync.
        batch: Had all of them been in batches.
        short_calls: Calls with short answers.
        short: Their usage, of models whose price has no steps.
    """

    calls: int = 0
    unpriced: int = 0
    usage: Usage = _NO_USAGE
    paid: int = 0
    sync: int = 0
    batch: int = 0
    short_calls: int = 0
    short: Usage = _NO_USAGE
    follow_ups: int = 0
    at_night: int = 0
    runs: int = 0
    minutes: Counter[int] = field(default_factory=Counter)

    @property
    def habits(self) -> Habits:
        """How its calls came."""
        return Habits(
            calls=self.calls,
            follow_ups=self.follow_ups,
            at_night=self.at_night,
            runs=self.runs,
            punctual=max(self.minutes.values(), default=0),
        )


class _Waiting(msgspec.Struct, gc=False):
    """A call of which it is not known yet whether it is part of a burst."""

    call: Call
    is_follow_up: bool
    is_first: bool


@dataclass(slots=True)
class _Stream:
    """The latest of the calls of one caller, route and model."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=_BURST_CALLS))
    waiting: deque[_Waiting] = field(default_factory=deque)
    ended_at: float = float("-inf")
    tokens: int = 0
    answer: int = 0

    def take(self, call: Call) -> None:
        """Take in the next call."""
        pause = call.at - self.ended_at
        tokens = call.usage.prompt_tokens
        goes_on = bool(self.answer) and tokens >= self.tokens + self.answer
        follows = goes_on and 0 <= pause <= _NEXT_SECONDS
        self.waiting.append(_Waiting(call, follows, pause >= _PAUSE_SECONDS))
        self.times.append(call.at)
        self.ended_at = max(self.ended_at, call.at + call.seconds)
        self.tokens, self.answer = tokens, call.usage.output_tokens

    def known(self, *, at_end: bool = False) -> Iterator[tuple[_Waiting, bool]]:
        """Calls of which it is known by now whether they are part of a burst."""
        times, waiting = self.times, self.waiting
        is_burst = len(times) == _BURST_CALLS and abs(times[-1] - times[0]) <= _BURST_SECONDS
        while waiting and (
            is_burst
            or at_end
            or len(waiting) == _BURST_CALLS
            or abs(times[-1] - waiting[0].call.at) > _BURST_SECONDS
        ):
            yield waiting.popleft(), is_burst


@dataclass(slots=True)
class Tally:
    """All that one pass over some calls tells.

    Attributes:
        unpriced: Calls by model, of models without a known price.
    """

    sources: dict[Source, SourceTally] = field(default_factory=dict)
    prefixes: Prefixes = field(default_factory=Prefixes)
    repeats: Repeats = field(default_factory=Repeats)
    unpriced: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    first_at: float = float("inf")
    last_at: float = float("-inf")


def tally_calls(calls: Iterable[Call], price_of: PriceOf, zone: tzinfo | None) -> Tally:
    """Sum calls up by source. They should come in the order of their times, within each log.

    Args:
        price_of: The price of a model, None where none is known.
        zone: Where night is night; None is the local one.
    """
    tally = Tally()
    streams: dict[tuple[str, str, str], _Stream] = {}
    book = _Book(tally, price_of, zone)
    for call in calls:
        stream = streams.setdefault((call.caller, call.route, call.model), _Stream())
        stream.take(call)
        for one, is_burst in stream.known():
            book.note(one, is_burst=is_burst and not call.is_sum)
    for stream in streams.values():
        for one, _ in stream.known(at_end=True):
            book.note(one, is_burst=False)
    return tally


class _Book:
    """Writes calls into a tally."""

    def __init__(self, tally: Tally, price_of: PriceOf, zone: tzinfo | None) -> None:
        self._tally = tally
        self._price_of = price_of
        self._zone = zone
        self._prices: dict[str, ModelPrice | None] = {}

    def note(self, waiting: _Waiting, *, is_burst: bool) -> None:
        """Write one call in."""
        call, tally = waiting.call, self._tally
        if call.model not in self._prices:
            self._prices[call.model] = self._price_of(call.model)
        source = _source(call, is_burst=is_burst)
        one = tally.sources.get(source)
        if one is None:
            one = tally.sources[source] = SourceTally()
        there = datetime.fromtimestamp(call.at, UTC).astimezone(self._zone)
        _note_order(one, waiting, there)
        _note_money(tally, one, call, source, self._prices[call.model])
        tally.calls += 1
        tally.first_at = min(tally.first_at, call.at)
        tally.last_at = max(tally.last_at, call.at)


def _source(call: Call, *, is_burst: bool) -> Source:
    return Source(
        caller=call.caller,
        route=call.route,
        model=call.model,
        is_streamed=call.is_streamed,
        is_batched=call.is_batched,
        is_burst=is_burst,
        is_sum=call.is_sum,
    )


def _note_order(one: SourceTally, waiting: _Waiting, there: datetime) -> None:
    one.follow_ups += waiting.is_follow_up
    if there.hour >= _NIGHT_FROM or there.hour < _NIGHT_TO:
        one.at_night += 1
    if waiting.is_first:
        one.runs += 1
        one.minutes[there.minute] += 1


def _note_money(
    tally: Tally, one: SourceTally, call: Call, source: Source, price: ModelPrice | None
) -> None:
    usage = call.usage
    one.calls += 1
    one.usage = one.usage + usage
    if price is None:
        one.unpriced += 1
        tally.unpriced[call.model] += 1
        return
    prompt = usage.prompt_tokens
    sync, batch = (priced(price.rates(prompt, via), usage) for via in (Via.DIRECT, Via.BATCH))
    paid = batch if call.is_batched else sync
    one.sync += sync
    one.batch += batch
    one.paid += paid
    if 0 < usage.output_tokens <= SHORT_ANSWER and not price.steps and not call.is_sum:
        one.short_calls += 1
        one.short = one.short + usage
    if call.body:
        tally.repeats.add(call.body, paid)
    if call.prefix and not usage.cache_read_tokens and not usage.cache_write_tokens:
        tally.prefixes.add(call, source)
