"""A trip: how long a batch was upstream, or is so far; and what was forecast of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One batch on its way, as far as it is known.

    Attributes:
        model: The model of all its requests; empty where they have several.
        sent_at: POSIX seconds.
        seconds: How long it took, or is under way; up to the cancel of one that was canceled.
        has_ended: Whether it came to its end by itself. Of any other it is only known that it
            takes longer than this.
    """

    model: str
    requests: int
    sent_at: float
    seconds: float
    has_ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What was said of a batch when it was sent, and what came. POSIX seconds.

    Attributes:
        median: When half of such batches would have ended.
        late: When 95 of 100 would have.
        ended_at: When it ended; None while it has not.
    """

    sent_at: float
    median: float
    late: float
    ended_at: float | None
