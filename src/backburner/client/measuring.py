"""Measuring a queue: what waits, what is under way, what was paid, and how its loop is."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from backburner.client.pulse import Pulse
from backburner.client.risks import runs_at_risk
from backburner.nouns.batch import BatchState
from backburner.nouns.money import usd
from backburner.nouns.outcome import ExceptionState
from backburner.report.metrics import Labels, Measure
from backburner.store import Transaction
from backburner.store.lanes import OPEN, lanes_all
from backburner.store.measures import (
    batches_counted,
    exceptions_waiting,
    inbox_counted,
    notices_counted,
    paid_by_lane,
    reserved_in_all,
    runs_open,
)
from backburner.worker import Tools

_WAITING: Final = "waiting"
_HELD: Final = "held"
_RETRYING: Final = "retrying"
_WORDS: Final = {
    BatchState.SEALED: _WAITING,
    BatchState.RELEASED: _WAITING,
    BatchState.HELD: _HELD,
    BatchState.ARMED: "sending",
    BatchState.UNKNOWN: "in_doubt",
    BatchState.SENT: "with_anthropic",
    BatchState.ENDED: "with_anthropic",
}
"""What requests are in while their batch is in a state; in the others they are back."""

_STATES: Final = sorted({*_WORDS.values(), _RETRYING})


def measures(tools: Tools, pulse: Pulse) -> list[Measure]:
    """Everything that is measured, now."""
    now = tools.clock.now()
    with tools.store.read() as tx:
        return [*_of_store(tx, now), *_of_loop(pulse, now)]


def _of_store(tx: Transaction, now: float) -> Iterable[Measure]:
    counted = list(batches_counted(tx))
    lanes = {one.name: int(one.state == OPEN) for one in lanes_all(tx)}
    unfinished = dict.fromkeys(lanes, 0) | runs_open(tx)
    paid = paid_by_lane(tx)
    risks = Counter(run.lane for run, _ in runs_at_risk(tx, now))
    pending, given_up = notices_counted(tx)
    yield Measure("lane_open", "gauge", "1 where a lane is open, 0 if stopped.", _lanes(lanes))
    yield Measure("requests", "gauge", "Requests that are not back, by state.", _requests(tx))
    yield Measure(
        "batches",
        "gauge",
        "Batches by state.",
        {_of(lane, state=state): batches for lane, state, batches, _ in counted},
    )
    yield Measure("runs_unfinished", "gauge", "Runs that are not finished.", _lanes(unfinished))
    yield Measure(
        "paid_usd_total",
        "counter",
        "US dollars paid so far.",
        {_of(lane): usd(amount) for lane, amount in paid.items()},
    )
    yield Measure(
        "reserved_usd",
        "gauge",
        "US dollars that batches under way have reserved under budgets.",
        {(): usd(reserved_in_all(tx))},
    )
    yield Measure(
        "deadlines_at_risk",
        "gauge",
        "Unfinished runs whose promise has passed, or will more likely than not.",
        _lanes({lane: risks[lane] for lane in lanes}),
    )
    yield Measure(
        "notices",
        "gauge",
        "Notices that wait to be delivered, and those that were given up.",
        {(("state", "pending"),): pending, (("state", "given_up"),): given_up},
    )


def _of_loop(pulse: Pulse, now: float) -> Iterable[Measure]:
    if pulse.beat_at is not None:
        age = round(max(now - pulse.beat_at, 0.0), 3)
        says = "Seconds since the loop last moved."
        yield Measure("last_tick_age_seconds", "gauge", says, {(): age})
    yield Measure("ticks_total", "counter", "Steps that were done.", {(): pulse.ticks})
    yield Measure("failures_total", "counter", "Steps that failed.", {(): pulse.failures})


def _requests(tx: Transaction) -> dict[Labels, float | str]:
    """Requests by lane and state, zeros too: a number that vanishes looks like a fault."""
    found = Counter({(lane.name, words): 0 for lane in lanes_all(tx) for words in _STATES})
    for lane, state, _, requests in batches_counted(tx):
        if state in _WORDS:
            found[lane, _WORDS[BatchState(state)]] += requests
    for lane, state, requests in exceptions_waiting(tx):
        found[lane, _RETRYING if state == ExceptionState.WAITING else _HELD] += requests
    for lane, requests in inbox_counted(tx).items():
        found[lane, _WAITING] += requests
    return {_of(lane, state=words): count for (lane, words), count in sorted(found.items())}


def _lanes(counts: dict[str, int]) -> dict[Labels, float | str]:
    return {_of(lane): count for lane, count in counts.items()}


def _of(lane: str, **more: str) -> Labels:
    return (("lane", lane), *more.items())
