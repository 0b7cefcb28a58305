"""What is expected of runs that are under way: when they will be back."""

from collections.abc import Iterable, Sequence

from backburner.nouns.batch import Batch, BatchState, Via
from backburner.nouns.trip import Trip
from backburner.plan.eta import Eta, UnderWay, eta_of
from backburner.plan.turnaround import learner
from backburner.store.promises import carriers_of
from backburner.store.runs import run_get
from backburner.store.turnarounds import trips_of
from backburner.worker import Tools

_LEAVING = (BatchState.RELEASED, BatchState.ARMED)


def expect(batches: Iterable[Batch], trips: Sequence[Trip], now: float) -> Eta | None:
    """When batches that have left, or are about to, will all be back; None where there are none."""
    under_way, learnt = [], learner(trips, now)
    for one in batches:
        sent_at = one.sent_at if one.state is BatchState.SENT else now
        is_away = one.state is BatchState.SENT or one.state in _LEAVING
        if is_away and sent_at is not None and one.via is Via.BATCH:
            curve = learnt(one.model, one.requests, sent_at)
            under_way.append(UnderWay(sent_at=sent_at, curve=curve))
    return eta_of(under_way, now)


def eta_of_run(tools: Tools, run_id: str) -> Eta | None:
    """When all of a run that has left will be back, its retries too."""
    now = tools.clock.now()
    with tools.store.read() as tx:
        run = run_get(tx, run_id)
        carriers = [batch for batch, _ in carriers_of(tx, run_id)]
        trips = trips_of(tx, run.lane, now)
    return expect(carriers, trips, now)
