"""Retention: how long stored prompts and answers are kept."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long texts are kept, here and upstream.

    Attributes:
        local_days: After how many days the texts of a finished run are pruned; None keeps them.
        delete_after_collect: Whether a batch is deleted upstream once its results are booked here.
    """

    local_days: int | None = None
    delete_after_collect: bool = False
