"""What to do next with a batch whose lease one holds."""

from typing import Final

from backburner.nouns.batch import Batch, BatchState
from backburner.plan.actions import (
    Ask,
    BatchAction,
    CloseUnsent,
    Collect,
    NoteDoubt,
    Send,
    StayInDoubt,
)

DOUBT_REST: Final = 900.0
"""Seconds between two looks at a batch in doubt. Looking never sends anything."""


def next_action(batch: Batch, *, now: float, quiet: float) -> BatchAction:
    """The one thing to do with a claimed batch.

    A claimed batch that is `armed` has lost the worker that armed it: had an answer come, the
    state would have moved on. So its fate is unknown, and nobody may guess.
    """
    match batch.state:
        case BatchState.RELEASED:
            return CloseUnsent() if batch.cancel_asked_at is not None else Send()
        case BatchState.ARMED:
            return NoteDoubt((batch.armed_at or now) + quiet)
        case BatchState.UNKNOWN:
            return StayInDoubt(now + DOUBT_REST)
        case BatchState.SENT:
            return Ask()
        case BatchState.ENDED:
            return Collect()
        case (
            BatchState.SEALED | BatchState.HELD | BatchState.DONE | BatchState.ABANDONED as resting
        ):
            raise ValueError(f"a batch that is {resting} is moved by its lane, not by itself")


def doubt_in_words(batch: Batch, *, quiet: float) -> str:
    """What is in doubt about a batch, for a person."""
    return (
        f"batch {batch.nonce} with {batch.requests:,} requests: its last bytes may have been sent, "
        f"and no answer is known. It is not sent again. Nothing can be concluded in the first "
        f"{quiet / 60:.0f} minutes."
    )
