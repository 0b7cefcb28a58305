"""The retry policy: a table of what follows from each outcome, which a person can read and change.

| outcome | then | times | first wait | share of a batch |
| --- | --- | --- | --- | --- |
| `truncated` | `longer` | 1 | 1 s | 1 |
| `invalid_output` | `repair` | 1 | 1 s | 1 |
| `paused` | `continue` | 10 | 1 s | 1 |
| `server_error` | `again` | 4 | 1 s | 0.25 |
| `expired` | `again` | 4 | 1 s | 0.25 |
| `missing` | `again` | 4 | 1 s | 0.25 |
| all others | `nothing` | | | |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from backburner.nouns.outcome import Outcome


class Then(StrEnum):
    """What follows from an outcome that is not ok.

    `AGAIN` sends the same once more. `LONGER` doubles `max_tokens` up to the model's cap, or turns
    thinking off there. `CONTINUE` sends the turn so far back. `REPAIR` sends the answer back with
    the validator's message.
    """

    NOTHING = "nothing"
    AGAIN = "again"
    LONGER = "longer"
    CONTINUE = "continue"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """What follows from one outcome.

    Attributes:
        times: How often one request is sent again because of this outcome.
        wait: Seconds before the first time; each further one waits eight times longer.
        share: Of a usual batch, how much the batch of these retries may hold: a smaller one ends
            sooner.
    """

    then: Then
    times: int = 0
    wait: float = 1.0
    share: float = 1.0


_NEVER: Final = RetryRule(then=Then.NOTHING)
_UPSTREAM_FAILED: Final = RetryRule(then=Then.AGAIN, times=4, share=0.25)

DEFAULT_RULES: Final[Mapping[Outcome, RetryRule]] = {
    Outcome.OK: _NEVER,
    Outcome.TRUNCATED: RetryRule(then=Then.LONGER, times=1),
    Outcome.REFUSED: _NEVER,
    Outcome.INVALID_OUTPUT: RetryRule(then=Then.REPAIR, times=1),
    Outcome.PAUSED: RetryRule(then=Then.CONTINUE, times=10),
    Outcome.REJECTED: _NEVER,
    Outcome.SERVER_ERROR: _UPSTREAM_FAILED,
    Outcome.EXPIRED: _UPSTREAM_FAILED,
    Outcome.CANCELED: _NEVER,
    Outcome.MISSING: _UPSTREAM_FAILED,
}

CHOICES: Final[Mapping[Outcome, tuple[Then, ...]]] = {
    Outcome.TRUNCATED: (Then.LONGER, Then.NOTHING),
    Outcome.INVALID_OUTPUT: (Then.REPAIR, Then.AGAIN, Then.NOTHING),
    Outcome.PAUSED: (Then.CONTINUE, Then.NOTHING),
    Outcome.SERVER_ERROR: (Then.AGAIN, Then.NOTHING),
    Outcome.EXPIRED: (Then.AGAIN, Then.NOTHING),
    Outcome.MISSING: (Then.AGAIN, Then.NOTHING),
}
"""What a person may choose, the usual first. Outcomes that are not here are never retried blindly:
a request that is rejected or refused would be so again."""

ACCOUNT_ERRORS: Final = frozenset({"billing_error", "authentication_error", "permission_error"})
"""What the account is at fault for, not the request: a person must clear it; no attempt either."""

CAPACITY_ERRORS: Final = frozenset({"overloaded_error", "rate_limit_error"})
"""Refusals for lack of capacity: they say nothing about the request, and count as no attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How failed requests are tried again.

    Attributes:
        rules: What follows from each outcome.
        longest_wait: The most seconds between two attempts.
        capacity_seconds: How long a request that is refused for lack of capacity is tried again.
    """

    rules: Mapping[Outcome, RetryRule] = field(default_factory=lambda: DEFAULT_RULES)
    longest_wait: float = 3600.0
    capacity_seconds: float = 86_400.0

    def then(self, outcome: Outcome) -> Then:
        """How a request with this outcome is sent when it is: a person may want what we do not."""
        chosen = self.rules[outcome].then
        if chosen is not Then.NOTHING:
            return chosen
        return CHOICES.get(outcome, (Then.AGAIN,))[0]
