"""Driving a run: whoever waits, works."""

from collections.abc import Callable, Iterable
from typing import Final

from backburner.client.holding import check_budget
from backburner.errors import InDoubt, LaneStopped, Unreachable
from backburner.nouns.batch import FOR_BUDGET, TRIES, UNSENT, Batch, BatchState, Hold
from backburner.nouns.fault import FaultKind
from backburner.nouns.run import Run
from backburner.plan.lanes import Allowance, ReleaseRetries, ReleaseRun
from backburner.runs.counting import RunCount, count_run
from backburner.store.batches import batches_of_run, batches_where
from backburner.store.exceptions import exceptions_in_state
from backburner.store.lanes import STOPPED, lane_get, lane_look, lane_wake
from backburner.telemetry import BatchSent, Event, FaultSeen
from backburner.worker import Idle, Tools, Worker
from backburner.worker.stopping import stopped_error

_LONGEST_NAP: Final = 60.0
GLANCE: Final = 1.0
"""Seconds between two looks at what others do."""
_UNREACHED: Final = 4
"""Failed calls in a row, nothing having been sent, after which a person is told."""


class Outage:
    """Counts calls that found no upstream, from the worker's events."""

    def __init__(self) -> None:
        self._unreached = 0
        self._last = ""

    def listen(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, FaultSeen) and event.fault.kind is FaultKind.UNREACHED:
            self._unreached += 1
            self._last = event.fault.what
        elif isinstance(event, BatchSent):
            self._unreached = 0

    def check(self, *, anything_sent: bool) -> None:
        """Stop when the network is away from the start; keep on when batches are under way.

        Raises:
            Unreachable: Several calls in a row found nobody, and nothing of the run was sent.
        """
        if self._unreached >= _UNREACHED and not anything_sent:
            raise Unreachable(
                f"Anthropic cannot be reached ({self._last})",
                hint="nothing was sent and nothing is lost: call again when the network is back",
            )


def drive(
    tools: Tools, worker: Worker, run: Run, outage: Outage, shown: Callable[[RunCount], None]
) -> RunCount:
    """Tick until every request of a run ended, or all but those that wait for its canary.

    Raises:
        BudgetReached: All that is left of it waits for a budget that gets no room by itself.
        InDoubt: All that is left of it may have arrived or not, and only a person can say.
        Unreachable: The network is away, and nothing of the run was sent.
        LaneStopped: The upstream refused in a way that only a person can clear.
    """
    while True:
        step = worker.tick(ReleaseRun(run.id))
        count, batches = _stand(tools, run)
        shown(count)
        if count.is_finished or _is_canary_back(count, batches):
            return count
        if isinstance(step, Idle):
            check_moves(tools, run, outage)
            nap(tools, step)


def check_moves(tools: Tools, run: Run, outage: Outage) -> None:
    """Make sure that what is left of a run goes on by itself.

    Raises:
        BudgetReached: All of it waits for a budget that gets no room by itself.
        InDoubt: All of it may have arrived or not, and only a person can say.
        Unreachable: The network is away, and nothing of the run was sent.
        LaneStopped: The upstream refused in a way that only a person can clear.
    """
    count, batches = _stand(tools, run)
    _check_person(tools, run, count, batches)
    _check_stopped(tools, run, count)
    check_budget(tools, run, is_all=_waits_for_budget(tools, run, count, batches))
    outage.check(anything_sent=any(one.sent_at for one in batches))


def nap(tools: Tools, idle: Idle, most: float = _LONGEST_NAP) -> None:
    """Sleep until something is due, a minute at the most; a second where others are at work.

    What they hold counts as due at the end of their leases, and is mostly done long before.
    """
    now, most = tools.clock.now(), min(most, GLANCE) if idle.is_shared else most
    until = now + most if idle.until is None else idle.until
    tools.clock.sleep(min(max(until - now, 0.01), most))


