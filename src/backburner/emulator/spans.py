"""Seconds that may be drawn from between two bounds."""

from backburner.emulator import identifiers

Span = float | tuple[float, float]
"""Seconds, or two bounds between which the seed draws them."""


def drawn(span: Span, *parts: object) -> float:
    """Seconds, drawn by the parts if the span has bounds."""
    if not isinstance(span, tuple):
        return span
    low, high = span
    return low + (high - low) * identifiers.chance(*parts)


def longest(span: Span) -> float:
    """The most seconds that may be drawn."""
    return max(span) if isinstance(span, tuple) else span
