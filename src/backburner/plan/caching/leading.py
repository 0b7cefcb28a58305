"""Whether a run's leaders go first, with the marks that follow from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from backburner.plan.caching.choices import (
    CachePolicy,
    Choice,
    Shared,
    Tried,
    WaveChoice,
    choose_marks,
    describe,
    try_again,
)
from backburner.plan.caching.terms import CacheTerms, Ttl
from backburner.plan.caching.waves import Wave, WaveReason, WaveTerms, plan_wave

MOST_STRETCHES: Final = 50
"""Batches of leaders, at most: a batch holds requests that stand side by side in their list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveWish:
    """What is asked of a wave.

    Attributes:
        is_asked: Whether a person wants leaders to go first where that saves; where not, it is
            only said what it would save.
        led_hit_rate: How often a follower is expected to read what its leader wrote.
    """

    is_asked: bool
    led_hit_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Led:
    """What requests to one model are marked with.

    Attributes:
        tried: The trial that the marks are, where they are one.
        leaders: The nodes of which one request each goes first.
        terms: Those that the marks were chosen by.
        wave: What was decided of leaders; None where nobody asks.
    """

    marks: Mapping[int, Ttl]
    leaders: tuple[int, ...]
    terms: CacheTerms
    wave: WaveChoice | None = None
    tried: Tried | None = None

    def choices(self, shared: Shared, policy: CachePolicy) -> tuple[Choice, ...]:
        """What was decided, prefix by prefix."""
        if self.tried is not None:
            return (self.tried.choice,)
        return tuple(describe(shared, self.marks, self.terms, policy))


def choose(
    shared: Shared,
    terms: CacheTerms,
    policy: CachePolicy,
    wish: WaveWish | None = None,
    unmarked_tokens: int = 0,
) -> Led:
    """The marks of requests, and which of them lead, if any do.

    Args:
        shared: What the requests have in common.
        terms: Those of requests that go all at once.
        policy: Who decides.
        wish: What is asked of leaders.
        unmarked_tokens: Input tokens sent since marks were last tried.
    """
    led = _choose(shared, terms, policy, wish)
    if led.marks or policy is not CachePolicy.AUTO:
        return led
    tried = try_again(shared, terms, unmarked_tokens)
    if tried is None:
        return led
    return replace(led, marks={tried.node: tried.trial.ttl}, tried=tried)


def _choose(shared: Shared, terms: CacheTerms, policy: CachePolicy, wish: WaveWish | None) -> Led:
    marks = choose_marks(shared, terms, policy)
    if wish is None or policy is not CachePolicy.AUTO:
        return Led(marks=marks, leaders=(), terms=terms)
    weighed = WaveTerms(cold=terms, led_hit_rate=wish.led_hit_rate)
    wave = plan_wave(shared.trie, weighed)
    told = _told(shared.model, wave, terms, is_asked=wish.is_asked)
    if not wave.leaders or not wish.is_asked:
        return Led(marks=marks, leaders=(), terms=terms, wave=told)
    return Led(marks=wave.marks, leaders=wave.leaders, terms=weighed.led, wave=told)


def without_leaders(shared: Shared, terms: CacheTerms, led: Led) -> Led:
    """The marks where leaders would stand in too many places of their list."""
    marks = choose_marks(shared, terms, CachePolicy.AUTO)
    wave = led.wave
    if led.leaders and wave is not None:
        wave = msgspec.structs.replace(wave, reason=WaveReason.SCATTERED)
    return Led(marks=marks, leaders=(), terms=terms, wave=wave)


def stretches(numbers: Iterable[int]) -> int:
    """How many runs of neighbours these numbers are."""
    known = set(numbers)
    return sum(number - 1 not in known for number in known)


def _told(model: str, wave: Wave, terms: CacheTerms, *, is_asked: bool) -> WaveChoice:
    return WaveChoice(
        model=model,
        reason=wave.reason,
        is_asked=is_asked,
        leaders=len(wave.leaders),
        requests=wave.requests,
        saved=int(wave.saved_tokens * terms.input),
    )
