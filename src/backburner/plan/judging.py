"""Judging: what follows from an outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backburner.nouns.attempt import Attempt
from backburner.nouns.outcome import Outcome
from backburner.nouns.policy import ACCOUNT_ERRORS, CAPACITY_ERRORS, RetryPolicy, RetryRule, Then


@dataclass(frozen=True, slots=True)
class Deliver:
    """The answer is good."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt is due at a time."""

    due_at: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The outcome is final; `reason` is for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Only a person can say what should follow."""

    reason: str


Verdict = Deliver | Retry | GiveUp | Hold


_WAIT_GROWTH: Final = 8.0
_MOST_GROWTHS: Final = 10

_RESTORED: Final = "the store was restored from a backup; this may have been tried again before"

_LEFT_OVER: Final = (Outcome.CANCELED, Outcome.EXPIRED)
"""Outcomes of what a batch did not come to."""

UNKNOWN_RESULT: Final = "unknown_result"
"""Stands for the error class of a line whose result is of a type that nobody knows."""

UNANSWERED: Final = "unanswered"
"""Stands for the error class of a direct call that was made, and to which no answer came."""

NO_ANSWER: Final = "it was asked directly and no answer came; it may have been paid"
"""The same in words."""

REASONS: Final[dict[Outcome, str]] = {
    Outcome.OK: "",
    Outcome.TRUNCATED: "the answer was cut off at max_tokens or at the context window",
    Outcome.REFUSED: "the model declined to answer",
    Outcome.INVALID_OUTPUT: "the answer does not fit the schema",
    Outcome.PAUSED: "the turn was paused before its end",
    Outcome.REJECTED: "the request itself is at fault; mend it before sending it again",
    Outcome.SERVER_ERROR: "the upstream failed on it",
    Outcome.EXPIRED: "24 hours passed before it was its turn",
    Outcome.CANCELED: "it was canceled before it was its turn",
    Outcome.MISSING: "the results hold no line for it",
}
"""Each outcome in words."""


def verdict(  # noqa: PLR0911  # one for each way that a request can go
    outcome: Outcome,
    *,
    earlier: Sequence[Attempt] = (),
    refused_since: float | None = None,
    now: float,
    policy: RetryPolicy,
    error_type: str = "",
    is_canceled: bool = False,
    is_restored: bool = False,
    is_hedging: bool = False,
    is_rescued: bool = False,
) -> Verdict:
    """What follows from the outcome of a request's newest attempt.

    Args:
        earlier: Its attempts before the judged one.
        refused_since: When it was first refused for lack of capacity, if it was before.
        error_type: The API's error class of an errored line, or UNKNOWN_RESULT.
        is_canceled: Whether a person canceled its run: then nothing is tried again.
        is_restored: Whether the store was restored from a backup since its batch was sealed: then
            it may have been tried again before, in a batch that the store has never heard of.
        is_hedging: Whether a call without an answer is made again, although it may be paid twice.
        is_rescued: Whether its batch was given up for its deadline, so that the rest is asked now.
    """
    if outcome is Outcome.OK:
        return Deliver()
    rule, cause = policy.rules[outcome], _holding(error_type, is_hedging=is_hedging)
    if cause and not is_canceled:
        return Hold(cause)
    if is_rescued and not is_canceled and outcome in _LEFT_OVER:
        return Hold(_RESTORED) if is_restored else Retry(now)
    if is_canceled or rule.then is Then.NOTHING:
        return GiveUp(REASONS[outcome])
    if error_type in CAPACITY_ERRORS:
        refusals = sum(one.error_type in CAPACITY_ERRORS for one in earlier)
        waited = 0.0 if refused_since is None else now - refused_since
        is_over, count = waited >= policy.capacity_seconds, refusals
    else:
        count = sum(_counts(one, outcome) for one in earlier)
        is_over = count >= rule.times
    if is_over:
        return GiveUp(f"{REASONS[outcome]}, {count + 1} times")
    if is_restored:
        return Hold(_RESTORED)
    return Retry(now + _wait(rule, count, policy))


def _holding(error_type: str, *, is_hedging: bool) -> str:
    """Why only a person can send a request on; empty where that is not so."""
    if error_type in ACCOUNT_ERRORS:
        return f"{error_type}: the account, not the request, is at fault"
    if error_type == UNKNOWN_RESULT:
        return "its result is of a type that this version does not know"
    if error_type == UNANSWERED and not is_hedging:
        return NO_ANSWER
    return ""


def _counts(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether an earlier attempt counts against those that an outcome may have."""
    uncounted = CAPACITY_ERRORS | ACCOUNT_ERRORS
    return attempt.outcome is outcome and attempt.error_type not in uncounted


def _wait(rule: RetryRule, before: int, policy: RetryPolicy) -> float:
    return min(rule.wait * _WAIT_GROWTH ** min(before, _MOST_GROWTHS), policy.longest_wait)
