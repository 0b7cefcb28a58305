"""Forecasting when a batch will have ended, and noting it, so that forecasts can be scored."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from backburner.nouns.batch import Batch, BatchId
from backburner.plan.deadlines import LATE, MEDIAN, Promise, latest_release
from backburner.plan.turnaround import Curve, learn
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


def latest_releases(tools: Tools, lane: str, waiting: Iterable[Batch]) -> dict[BatchId, float]:
    """The latest moments at which batches that wait may leave, of those that have a deadline."""
    promised = [one for one in waiting if one.deadline is not None]
    if not promised:
        return {}
    now = tools.clock.now()
    with tools.store.read() as tx:
        trips = trips_of(tx, lane, now)
    together = Counter(one.run for one in promised)
    latest = {}
    for one in promised:
        curve = learn(trips, model=one.model, requests=one.requests, at=now, now=now)
        promise = Promise(deadline=one.deadline or now, batches=together[one.run])
        latest[one.id] = latest_release(promise, curve)
    return latest
