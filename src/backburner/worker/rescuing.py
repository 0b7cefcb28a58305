"""Rescuing promises: what a batch would bring too late is recalled, and asked directly.

A batch is canceled first, and its end waited for: what it answered is kept, and only the rest is
asked again. So no request is ever in a batch and asked directly at once.
"""

from dataclasses import dataclass

from backburner.nouns.batch import Batch, BatchId, BatchState, Via
from backburner.nouns.budget import rescue_scope
from backburner.nouns.run import Run
from backburner.plan.rescuing import (
    Pace,
    RescueView,
    Rest,
    cancel_seconds,
    first_look,
    last_moment,
    rescue,
)
from backburner.store import Transaction
from backburner.store.batches import batch_get, batches_of_run
from backburner.store.exceptions import batches_shared
from backburner.store.lanes import STOPPED, LaneRow
from backburner.store.outbox import outbox_counted
from backburner.store.rescues import (
    calls_measured,
    exceptions_waiting,
    is_unsent,
    longest_cancel,
    rescue_considered,
    runs_to_rescue,
)
from backburner.worker.recalling import recall, recall_waiting
from backburner.worker.releasing import release
from backburner.worker.tools import Tools


@dataclass(frozen=True, slots=True)
class _Open:
    """What of a run is open: as the plan sees it, and the batches themselves."""

    view: RescueView
    batches: dict[BatchId, Batch]
    waiting: int
    unasked: tuple[BatchId, ...]


def rescue_promises(tools: Tools, lane: LaneRow) -> float | None:
    """Give up what would be late, as far as it may cost; when to look again, if that is known.

    Raises:
        LeaseLost: Another worker has the lane.
    """
    if lane.state == STOPPED:
        return None
    now = tools.clock.now()
    with tools.store.read() as tx:
        looks = [(run, _first_look(tools, run)) for run in runs_to_rescue(tx, lane.name)]
        found = [(run, _open(tools, tx, run)) for run, at in looks if at <= now]
    times = [at for _, at in looks if at > now]
    for run, seen in found:
        plan = rescue(seen.view, now)
        if plan.look_at is not None:
            times.append(plan.look_at)
        unasked = list(seen.unasked)
        if plan.give_up:
            late = [seen.batches[one] for one in plan.give_up]
            unasked += recall(tools, lane, run, late, seen.unasked)
        if seen.waiting:
            at = last_moment(seen.view, seen.view.asking + seen.waiting)
            if at <= now or plan.give_up:
                recall_waiting(tools, lane, run)
            else:
                times.append(at)
        if unasked:
            again = release(tools, lane, unasked)
            times += [] if again is None else [again]
    return min(times, default=None)


def _first_look(tools: Tools, run: Run) -> float:
    """When a run may first have to be rescued; one whose rescue has begun is always looked at."""
    if run.rescued_at is not None or run.deadline is None:
        return 0.0
    # Each request may have to be asked, and be waiting for its retry, at once.
    return first_look(run.deadline, 2 * run.requests, tools.terms.concurrency)


def _open(tools: Tools, tx: Transaction, run: Run) -> _Open:
    now = tools.clock.now()
    batches = [*batches_of_run(tx, run.id), *_own_retries(tx, run)]
    considered = rescue_considered(tx, rescue_scope(run.id))
    rests: dict[BatchId, Rest] = {}
    asking = exceptions_waiting(tx, run.id, Via.DIRECT)
    unasked = []
    for one in batches:
        if one.via is Via.DIRECT:
            asking += one.requests - outbox_counted(tx, one.id)[1] if _is_open(one) else 0
            unasked += [one.id] if is_unsent(one, now) and run.rescued_at is not None else []
        elif one.state is BatchState.SENT and one.cancel_asked_at is not None:
            asking += one.requests
        elif one.id not in considered and (one.state is BatchState.SENT or is_unsent(one, now)):
            rests[one.id] = Rest(id=one.id, requests=one.requests, away_since=one.sent_at)
    calls, seconds = calls_measured(tx, run.lane)
    view = RescueView(
        deadline=run.deadline or 0.0,
        rests=tuple(rests.values()),
        asking=asking,
        pace=Pace(concurrency=tools.terms.concurrency, calls=calls, seconds=seconds),
        canceling=cancel_seconds(longest_cancel(tx, run.lane)),
    )
    return _Open(
        view=view,
        batches={one.id: one for one in batches if one.id in rests},
        waiting=exceptions_waiting(tx, run.id, Via.BATCH),
        unasked=tuple(unasked),
    )


def _own_retries(tx: Transaction, run: Run) -> list[Batch]:
    """The batches of retries that carry requests of this run alone: no other loses by a cancel."""
    shared = batches_shared(tx, run.id)
    return [batch_get(tx, BatchId(one)) for one, is_shared in shared.items() if not is_shared]


def _is_open(one: Batch) -> bool:
    return one.state not in (BatchState.ENDED, BatchState.DONE)
