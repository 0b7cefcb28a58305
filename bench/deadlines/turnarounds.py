"""The turnarounds that policies are tried on, drawn evenly so that few jobs are enough."""

import math
import random
from collections.abc import Callable
from statistics import NormalDist
from typing import Final

Quantile = Callable[[float], float]
"""The seconds by which a share of batches has ended."""

_MEDIAN: Final = 420.0
_SIGMA: Final = 1.68
_LONGEST: Final = 86_000.0
_LEAST: Final = 1e-9


def log_normal(share: float) -> float:
    """Median 7 min, 90 % within an hour. Source: OpenRouter's batch API blog, 2026."""
    return _log_normal(share, _MEDIAN, _SIGMA)


def bimodal(share: float) -> float:
    """Three in four are quick, with a median of 4 min; the fourth waits for some 90 min."""
    quick = 0.75
    if share < quick:
        return _log_normal(share / quick, 240.0, 0.5)
    return _log_normal(max((share - quick) / (1 - quick), _LEAST), 5400.0, 0.4)


def _log_normal(share: float, median: float, sigma: float) -> float:
    return min(math.exp(NormalDist(math.log(median), sigma).inv_cdf(share)), _LONGEST)


DISTRIBUTIONS: Final[dict[str, Quantile]] = {"log-normal": log_normal, "bimodal": bimodal}


def drawn(quantile: Quantile, count: int, seed: int) -> list[float]:
    """As many turnarounds, one of each slice of the distribution, in an order by chance."""
    times = [quantile((each + 0.5) / count) for each in range(count)]
    random.Random(seed).shuffle(times)
    return times


def share_ended(quantile: Quantile, seconds: float) -> float:
    """What share of batches has ended by then."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle) <= seconds else (low, middle)
    return low


def expected_cost(quantile: Quantile, seconds: float) -> float:
    """What the rule costs beside all sync, where a batch that is given up has brought nothing.

    Half of what ends until it is given up, and the whole of the rest.

    Args:
        quantile: The distribution.
        seconds: When it is given up.
    """
    ended = share_ended(quantile, seconds)
    return 0.5 * ended + 1.0 * (1.0 - ended)
