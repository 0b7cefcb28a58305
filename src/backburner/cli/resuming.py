"""What is said of a run that was there before."""

from typing import TYPE_CHECKING

from backburner.cli.progress import batches_in_words
from backburner.cli.words import either, many, when
from backburner.nouns.batch import BatchState

if TYPE_CHECKING:
    from backburner.client.standing import RunStanding

_UNSENT = frozenset({BatchState.SEALED, BatchState.HELD, BatchState.RELEASED})


def is_unsent(standing: "RunStanding") -> bool:
    """Whether nothing of a run was ever sent."""
    count = standing.count
    return not count.ended and set(count.batches) <= _UNSENT


def resumed_in_words(standing: "RunStanding", now: float) -> str:
    """Which run it is, and how far: `this is run k3x9qa, begun 22:41; 4 batches: 3 back, …`."""
    run, count = standing.run, standing.count
    begun = f"this is run {run.id}, begun {when(run.created_at, now)}"
    if count.is_finished:
        if run.finished_at is None:
            all_of = either(
                count.requests, "its request is", f"all {count.requests:,} requests are"
            )
            return f"{begun}; {all_of} back"
        return f"{begun} and finished {when(run.finished_at, now)}: nothing is sent again"
    if is_unsent(standing):
        return f"{begun}; none of its {many(count.requests, 'request')} was sent yet"
    retries = f"; {count.retrying:,} to be tried again" if count.retrying else ""
    return f"{begun}; {batches_in_words(count.batches)}{retries}"
