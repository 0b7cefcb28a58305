"""Forecasting when a batch will have ended, and noting it, so that forecasts can be scored."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from backburner.nouns.batch import Batch, BatchId
from backburner.plan.deadlines import COLLECTING, LATE, MEDIAN, Promise, latest_release
from backburner.plan.rescuing import CANCELING, Pace, RescueView, last_moment
from backburner.plan.turnaround import Curve, learn, learner
from backburner.store import Transaction
from backburner.store.rescues import calls_measured, longest_cancel
from backburner.store.runs import run_get
from backburner.store.turnarounds import trips_of
from backburner.worker.tools import Tools


def curve_of(tools: Tools, lane: str, *, model: str, requests: int, at: float) -> Curve:
    """The turnaround of batches of a model and size that leave a lane at a time."""
    now = tools.clock.now()
    with tools.store.read() as tx:
        trips = trips_of(tx, lane, now)
    return learn(trips, model=model, requests=requests, at=at, now=now)


def forecast(tools: Tools, batch: Batch, sent_at: float) -> dict[str, Any]:
    """What is forecast of a batch that was just sent."""
    curve = curve_of(tools, batch.lane, model=batch.model, requests=batch.requests, at=sent_at)
    return {
        "forecast_median": sent_at + curve.quantile(MEDIAN),
        "forecast_late": sent_at + curve.quantile(LATE),
    }


def margin_of(
    tools: Tools, tx: Transaction, lane: str, *, requests: int, has_rescue: bool
) -> float:
    """Seconds before a deadline at which batches have to have ended: to collect, or to rescue."""
    if not has_rescue:
        return COLLECTING
    calls, seconds = calls_measured(tx, lane)
    pace = Pace(concurrency=tools.terms.concurrency, calls=calls, seconds=seconds)
    canceling = max(CANCELING, longest_cancel(tx, lane))
    view = RescueView(deadline=0.0, rests=(), asking=0, pace=pace, canceling=canceling)
    return -last_moment(view, requests)


def latest_releases(tools: Tools, lane: str, waiting: Iterable[Batch]) -> dict[BatchId, float]:
    """The latest moments at which batches that wait may leave, of those that have a deadline."""
    promised = [one for one in waiting if one.deadline is not None]
    if not promised:
        return {}
    now = tools.clock.now()
    together, requests = Counter(one.run for one in promised), Counter[str | None]()
    for one in promised:
        requests[one.run] += one.requests
    with tools.store.read() as tx:
        trips = trips_of(tx, lane, now)
        rescued = {name for name in together if name and run_get(tx, name).rescue is not None}
        margins = {
            name: margin_of(tools, tx, lane, requests=requests[name], has_rescue=name in rescued)
            for name in together
        }
    latest, learnt = {}, learner(trips, now)
    for one in promised:
        curve = learnt(one.model, one.requests, now)
        promise = Promise(
            deadline=one.deadline or now, batches=together[one.run], margin=margins[one.run]
        )
        latest[one.id] = latest_release(promise, curve)
    return latest
