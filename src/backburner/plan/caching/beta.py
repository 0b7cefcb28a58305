"""The beta distribution's quantile, without a library for it."""

from math import exp, lgamma, log, log1p
from typing import Final

_STEPS: Final = 200
_PRECISION: Final = 1e-12
_TINY: Final = 1e-300


def beta_quantile(hits: float, misses: float, share: float) -> float:
    """The value that a beta-distributed rate is below with a chance of `share`.

    Args:
        hits: The first parameter, over 0.
        misses: The second parameter, over 0.
        share: Between 0 and 1.

    Returns:
        Exact to about ten digits, found by halving.
    """
    if min(hits, misses) <= 0 or not 0 <= share <= 1:
        raise ValueError(f"no such beta distribution or share: {hits}, {misses}, {share}")
    low, high = 0.0, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if beta_below(hits, misses, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_below(hits: float, misses: float, rate: float) -> float:
    """The chance that a beta-distributed rate is below a value: the incomplete beta function."""
    if rate <= 0 or rate >= 1:
        return float(rate >= 1)
    # The fraction converges fast on the side of the mean where the value is.
    if rate > (hits + 1) / (hits + misses + 2):
        return 1 - _tail(misses, hits, 1 - rate)
    return _tail(hits, misses, rate)


def _tail(first: float, second: float, rate: float) -> float:
    scale = lgamma(first + second) - lgamma(first) - lgamma(second)
    front = exp(scale + first * log(rate) + second * log1p(-rate))
    return front / first * _fraction(first, second, rate)


def _fraction(first: float, second: float, rate: float) -> float:
    """The continued fraction of the incomplete beta function, from its front.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22, and 3.10(iii) for the method.
    """
    value, ratio, inverse = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        term = _coefficient(first, second, rate, step)
        inverse = 1 / _away_from_zero(1 + term * inverse)
        ratio = _away_from_zero(1 + term / ratio)
        value *= ratio * inverse
        if abs(ratio * inverse - 1) < _PRECISION:
            break
    return 1 / value


def _coefficient(first: float, second: float, rate: float, step: int) -> float:
    half, is_odd = divmod(step, 2)
    if is_odd:
        above = -(first + half) * (first + second + half)
        return above * rate / ((first + 2 * half) * (first + 2 * half + 1))
    above = half * (second - half)
    return above * rate / ((first + 2 * half - 1) * (first + 2 * half))


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
