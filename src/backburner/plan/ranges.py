"""Ranges: what something will be at least and at most, and what to reckon with."""

from dataclasses import dataclass

from backburner.nouns.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRange:
    """A number of tokens that is not known yet.

    Invariant:
        0 <= low <= expected <= high.
    """

    low: int
    expected: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.expected <= self.high:
            raise ValueError(f"no range: {self}")

    def __add__(self, other: "TokenRange") -> "TokenRange":
        return TokenRange(
            low=self.low + other.low,
            expected=self.expected + other.expected,
            high=self.high + other.high,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """A price that is not known yet.

    Invariant:
        low <= expected <= high.
    """

    low: Money
    expected: Money
    high: Money

    def __post_init__(self) -> None:
        if not self.low <= self.expected <= self.high:
            raise ValueError(f"no range: {self}")

    def __add__(self, other: "PriceRange") -> "PriceRange":
        return PriceRange(
            low=self.low + other.low,
            expected=self.expected + other.expected,
            high=self.high + other.high,
        )
