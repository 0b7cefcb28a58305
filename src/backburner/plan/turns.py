"""Turns: in which order batches are sent that may all go.

Uploads take their time, and Anthropic takes only so much at once. So a run of four hundred batches
lets others in between, and what is wanted sooner goes first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from backburner.nouns.batch import Batch, BatchId
from backburner.nouns.urgency import Urgency

_DAY: Final = 86400.0
_AHEAD: Final[Mapping[str, float]] = {
    Urgency.NOW: 90 * _DAY,
    Urgency.DEADLINE: 60 * _DAY,
    Urgency.SOON: 10 * _DAY,
}
"""Seconds by which some go before the others, whenever these were released. Between a deadline and
another, the nearer one does."""

_RETRIES_AHEAD: Final = 20 * _DAY
"""The same for what is sent again: it has waited for longest, and its run is nearly over."""

_STEP: Final = 1e-4
"""Seconds between two places; a lane with ten thousand batches is done with them within one."""


def places(released: Iterable[Batch], now: float) -> dict[BatchId, float]:
    """When each batch counts as due: the earliest is sent first, and all are due by now.

    Of each urgency, runs take turns: the first batch of each, then the second of each.
    """
    turns: Counter[str | None] = Counter()
    found: dict[BatchId, float] = {}
    keyed: list[tuple[tuple[float, int], Batch]] = []
    for batch in sorted(released, key=lambda one: (one.due_at, one.id)):
        keyed.append(((_due(batch, now), turns[batch.run]), batch))
        turns[batch.run] += 1
    keyed.sort(key=lambda pair: pair[0])
    for place, ((due, _), batch) in enumerate(keyed):
        found[batch.id] = due - (len(keyed) - place) * _STEP
    return found


def _due(batch: Batch, now: float) -> float:
    """When a batch is due by its urgency alone; it is never later than now."""
    ahead = _AHEAD.get(batch.urgency, 0.0)
    if batch.run is None:
        ahead = max(ahead, _RETRIES_AHEAD)
    if batch.urgency == Urgency.DEADLINE and batch.deadline is not None:
        return min(batch.deadline - ahead, now)
    return now - ahead
