"""Promises: by when a run's answers are wanted, and whether that can be kept."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from backburner.nouns.run import Run
from backburner.nouns.urgency import Timing
from backburner.plan.deadlines import Outlook, Promise, outlook, release_at, shard_size
from backburner.plan.packing import PackLimits
from backburner.plan.promises import Said, timing_of
from backburner.plan.turnaround import Curve
from backburner.runs.staging import Staged
from backburner.store.lanes import lane_wake
from backburner.store.rescues import rescue_renew
from backburner.store.runs import run_update
from backburner.store.waiting_batches import batches_promise
from backburner.worker import Tools
from backburner.worker.forecasting import curve_of, margin_of
from backburner.worker.windowing import window_at


def timing_in(tools: Tools, lane: str, asked: Said) -> Timing | None:
    """When a run of a lane has to travel, by the lane's zone; None where nobody said.

    Raises:
        InputError: It is no time, lies in the past, or contradicts itself.
        ZoneNeeded: It is a local time, and no zone is known.
    """
    if asked.is_nothing:
        return None
    zone = tools.lane_terms(lane).zone
    return timing_of(asked, tools.clock.now(), ZoneInfo(zone) if zone else None)


def limits_for(limits: PackLimits, timing: Timing | None, now: float) -> PackLimits:
    """The limits of batches that have to be back by then: smaller ones, which bring news sooner."""
    if timing is None or timing.deadline is None:
        return limits
    return replace(limits, requests=min(limits.requests, shard_size(timing.deadline - now)))


def promise_anew(tools: Tools, run: Run, timing: Timing | None) -> None:
    """Give a run that is there already, and its batches, the time that was named now."""
    if timing is None:
        return
    urgency, deadline = timing.urgency, timing.deadline
    anew = {"urgency": urgency, "deadline": deadline, "rescue": timing.rescue}
    now = tools.clock.now()
    with tools.store.write() as tx:
        run_update(tx, run.id, missed_at=None, miss_cause=None, **anew)
        batches_promise(tx, run.id, urgency=urgency, deadline=deadline)
        if timing.rescue is not None:
            rescue_renew(tx, run, timing.rescue, now)
        lane_wake(tx, run.lane, now)


def outlook_of(tools: Tools, staged: Staged, *, at_once: bool) -> Outlook | None:
    """What is to be expected of a staged run's deadline; None where it has none.

    Args:
        at_once: Whether it leaves now, and not when its lane's window and its deadline say.
    """
    run, batches = staged.run, staged.batches
    if run.deadline is None or not batches:
        return None
    now = tools.clock.now()
    models = {work.model for work in staged.workloads}
    curve = curve_of(
        tools,
        run.lane,
        model=models.pop() if len(models) == 1 else "",
        requests=max(one.requests for one in batches),
        at=now,
    )
    with tools.store.read() as tx:
        margin = margin_of(
            tools, tx, run.lane, requests=run.fresh, has_rescue=run.rescue is not None
        )
    promise = Promise(deadline=run.deadline, batches=len(batches), margin=margin)
    leaves = now if at_once else _leaves_at(tools, run.lane, promise, curve)
    return outlook(promise, curve, leaves)


def _leaves_at(tools: Tools, lane: str, promise: Promise, curve: Curve) -> float:
    now = tools.clock.now()
    window = window_at(tools.lane_terms(lane), now)
    opens_at = now if window.is_open else window.opens_at
    return release_at(promise, curve, opens_at=opens_at, now=now)
