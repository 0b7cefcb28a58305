"""Reconciling: what follows from a look at the upstream when it is unknown whether a batch arrived.

Two things make the answer safe, and each is necessary. A doubt rests `quiet`, which outlasts the
latest moment at which the upstream may still act on bytes it has; and only a nonce proves that a
batch is ours, since a stranger's may hold as many requests.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backburner.nouns.batch import TRIES, Batch, BatchState
from backburner.plan.polling import poll_wait

MISSES: Final = 2
"""How often in a row a batch must be found absent before it may be sent again."""

_DAY: Final = 24 * 3600.0
"""A batch upstream ends within 24 hours.

Source: platform.claude.com batch-processing, 2026-09-26.
"""


class OnDoubt(StrEnum):
    """What to do while a batch that may be the one in doubt has not ended.

    `WAIT` never pays twice, and may take until the candidate's 24 hours are over. `HEDGE` sends
    again, knowing that both may be paid.
    """

    WAIT = "wait"
    HEDGE = "hedge"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtTerms:
    """How a doubt is resolved. Seconds.

    Attributes:
        quiet: How long a doubt must rest. It must outlast the latest moment at which the upstream
            may still act on bytes it has.
        gap: What must lie between two looks that count as two.
    """

    quiet: float = 900.0
    gap: float = 60.0
    on_doubt: OnDoubt = OnDoubt.WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A batch upstream that may be the one in doubt: unknown to us, and as large.

    Attributes:
        has_ended: Whether its results, and so its custom_ids, can be read.
        created_at: POSIX seconds by the upstream's clock.
    """

    upstream_id: str
    has_ended: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class Examine:
    """Read the first line of an ended candidate: its nonce decides."""

    upstream_id: str


@dataclass(frozen=True, slots=True)
class AwaitCandidate:
    """A candidate has not ended and cannot be told apart before; waiting is never wrong."""

    upstream_id: str
    until: float


@dataclass(frozen=True, slots=True)
class CountMiss:
    """It is not to be found; one more look, later, is needed before that is believed."""

    until: float


@dataclass(frozen=True, slots=True)
class SendAgain:
    """It may be sent under the next try: it is absent, or `hedged` against a candidate."""

    next_try: str
    hedged: bool = False


@dataclass(frozen=True, slots=True)
class GiveToAPerson:
    """It may be sent again, but its tries are used up."""


Resolution = Examine | AwaitCandidate | CountMiss | SendAgain | GiveToAPerson


def resolve(
    batch: Batch, candidates: Iterable[Candidate], *, now: float, terms: DoubtTerms
) -> Resolution:
    """What a look at the upstream means for a batch whose doubt has rested.

    Args:
        candidates: All that the list holds since the fence, is as large as the batch, and is not
            known to be another's.
    """
    found = sorted(candidates, key=lambda one: (not one.has_ended, one.created_at))
    if found and found[0].has_ended:
        return Examine(found[0].upstream_id)
    if found and terms.on_doubt is OnDoubt.HEDGE:
        return _again(batch, hedged=True)
    if found:
        age = now - (batch.armed_at or now)
        return AwaitCandidate(found[0].upstream_id, now + poll_wait(age))
    if batch.misses + 1 < MISSES:
        return CountMiss(now + terms.gap)
    return _again(batch, hedged=False)


def _again(batch: Batch, *, hedged: bool) -> SendAgain | GiveToAPerson:
    following = next_try(batch.attempt_try)
    return SendAgain(following, hedged) if following is not None else GiveToAPerson()


def next_try(attempt_try: str) -> str | None:
    """The character after this one; None after the last."""
    place = TRIES.index(attempt_try) + 1
    return TRIES[place] if place < len(TRIES) else None


def rests_until(batch: Batch, *, now: float, terms: DoubtTerms) -> float:
    """When a doubt may next be looked into; not before `quiet` is over, nor too soon again."""
    quiet_over = (batch.armed_at or now) + terms.quiet
    if batch.missed_at is None:
        return quiet_over
    return max(quiet_over, batch.missed_at + terms.gap)


def doubt_in_words(batch: Batch, *, terms: DoubtTerms, when: Callable[[float], str]) -> str:
    """What is in doubt about a batch, why, and by when it will be known, for a person.

    Args:
        when: Turns POSIX seconds into a time of day.
    """
    armed_at = batch.armed_at or 0.0
    opening = (
        f"batch {batch.nonce} with {batch.requests:,} requests: its last bytes were due to go at "
        f"{when(armed_at)}, and no answer is known"
    )
    return f"{opening}. {_outlook(batch, armed_at, terms, when)}"


def _outlook(batch: Batch, armed_at: float, terms: DoubtTerms, when: Callable[[float], str]) -> str:
    if batch.state is BatchState.UNKNOWN and batch.candidate is not None:
        return (
            f"{batch.candidate} at Anthropic holds as many requests and has not ended; whether it "
            f"is this one is known as soon as it ends, by {when(armed_at + _DAY)} at the latest"
        )
    if batch.misses:
        again = (batch.missed_at or 0.0) + terms.gap
        return (
            f"Anthropic does not list it; if that is still so at {when(again)}, it was never "
            f"accepted and is sent again"
        )
    return (
        f"A late answer may still arrive until {when(armed_at + terms.quiet)}; from then on "
        f"Anthropic's list is asked, and nothing is sent again before that"
    )
