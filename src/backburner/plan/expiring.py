"""Results that the upstream will not keep much longer."""

from typing import Final

_DAY: Final = 86_400.0

_KEPT: Final = 29 * _DAY
"""Seconds after its creation for which a batch's results can be had.

Source: platform.claude.com/docs/en/build-with-claude/batch-processing, 2026-09-26.
"""

WARN_AFTER: Final = 27 * _DAY
"""Two days are left: a weekend away is not the end."""

COLLECT_FIRST_AFTER: Final = 25 * _DAY
"""From here on a batch is collected before others, and whoever wants notices is told of it."""


def first_before(now: float) -> float:
    """What was sent before this time is collected before all else that is due."""
    return now - COLLECT_FIRST_AFTER


def expires_at(sent_at: float) -> float:
    """When the results of a batch are gone."""
    return sent_at + _KEPT


def is_to_warn(sent_at: float, seen_at: float | None, now: float) -> bool:
    """Whether somebody is to be told that results run out: once for each day that is left.

    Args:
        sent_at: When the batch was sent.
        seen_at: When its lane was last looked at; None where it never was.
        now: The time.
    """
    age = now - sent_at
    if not WARN_AFTER <= age < _KEPT:
        return False
    before = -1.0 if seen_at is None else seen_at - sent_at
    return before < WARN_AFTER or int(before // _DAY) < int(age // _DAY)
