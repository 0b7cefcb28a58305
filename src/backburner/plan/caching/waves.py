"""Leader waves: one request of each prefix first, in a small batch, so that the rest can read it.

Inside one batch nobody can say whether a request finds what another one wrote. An entry is sure to
be there once its writer has ended, and one of an hour outlives the way of a small batch. Leaders
are requests that are wanted anyway: a wave costs time, not tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Final

from backburner.plan.caching.breakpoints import plan_marks, saving
from backburner.plan.caching.policies import cost_with
from backburner.plan.caching.terms import MILLION, CacheTerms, HitRates, Ttl
from backburner.plan.caching.trie import ROOT, Trie

HOUR: Final = 3_600.0
"""Seconds that an entry of one hour lives after it was last used, from the user's start.

Source: platform.claude.com prompt-caching (1-hour cache duration), 2026-08-22.
"""

TURNAROUND: Final = 3_600.0
"""Seconds that a batch takes, if nothing better is known: most end within them.

Source: platform.claude.com batch-processing, 2026-09-26.
"""

TURNAROUNDS: Final = 2
"""A wave needs time for two batches, one after the other."""

LEAST_SHARE: Final = Fraction(1, 20)
"""What a wave must save of the input's cost: less is not worth a second turnaround."""


class WaveReason(StrEnum):
    """Why leaders go first, or why not."""

    PAYS = "pays"
    NOTHING_SHARED = "nothing_shared"
    NO_CHEAPER = "no_cheaper"
    SAVES_TOO_LITTLE = "saves_too_little"
    NO_TIME = "no_time"
    SCATTERED = "scattered"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveTerms:
    """What a wave is weighed by.

    Attributes:
        cold: The terms of requests that all go at once.
        led_hit_rate: How often a follower reads what its leader wrote.
        slack_seconds: Until the answers are due; None where nobody said.
        turnaround_seconds: What one batch takes.
    """

    cold: CacheTerms
    led_hit_rate: float
    slack_seconds: float | None = None
    turnaround_seconds: float = TURNAROUND

    @property
    def led(self) -> CacheTerms:
        """The terms of followers."""
        hits = HitRates(five_minutes=self.cold.hits.five_minutes, one_hour=self.led_hit_rate)
        return replace(self.cold, hits=hits)

    @property
    def has_time(self) -> bool:
        """Whether two batches can go one after the other."""
        slack = self.slack_seconds
        return slack is None or slack >= TURNAROUNDS * self.turnaround_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Whether leaders go first, and what is marked then.

    Attributes:
        leaders: The nodes of the trie of which one request each goes first; empty without a wave.
        marks: To be put into all requests, with the wave or without.
        cost_tokens: What all input is expected to cost, in uncached input tokens.
        other_tokens: What it would cost without a wave; where there is none, with the best one.
        requests: All of them, leaders included.
    """

    reason: WaveReason
    leaders: tuple[int, ...]
    marks: Mapping[int, Ttl]
    cost_tokens: Fraction
    other_tokens: Fraction
    requests: int

    @property
    def saved_tokens(self) -> Fraction:
        """What the wave saves, or would have saved; negative where it would have lost."""
        gain = self.other_tokens - self.cost_tokens
        return gain if self.reason is WaveReason.PAYS else -gain


def plan_wave(trie: Trie, terms: WaveTerms) -> Wave:
    """Whether leaders go first, and the marks that go with it.

    Invariant:
        Never dearer than the best marks without a wave, under its own terms.
    """
    cold = plan_marks(trie, terms.cold).marks
    led = plan_marks(trie, terms.led).marks
    leaders = leading(trie, led, terms.cold.minimum_tokens)
    cold_cost = cost_with(trie, cold, terms.cold)
    led_cost = _cost_led(trie, led, leaders, terms)
    reason = _reason(leaders, cold_cost - led_cost, trie.prompt_tokens(), terms)
    if reason is WaveReason.NO_CHEAPER and not cold:
        reason = WaveReason.NOTHING_SHARED
    is_led = reason is WaveReason.PAYS
    return Wave(
        reason=reason,
        leaders=leaders if is_led else (),
        marks=led if is_led else cold,
        cost_tokens=led_cost if is_led else cold_cost,
        other_tokens=cold_cost if is_led else led_cost,
        requests=_requests(trie),
    )


def leading(trie: Trie, marks: Mapping[int, Ttl], minimum_tokens: int) -> tuple[int, ...]:
    """The nodes that need a leader: the innermost marks of an hour on each path.

    One request through such a node writes all that is marked above it too. A mark that only one
    request has leads nobody.
    """
    depths = trie.depths()
    is_above = bytearray(len(trie))
    found: list[int] = []
    for node in range(len(trie) - 1, -1, -1):
        ttl = marks.get(node) or trie.own_at(node)
        is_long = ttl is Ttl.ONE_HOUR and depths[node] >= minimum_tokens
        if is_long and trie.requests[node] > 1 and not is_above[node]:
            found.append(node)
            is_above[node] = 1
        parent = trie.parents[node]
        if parent != ROOT:
            is_above[parent] |= is_above[node]
    return tuple(reversed(found))


def lead_below(terms: CacheTerms, requests: int, led_hit_rate: float) -> Fraction:
    """The hit rate of five-minute marks in one batch, below which leading is cheaper.

    Of requests that share one prefix: 2 + (c - 1)(p r + (1 - p) 2) against one batch. It can be
    negative, where leading never is.
    """
    hits = HitRates(five_minutes=0, one_hour=led_hit_rate)
    led = replace(terms, hits=hits).cached(requests, Ttl.ONE_HOUR)
    unlucky = replace(terms, hits=hits).cached(requests, Ttl.FIVE_MINUTES)
    spread = (requests - 1) * (terms.write_5m - terms.read) * MILLION
    return Fraction(unlucky - led, spread) if spread else Fraction(0)


def wave_sentence(wave: Wave) -> str:
    """One sentence that says whether leaders go first, with its numbers."""
    saved = f"{float(wave.saved_tokens):,.0f} input tokens"
    match wave.reason:
        case WaveReason.PAYS:
            rest = wave.requests - len(wave.leaders)
            what = f"{len(wave.leaders):,} of {wave.requests:,} requests go first"
            return (
                f"{what}, and the other {rest:,} when these have ended: saves about {saved} more."
            )
        case WaveReason.NOTHING_SHARED:
            why = "no shared prefix is worth a mark"
        case WaveReason.NO_CHEAPER:
            why = "one batch costs no more"
        case WaveReason.SAVES_TOO_LITTLE:
            why = f"it would save only about {saved}"
        case WaveReason.NO_TIME:
            why = f"it would save about {saved}, but there is no time for two batches in turn"
        case WaveReason.SCATTERED:
            why = "those to go first would be too many batches"
    return f"All requests go at once: {why}."


def _reason(
    leaders: tuple[int, ...], saved: Fraction, prompt_tokens: int, terms: WaveTerms
) -> WaveReason:
    if not leaders or saved <= 0:
        return WaveReason.NO_CHEAPER
    if saved < LEAST_SHARE * prompt_tokens:
        return WaveReason.SAVES_TOO_LITTLE
    return WaveReason.PAYS if terms.has_time else WaveReason.NO_TIME


def _cost_led(
    trie: Trie, marks: Mapping[int, Ttl], leaders: tuple[int, ...], terms: WaveTerms
) -> Fraction:
    """All input with a wave: leaders find nothing but what other leaders wrote."""
    units = saving(trie, marks, terms.led)
    alone = replace(terms.cold, hits=HitRates(five_minutes=0, one_hour=0))
    depths = trie.depths()
    led = _leaders_through(trie, leaders)
    nearest = [0] * len(trie)
    for node, parent in enumerate(trie.parents):
        above = nearest[parent] if parent != ROOT else 0
        ttl = marks.get(node) or trie.own_at(node)
        is_marked = ttl is not None and depths[node] >= terms.cold.minimum_tokens
        nearest[node] = depths[node] if is_marked else above
        if is_marked and ttl is Ttl.ONE_HOUR and led[node]:
            # Reckoned with as followers: all but the first leader.
            lucky, sure = (one.cached(led[node], ttl) for one in (terms.led, alone))
            units -= (depths[node] - above) * (sure - lucky)
    return trie.prompt_tokens() - terms.cold.tokens(units)


def _leaders_through(trie: Trie, leaders: tuple[int, ...]) -> list[int]:
    through = [0] * len(trie)
    for node in leaders:
        through[node] = 1
    for node in range(len(trie) - 1, -1, -1):
        parent = trie.parents[node]
        if parent != ROOT:
            through[parent] += through[node]
    return through


def _requests(trie: Trie) -> int:
    tops = (node for node, parent in enumerate(trie.parents) if parent == ROOT)
    return sum(trie.requests[node] for node in tops)
