"""Noting deadlines that were missed, and by what."""

from collections.abc import Mapping

from backburner.nouns.outcome import ExceptionState
from backburner.nouns.run import Run
from backburner.plan.misses import Missed, cause_of
from backburner.store import Transaction
from backburner.store.exceptions import exceptions_counted
from backburner.store.lanes import STOPPED, LaneRow
from backburner.store.promises import carriers_of, promise_missed, promises_due
from backburner.telemetry import DeadlineMissed
from backburner.worker.tools import Tools


def note_misses(
    tools: Tools, lane: LaneRow, ended: Mapping[str, float | None] | None = None
) -> None:
    """Note which runs of a lane are not back although their deadline is over.

    Args:
        ended: When batches ended that the upstream's list was just seen to show so, by id.
    """
    now = tools.clock.now()
    with tools.store.read() as tx:
        due = [
            (run, _missed(tx, run, lane, ended or {}, now))
            for run in promises_due(tx, lane.name, now)
        ]
    for run, missed in due:
        # What is all back has its output still to be written: whoever does that looks again.
        if not missed.is_over:
            _note(tools, run, missed)


def note_late_end(tools: Tools, run: Run, finished_at: float) -> None:
    """Note that a run was finished after its deadline, unless that is known already."""
    if run.deadline is None or run.missed_at is not None or finished_at <= run.deadline:
        return
    _note(tools, run, Missed(deadline=run.deadline, seen_at=finished_at))


def _missed(
    tx: Transaction, run: Run, lane: LaneRow, ended: Mapping[str, float | None], now: float
) -> Missed:
    waiting = sum(
        count
        for state, _, for_account, count in exceptions_counted(tx, run.id)
        if state is ExceptionState.WAITING or for_account
    )
    return Missed(
        deadline=run.deadline or now,
        seen_at=now,
        ended=ended,
        carriers=tuple(carriers_of(tx, run.id)),
        retries=waiting,
        has_rescue=run.rescue is not None,
        stopped=lane.reason if lane.state == STOPPED else None,
    )


def _note(tools: Tools, run: Run, missed: Missed) -> None:
    cause = cause_of(missed)
    with tools.store.write() as tx:
        promise_missed(tx, run.id, missed.seen_at, cause)
    tools.emit(DeadlineMissed(lane=run.lane, run=run.id, deadline=missed.deadline, cause=cause))
