"""Driving a run: whoever waits, works."""

from collections.abc import Callable
from typing import Final

from backburner.errors import InDoubt, LaneStopped, Unreachable
from backburner.nouns.batch import TRIES, Batch, BatchState
from backburner.nouns.fault import FaultKind
from backburner.nouns.run import Run
from backburner.plan.lanes import Allowance, ReleaseRun
from backburner.runs.counting import RunCount, count_run
from backburner.store.batches import batches_of_run, batches_where
from backburner.store.exceptions import exceptions_in_state
from backburner.store.lanes import STOPPED, lane_get, lane_look
from backburner.telemetry import BatchSent, Event, FaultSeen
from backburner.worker import Idle, Tools, Worker

_LONGEST_NAP: Final = 60.0
_UNREACHED: Final = 4
"""Failed calls in a row, nothing having been sent, after which a person is told."""

_OVER: Final = frozenset({BatchState.DONE, BatchState.ABANDONED})


class Reach:
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
    tools: Tools, worker: Worker, run: Run, reach: Reach, shown: Callable[[RunCount], None]
) -> RunCount:
    """Tick until every request of a run ended.

    Raises:
        InDoubt: All that is left of it may have arrived or not, and only a person can say.
        Unreachable: The network is away, and nothing of the run was sent.
        LaneStopped: The upstream refused in a way that only a person can clear.
    """
    while True:
        step = worker.tick(ReleaseRun(run.id))
        count, batches = _stand(tools, run)
        shown(count)
        if count.is_finished:
            return count
        if isinstance(step, Idle):
            _check_person(tools, run, count, batches)
            _check_stopped(tools, run)
            reach.check(anything_sent=any(one.sent_at for one in batches))
            now = tools.clock.now()
            until = now + _LONGEST_NAP if step.until is None else step.until
            tools.clock.sleep(min(max(until - now, 0.01), _LONGEST_NAP))


def drain(tools: Tools, worker: Worker, lane: str, allowance: Allowance) -> None:
    """One pass: do all that is due now, and wait for nothing."""
    wake(tools, worker, lane)
    while True:
        step = worker.tick(allowance)
        if isinstance(step, Idle):
            return


def wake(tools: Tools, worker: Worker, lane: str) -> None:
    """Take back what dead processes held, and make the lane look at everything anew."""
    worker.free_the_dead()
    with tools.store.write() as tx:
        lane_look(tx, lane, tools.clock.now())


def _stand(tools: Tools, run: Run) -> tuple[RunCount, list[Batch]]:
    with tools.store.read() as tx:
        return count_run(tx, run), batches_of_run(tx, run.id)


def _check_stopped(tools: Tools, run: Run) -> None:
    """Find out whether another worker stopped the lane, since then nothing would ever be due."""
    with tools.store.read() as tx:
        lane = lane_get(tx, run.lane)
    if lane is not None and lane.state == STOPPED:
        raise LaneStopped(
            f"the lane {lane.name!r} was stopped: {lane.reason}",
            hint="mend the cause, then call again; nothing was lost",
        )


def _check_person(tools: Tools, run: Run, count: RunCount, batches: list[Batch]) -> None:
    """Tell a person when nothing of a run moves any more: its tries are used up."""
    with tools.store.read() as tx:
        held = [one for one in batches_where(tx, [run.lane], [BatchState.HELD]) if _is_stuck(one)]
        retries_held = exceptions_in_state(tx, run.id, [BatchState.HELD])
    left = [one for one in batches if one.state not in _OVER]
    if not held or not all(map(_is_stuck, left)) or retries_held < count.retrying:
        return
    names = ", ".join(one.nonce for one in held)
    raise InDoubt(
        f"nothing of the run {run.id} moves any more: batch {names} was sent {len(TRIES)} times, "
        f"and none of them ever arrived",
        hint="find out what breaks the uploads, then cancel the run and start it anew with --new",
    )


def _is_stuck(batch: Batch) -> bool:
    return batch.state is BatchState.HELD and batch.hold == "person"
