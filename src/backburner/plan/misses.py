"""Misses: what broke a promise, in words that say whom to ask."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from backburner.nouns.batch import Batch, BatchState, Hold, Via
from backburner.nouns.spans import in_words

_ASLEEP_AFTER: Final = 600.0
"""Whoever works notices a miss at once; one that is noticed this much later was seen by nobody."""

_HELD: Final = {
    Hold.BUDGET: "waited for a budget",
    Hold.CANARY: "waited until its canary was looked at",
    Hold.LEADERS: "waited for those that go first",
    Hold.PERSON: "was sent under every try and never arrived: a person has to look",
    Hold.ROOM: "Anthropic took no more for now",
    Hold.UNBOUNDED: "waited for a budget: nothing says the most that it can cost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """What is known of a run whose deadline is over.

    Attributes:
        seen_at: When that was noticed.
        ended: When those of the carriers ended, by the upstream's id, that it says have.
        carriers: The batches that still carry requests of it, and how many each.
        retries: Requests that wait for another attempt.
        has_rescue: Whether what would be late might have been asked sync.
        stopped: Why nothing is sent in its lane; None where it is open.
    """

    deadline: float
    seen_at: float
    ended: Mapping[str, float | None] = field(default_factory=dict)
    carriers: tuple[tuple[Batch, int], ...] = ()
    retries: int = 0
    has_rescue: bool = False
    stopped: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether all of the run came back, so that nothing is missing but its output."""
        return not self.carriers and not self.retries


def cause_of(missed: Missed) -> str:
    """What most of the missing requests waited for."""
    causes: Counter[str] = Counter()
    for batch, requests in missed.carriers:
        causes[_cause(batch, missed)] += requests
    if missed.retries:
        causes[_of_retries(missed)] += missed.retries
    if not causes:
        return _asleep(missed) or "the output was written late"
    [(cause, _)] = causes.most_common(1)
    return cause


def _of_retries(missed: Missed) -> str:
    if missed.stopped is not None:
        return f"the lane was stopped: {missed.stopped}"
    return _asleep(missed) or "requests had to be tried again"


def _cause(batch: Batch, missed: Missed) -> str:
    held = _held(batch)
    if held is not None:
        return held
    match batch.state:
        case BatchState.ARMED | BatchState.UNKNOWN:
            return "in doubt: it was not known whether the batch arrived"
        case BatchState.SENT if batch.via is Via.BATCH:
            return _upstream(batch, missed)
        case BatchState.SENT:
            return _asleep(missed) or "the rescue took too long"
        case BatchState.ENDED:
            return _asleep(missed) or "it was back, and not collected yet"
        case _:
            return _unsent(batch, missed)


def _asleep(missed: Missed) -> str | None:
    """That nobody was at work at the deadline, if so."""
    after = missed.seen_at - missed.deadline
    if after <= _ASLEEP_AFTER:
        return None
    return f"the worker did not run: nobody looked until {in_words(after)} after the deadline"


def _upstream(batch: Batch, missed: Missed) -> str:
    ended_at = missed.ended.get(batch.upstream_id or "")
    if ended_at is None or ended_at > missed.deadline:
        return _late(batch, missed)
    before = in_words(missed.deadline - ended_at)
    return f"the worker did not run: it had ended {before} before the deadline, and nobody looked"


def _held(batch: Batch) -> str | None:
    waits = batch.state in (BatchState.HELD, BatchState.SEALED) and batch.hold is not None
    return _HELD[Hold(str(batch.hold))] if waits else None


def _unsent(batch: Batch, missed: Missed) -> str:
    if missed.stopped is not None:
        return f"the lane was stopped: {missed.stopped}"
    if batch.faults:
        return "it could not be sent: calls failed"
    slow = "the rescue took too long" if batch.via is Via.DIRECT else "it was not sent in time"
    return _asleep(missed) or slow


def _late(batch: Batch, missed: Missed) -> str:
    if not missed.has_rescue:
        return _against_forecast(batch, missed)
    # It would have been recalled before, had its rescue had the money or the worker run.
    canceled = batch.cancel_asked_at is not None
    why = "the rescue took too long" if canceled else "its rescue had too little left"
    return f"{_against_forecast(batch, missed)}; {why}"


def _against_forecast(batch: Batch, missed: Missed) -> str:
    sent_at = batch.sent_at or missed.deadline
    under_way = in_words(missed.seen_at - sent_at)
    if batch.forecast_late is None:
        return f"the batch was late: under way for {under_way}"
    late = in_words(batch.forecast_late - sent_at)
    if batch.forecast_late > missed.deadline:
        left = in_words(missed.deadline - sent_at)
        return (
            f"it was sent too late: 95 of 100 such batches take up to {late}, and {left} were left"
        )
    return f"the batch was late: {under_way} so far, where 95 of 100 take up to {late}"