def drain(tools: Tools, lanes: tuple[str, ...], allowance: Allowance) -> LaneStopped | None:
    """One pass: do all that is due now, and wait for nothing; gives what stopped a lane.

    Lanes take turns, so that a long one delays no short one. A lane that stops on the way goes on
    looking at what is upstream. A second refusal in one pass is of the key, not of sending: then
    there is nothing to look at. Whoever only collects need not be told of a lane that was stopped
    before.
    """
    workers = {lane: Worker(tools, (lane,)) for lane in lanes}
    for lane, worker in workers.items():
        wake(tools, worker, lane)
    stopped: dict[str, LaneStopped] = {}
    while workers:
        for lane, worker in tuple(workers.items()):
            try:
                is_over = isinstance(worker.tick(allowance), Idle)
            except LaneStopped as error:
                is_over = lane in stopped
                stopped.setdefault(lane, error)
            if is_over:
                del workers[lane]
    if stopped:
        return next(iter(stopped.values()))
    only_collects = isinstance(allowance, ReleaseRetries)
    if only_collects:
        hand_over(tools, lanes)
    stands = (standing_stop(tools, lane) for lane in lanes if not only_collects)
    return next((one for one in stands if one is not None), None)


def hand_over(tools: Tools, lanes: Iterable[str]) -> None:
    """Let a worker that may release more look at lanes: their next step was set without that."""
    with tools.store.write() as tx:
        for lane in lanes:
            lane_wake(tx, lane, tools.clock.now())


def standing_stop(tools: Tools, name: str) -> LaneStopped | None:
    """The error that says why nothing is sent in a lane; None where it is open."""
    with tools.store.read() as tx:
        lane = lane_get(tx, name)
    if lane is None or lane.state != STOPPED:
        return None
    return stopped_error(name, f"the lane {name!r} is stopped: {lane.reason}")


def wake(tools: Tools, worker: Worker, lane: str) -> None:
    """Take back what dead processes held, and make the lane look at everything anew."""
    worker.free_the_dead()
    with tools.store.write() as tx:
        lane_look(tx, lane, tools.clock.now())


def _stand(tools: Tools, run: Run) -> tuple[RunCount, list[Batch]]:
    with tools.store.read() as tx:
        return count_run(tx, run), batches_of_run(tx, run.id)


def _is_canary_back(count: RunCount, batches: list[Batch]) -> bool:
    """Whether all of a run is over but what waits for its canary."""
    if count.retrying or count.stopped or not any(map(_waits_for_canary, batches)):
        return False
    return all(one.state is BatchState.DONE or _waits_for_canary(one) for one in batches)


def _waits_for_canary(batch: Batch) -> bool:
    return batch.state is BatchState.HELD and batch.hold == Hold.CANARY


def _waits_for_budget(tools: Tools, run: Run, count: RunCount, batches: list[Batch]) -> bool:
    """Whether all that is left of a run waits for a budget, or for what waits for one."""
    if count.stopped:
        return False
    left = [
        one for one in batches if one.state is not BatchState.DONE and not _waits_for_others(one)
    ]
    with tools.store.read() as tx:
        retries_held = exceptions_in_state(tx, run.id, [BatchState.HELD])
    return all(one.hold in FOR_BUDGET for one in left) and retries_held >= count.retrying


def _waits_for_others(batch: Batch) -> bool:
    """Whether a batch waits for those of its run that go first."""
    return batch.state is BatchState.HELD and batch.hold in (Hold.CANARY, Hold.LEADERS)


def _check_stopped(tools: Tools, run: Run, count: RunCount) -> None:
    """Tell a person when the lane is stopped and something of the run waits to be sent in it."""
    unsent = any(count.batches.get(state) for state in UNSENT)
    if not (unsent or count.retrying or count.stopped):
        return
    stopped = standing_stop(tools, run.lane)
    if stopped is not None:
        raise stopped


def _check_person(tools: Tools, run: Run, count: RunCount, batches: list[Batch]) -> None:
    """Tell a person when nothing of a run moves any more: its tries are used up.

    What waits for its canary moves only once that is back, and what failed for the account once the
    lane is open.
    """
    left = [
        one for one in batches if one.state is not BatchState.DONE and not _waits_for_canary(one)
    ]
    with tools.store.read() as tx:
        held = [one for one in batches_where(tx, [run.lane], [BatchState.HELD]) if _is_stuck(one)]
        retries_held = exceptions_in_state(tx, run.id, [BatchState.HELD])
    if not held or not all(map(_is_stuck, left)) or retries_held < count.retrying or count.stopped:
        return
    names = ", ".join(one.nonce for one in held)
    raise InDoubt(
        f"nothing of the run {run.id} moves any more: batch {names} was sent {len(TRIES)} times, "
        f"and none of them ever arrived",
        hint="find out what breaks the uploads, then cancel the run and start it anew with --new",
    )


def _is_stuck(batch: Batch) -> bool:
    return batch.state is BatchState.HELD and batch.hold == Hold.PERSON
