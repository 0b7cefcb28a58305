"""How things stand: what waits, what is in flight, what is in doubt."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from backburner.client.cancellations import canceled_in_words
from backburner.client.expecting import expect
from backburner.client.holding import in_words as budgets_in_words
from backburner.client.holding import waiting_for_budget
from backburner.client.inbox_standing import InboxDay, InboxStanding, days_of, inbox_standing
from backburner.client.windows import WindowStanding, window_standing
from backburner.nouns.batch import Batch, BatchState, Hold
from backburner.nouns.moments import clock_time
from backburner.nouns.run import Run
from backburner.nouns.trip import Trip
from backburner.nouns.urgency import Urgency
from backburner.plan.eta import Eta
from backburner.plan.reconciling import doubt_in_words
from backburner.report.cache_result import CacheResult, cache_result
from backburner.runs.counting import RunCount, count_run
from backburner.store import Transaction
from backburner.store.batches import batches_of_run, batches_where
from backburner.store.inbox import inbox_waiting
from backburner.store.lanes import lanes_all
from backburner.store.ledger import ledger_of_run
from backburner.store.promises import carriers_of
from backburner.store.runs import run_get, runs_of_tickets, runs_shown
from backburner.store.turnarounds import trips_of
from backburner.worker import Tools
from backburner.worker.forecasting import latest_releases

CANARY_BACK: Final = "its canary is back"
_WAITING: Final = "waiting to be sent"
_WAITING_WINDOW: Final = "waiting for window"
_WAITING_TIME: Final = "waiting for its time"
_OF_WINDOWS: Final = (Urgency.WINDOW, Urgency.DEADLINE)
_DOUBTED = (BatchState.UNKNOWN, BatchState.ARMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStanding:
    """One run and how it stands.

    Attributes:
        sent_at: When the oldest of its batches that are upstream was sent, in POSIX seconds.
        latest_end: When the last of its batches upstream must have ended, in POSIX seconds.
        canary: Requests that wait until its canary was looked at.
        holds: What of it waits for more than its time, and what lets it go, in words.
        cache: What came of its cache marks so far; None where it has none, or the run was not
            asked for by name.
        for_budget: Requests that wait for a budget.
        eta: When all of it that has left will be back.
        leaves_at: When the rest leaves, with a window or for its deadline.
        canceled: What came of its requests since it was canceled, in words; empty where it was
            not, or was not asked for by name.
    """

    run: Run
    count: RunCount
    sent_at: float | None
    latest_end: float | None
    words: str
    canary: int
    holds: tuple[str, ...]
    for_budget: int
    cache: CacheResult | None = None
    eta: Eta | None = None
    leaves_at: float | None = None
    canceled: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStanding:
    """A lane and what it has in doubt, in words; `others` are the lanes beside it.

    Attributes:
        window: How its windows stand; None where it may always send.
        inbox: The tickets that are not sealed yet.
        days: The runs of tickets, which no person made, by day.
    """

    name: str
    state: str
    reason: str | None
    workspace: str | None
    doubts: tuple[str, ...]
    others: tuple[str, ...]
    window: WindowStanding | None = None
    inbox: tuple[InboxStanding, ...] = ()
    days: tuple[InboxDay, ...] = ()


def stand(tools: Tools, lane: str, run_id: str | None) -> tuple[LaneStanding, list[RunStanding]]:
    """The lane, and all its runs or the one named."""
    window, now = window_standing(tools, lane), tools.clock.now()
    zone = tools.lane_terms(lane).zone
    when = partial(clock_time, now=now, zone=ZoneInfo(zone) if zone else None)
    with tools.store.read() as tx:
        lanes = {one.name: one for one in lanes_all(tx)}
        row = lanes.pop(lane, None)
        runs = [run_get(tx, run_id)] if run_id else runs_shown(tx, lane)
        doubted = batches_where(tx, [lane], _DOUBTED)
        trips = trips_of(tx, lane, now)
        waiting = inbox_waiting(tx, lane)
        sealed = runs_of_tickets(tx, lane)
        standing = [_run_standing(tools, tx, run, trips) for run in runs]
        if run_id:
            booked = ledger_of_run(tx, run_id)
            canceled = canceled_in_words(tx, standing[0].run, booked)
            standing = [
                replace(one, cache=cache_result(one.run.cache, booked), canceled=canceled)
                for one in standing
            ]
    if window is not None and not window.is_open:
        standing = [_until_window(tools, one, window) for one in standing]
    return (
        LaneStanding(
            name=lane,
            state=row.state if row else "open",
            reason=row.reason if row else None,
            workspace=row.workspace if row else None,
            doubts=tuple(
                doubt_in_words(one, terms=tools.terms.doubts, when=when) for one in doubted
            ),
            others=tuple(lanes),
            window=window,
            inbox=inbox_standing(waiting),
            days=tuple(days_of(tools.day, sealed, _open_tickets(standing))),
        ),
        standing,
    )


def _open_tickets(standing: Iterable[RunStanding]) -> Iterator[tuple[float, int, str]]:
    """Each run of tickets that is not closed: when it was made, how many ended, how it stands."""
    for one in standing:
        if one.run.is_inbox and one.run.finished_at is None:
            yield one.run.created_at, one.count.ended, one.words


def _run_standing(tools: Tools, tx: Transaction, run: Run, trips: Sequence[Trip]) -> RunStanding:
    count, batches = count_run(tx, run), batches_of_run(tx, run.id)
    carriers = [] if count.is_finished else [one for one, _ in carriers_of(tx, run.id)]
    waiting = [] if count.is_finished else waiting_for_budget(tools, tx, run)
    for_budget = sum(one.requests for one in waiting)
    away = [one for one in batches if one.state is BatchState.SENT]
    canary = _requests_held(batches, Hold.CANARY)
    ends = [one.expires_at for one in away if one.expires_at]
    return RunStanding(
        run=run,
        count=count,
        sent_at=min((one.sent_at for one in away if one.sent_at), default=None),
        latest_end=max(ends, default=None),
        words=in_words(run, count, canary, for_budget),
        canary=canary,
        holds=(*_holds(run, count, batches), *budgets_in_words(tools, run, waiting)),
        for_budget=for_budget,
        eta=expect(carriers, trips, tools.clock.now()),
    )


def _until_window(tools: Tools, one: RunStanding, window: WindowStanding) -> RunStanding:
    """The same of a lane whose window is closed."""
    if one.run.urgency not in _OF_WINDOWS or not one.count.batches.get(BatchState.SEALED):
        return one
    with tools.store.read() as tx:
        batches = batches_of_run(tx, one.run.id)
    sealed = [batch for batch in batches if batch.state is BatchState.SEALED]
    latest = min(latest_releases(tools, one.run.lane, sealed).values(), default=None)
    opens_at = None if window.present is None else window.present.since
    is_window = latest is None or (opens_at is not None and opens_at <= latest)
    words = f"{_WAITING_WINDOW}, {window.opens}" if is_window else _WAITING_TIME
    return replace(
        one,
        words=words if one.words == _WAITING else one.words,
        leaves_at=opens_at if is_window else max(latest or 0.0, tools.clock.now()),
    )


def _requests_held(batches: Iterable[Batch], hold: Hold) -> int:
    resting = (BatchState.HELD, BatchState.SEALED)
    return sum(one.requests for one in batches if one.hold == hold and one.state in resting)


def _holds(run: Run, count: RunCount, batches: Iterable[Batch]) -> Iterator[str]:
    canary, room = (_requests_held(batches, hold) for hold in (Hold.CANARY, Hold.ROOM))
    if canary:
        yield (
            f"{canary:,} requests until the canary was looked at: "
            f"`backburner release {run.id}` lets them go"
        )
    following = _requests_held(batches, Hold.LEADERS)
    if following:
        yield f"{following:,} requests until those have ended whose cache they read"
    if room:
        yield f"{room:,} requests until Anthropic takes more"
    if count.stopped:
        yield (
            f"{count.stopped:,} requests for which the account was at fault: "
            f"`backburner resume {run.lane}` lets them be sent again"
        )
    if count.held > count.stopped:
        yield (
            f"{count.held - count.stopped:,} requests of which it is not known what came of them: "
            f"`backburner retry {run.id}` sends them again"
        )


_MOVING: Final = (
    (_DOUBTED, "in doubt"),
    ((BatchState.SENT,), "with Anthropic"),
    ((BatchState.ENDED,), "collecting"),
    ((BatchState.RELEASED,), "sending"),
)
"""What is said of a run by the states of its batches; the first that one of them is in counts."""


def in_words(run: Run, count: RunCount, canary: int, for_budget: int) -> str:
    """The state of a run as a person would say it.

    Args:
        canary: Requests that wait for its canary.
        for_budget: Requests that wait for a budget.
    """
    if count.is_finished:
        return "finished" if run.cancel_asked_at is None else "canceled"
    for states, words in _MOVING:
        if any(count.batches.get(state) for state in states):
            return words
    if for_budget and not count.batches.get(BatchState.SEALED):
        return "waiting for a budget"
    if count.retrying:
        return "retrying"
    return "stopped" if count.stopped else _resting(count, canary)


def _resting(count: RunCount, canary: int) -> str:
    """What is said of a run of which nothing moves."""
    if count.batches.get(BatchState.SEALED) or not count.batches.get(BatchState.HELD):
        return _WAITING
    return CANARY_BACK if canary else "held"
