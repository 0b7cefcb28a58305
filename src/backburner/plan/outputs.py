"""The output tokens of a workload: `max_tokens` at most, and what earlier answers let expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log, sqrt
from typing import Final

from backburner.plan.ranges import TokenRange

_SIGMAS: Final = 2


class Likeness(StrEnum):
    """What earlier answers have in common with those that are expected, the closest first."""

    CANARY = "canary"
    PROMPT = "prompt"
    NAME = "name"
    LANE = "lane"


_DRIFT: Final = {
    Likeness.CANARY: 1.2,
    Likeness.PROMPT: 1.2,
    Likeness.NAME: 1.5,
    Likeness.LANE: 3.0,
}
"""By what factor the average of such answers may differ, however many of them there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Answers of an earlier run.

    Attributes:
        run: Whose they are.
        tokens: The output tokens of some of them, one at least.
    """

    run: str
    likeness: Likeness
    tokens: Sequence[int]


def outputs_of(requests: int, max_tokens: int, answered: Answered | None) -> TokenRange:
    """The output tokens of requests.

    Args:
        requests: How many.
        max_tokens: The sum of what they may answer at most.
        answered: Answers like theirs; without any, all lengths are possible, and each order of
            magnitude is as likely as another: (m - 1) / ln m on average.
    """
    most = max_tokens / requests if requests else 0.0
    low, expected, high = _unknown(most) if answered is None else _alike(most, answered)
    return TokenRange(
        low=round(low * requests), expected=round(expected * requests), high=round(high * requests)
    )


def _unknown(most: float) -> tuple[float, float, float]:
    least = min(1.0, most)
    return least, max((most - 1) / log(most), least) if most > 1 else least, most


def _alike(most: float, answered: Answered) -> tuple[float, float, float]:
    tokens = [min(one, most) for one in answered.tokens]
    low, mean, high = average_of(tokens, answered.likeness)
    return min(max(low, 1.0), mean), mean, max(min(high, most), mean)


def average_of(values: Sequence[float], likeness: Likeness) -> tuple[float, float, float]:
    """The average of what comes, by that of what came: at least, expected, at most."""
    mean = sum(values) / len(values)
    spread = sum((one - mean) ** 2 for one in values) / max(len(values) - 1, 1)
    off = _SIGMAS * sqrt(spread / len(values)) if len(values) > 1 else mean
    drift = _DRIFT[likeness]
    return max(mean - off, 0.0) / drift, mean, (mean + off) * drift
