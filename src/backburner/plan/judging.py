"""Judging: what follows from an outcome."""

from dataclasses import dataclass
from typing import Final

from backburner.nouns.outcome import Outcome


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How failed requests are tried again.

    Attributes:
        attempts: The most attempts a request gets, the first one included.
        first_wait: Seconds before the first retry; each further one waits eight times longer.
        longest_wait: The most seconds between two attempts.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 3600.0


_WAIT_GROWTH: Final = 8.0

_RETRIED: Final = frozenset({Outcome.SERVER_ERROR, Outcome.EXPIRED, Outcome.MISSING})

ACCOUNT_ERRORS: Final = frozenset({"billing_error", "authentication_error", "permission_error"})

UNKNOWN_RESULT: Final = "unknown_result"
"""Stands for the error class of a line whose result is of a type that nobody knows."""

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


def verdict(
    outcome: Outcome,
    *,
    attempts: int,
    now: float,
    policy: RetryPolicy,
    error_type: str = "",
    is_canceled: bool = False,
) -> Verdict:
    """What follows from the outcome of a request's newest attempt.

    Args:
        attempts: How many attempts it has had, the judged one included.
        error_type: The API's error class of an errored line, or UNKNOWN_RESULT.
        is_canceled: Whether a person canceled its run: then nothing is tried again.
    """
    if outcome is Outcome.OK:
        return Deliver()
    if is_canceled or outcome not in _RETRIED:
        return GiveUp(REASONS[outcome])
    if error_type in ACCOUNT_ERRORS:
        return Hold(f"{error_type}: the account, not the request, is at fault")
    if error_type == UNKNOWN_RESULT:
        return Hold("its result is of a type that this version does not know")
    if attempts >= policy.attempts:
        return GiveUp(f"{REASONS[outcome]}, {attempts} times")
    wait = policy.first_wait * _WAIT_GROWTH ** (attempts - 1)
    return Retry(now + min(wait, policy.longest_wait))
