"""Noticing what somebody wants to be told, and keeping it until it has been."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from backburner.client.finishing import receipt
from backburner.client.risks import runs_at_risk
from backburner.nouns.batch import BatchState
from backburner.nouns.notice import Channel, Kind
from backburner.nouns.outcome import ExceptionState
from backburner.nouns.run import Run
from backburner.plan.notices import RunNews, StoppedLane, notices_of
from backburner.store import Transaction
from backburner.store.exceptions import exceptions_counted
from backburner.store.lanes import STOPPED, lanes_all
from backburner.store.measures import runs_open
from backburner.store.notices import HeldUp, notice_ids, notices_put, run_states
from backburner.store.runs import runs_finished_since, runs_unfinished
from backburner.worker import Tools

_LATELY: Final = 86400.0
"""Seconds since which a run may have been finished: who begins with notices is told of no older."""

_RESTING: Final = (BatchState.HELD, BatchState.DONE)


def notice(tools: Tools, channels: Sequence[Channel]) -> None:
    """Keep what is to be told for each channel that wants it; what is kept already stays so."""
    now = tools.clock.now()
    with tools.store.read() as tx:
        news = [*_finished(tools, tx, now), *_unfinished(tx, now)]
        lanes = _stopped(tx)
    found = notices_of(news, lanes, now, partial(_when, tools), tools.day(now))
    with tools.store.write() as tx:
        for channel in channels:
            notices_put(tx, filter(channel.wants, found), [channel.name], now)


def _when(tools: Tools, lane: str, at: float) -> str:
    """The day and time in a lane's zone, such as `Tue 22 Sep 07:00`."""
    zone = tools.lane_terms(lane).zone
    there = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone) if zone else None)
    return f"{there:%a %d %b %H:%M}"


def _finished(tools: Tools, tx: Transaction, now: float) -> Iterable[RunNews]:
    """Runs that were finished lately, unless that is kept already: a receipt costs a look."""
    known = notice_ids(tx, f"{Kind.RUN_FINISHED}:")
    for run in runs_finished_since(tx, now - _LATELY):
        if run.is_inbox or f"{Kind.RUN_FINISHED}:{run.id}" in known:
            continue
        made = receipt(tools, run)
        yield RunNews(run=run, outcomes=dict(made.outcomes), paid=made.paid.picodollars, held={})


def _unfinished(tx: Transaction, now: float) -> Iterable[RunNews]:
    late = {run.id: late_at for run, late_at in runs_at_risk(tx, now)}
    states = run_states(tx)
    for run in runs_unfinished(tx):
        if run.cancel_asked_at is None:
            yield _news(tx, run, states.get(run.id, []), late.get(run.id))


def _news(tx: Transaction, run: Run, states: Sequence[HeldUp], late_at: float | None) -> RunNews:
    held: dict[str, int] = {}
    for one in states:
        if one.hold is not None and one.state == BatchState.HELD:
            held[one.hold] = held.get(one.hold, 0) + one.requests
    exceptions = exceptions_counted(tx, run.id)
    travels = (ExceptionState.WAITING, ExceptionState.TRAVELLING)
    away = [one.sent_at for one in states if one.is_uncollected and one.sent_at is not None]
    return RunNews(
        run=run,
        held=held,
        moves=any(one.state not in _RESTING for one in states)
        or any(state in travels for state, _, _, _ in exceptions),
        doubted=sum(
            count
            for state, _, for_account, count in exceptions
            if state is ExceptionState.HELD and not for_account
        ),
        late_at=late_at,
        oldest=min(away, default=None),
    )


def _stopped(tx: Transaction) -> list[StoppedLane]:
    waiting = runs_open(tx)
    return [
        StoppedLane(name=lane.name, reason=lane.reason or "", runs=waiting[lane.name])
        for lane in lanes_all(tx)
        if lane.state == STOPPED and waiting.get(lane.name)
    ]
