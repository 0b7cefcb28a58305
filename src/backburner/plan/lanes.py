"""What a lane's step does: pack retries, release batches, list the upstream."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from backburner.nouns.batch import BatchId, Via
from backburner.nouns.urgency import Urgency
from backburner.plan.actions import LaneStep
from backburner.plan.admission import fitting, goes_at
from backburner.plan.caching.following import LOOK_AGAIN, WaitingWave, goes_on_at
from backburner.plan.polling import next_poll
from backburner.plan.sealing import GATHER, Seal, Waiting, next_seal, seals, seals_all

FAR: Final = 6 * 3600.0
"""Seconds until a lane without anything to do is looked at again, should nobody wake it."""


LOOK_BACK_EVERY: Final = 24 * 3600.0
"""Seconds between two searches for late duplicates: nightly, for whoever runs nightly."""


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Release everything that waits, whatever the window: `drain --now`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDue:
    """Release what urgency, window and deadline allow now: `worker` and `drain`.

    Attributes:
        makes_up: Whether work goes at once whose window nobody saw. A process that is always there
            does; a line in cron does not, since it may only be in the wrong zone.
        gathers: Whether tickets wait a moment for others. Who goes on working lets them; one pass
            does not come back for them, and whoever waits for one has waited long enough.
    """

    makes_up: bool = True
    gathers: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseRun:
    """Release the first attempts of one run: `run`."""

    run: str


@dataclass(frozen=True, slots=True)
class ReleaseRetries:
    """Release no first attempts: `drain --collect`."""


Allowance = ReleaseAll | ReleaseDue | ReleaseRun | ReleaseRetries
"""What a tick may release. Retries may always go: their runs were released before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """A batch that waits for its release; a batch of retries has no run.

    Attributes:
        requests: How many requests it holds.
        deadline: By when its answers were promised; None where nothing was.
        latest_at: The latest moment at which it may leave to be back by then.
        created_at: Since when it waits.
    """

    id: BatchId
    run: str | None
    due_at: float
    hold: str | None = None
    via: str = Via.BATCH
    requests: int = 1
    urgency: str = Urgency.WINDOW
    deadline: float | None = None
    latest_at: float | None = None
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """What a lane's step must know.

    Attributes:
        inbox: The tickets that wait, by urgency.
        waves: The runs of which batches wait for their leaders.
        in_flight: When each batch that the upstream is working on was sent.
        retry_due_at: When the next exception is due.
        looked_back_at: When late duplicates were last searched for; None if nothing was ever armed.
        retry_after: What the upstream asked us to wait with its last list.
        jitter: A share from 0 to 1 by which this lane's looks differ from those of others.
        is_stopped: Whether nothing may be sent until a person opens the lane.
        window_is_open: Whether the lane may send now; a lane without windows always may.
        window_opens_at: When a window opens next; None where it is open, or never opens again.
        missed_until: When the last window closed in which nobody looked; None where none was
            missed.
        queue_limit: The most requests that may be with the upstream at once.
        queued: How many are, or are on their way.
        deadline: The next one, at which somebody has to look whether it is kept.
    """

    sealed: tuple[SealedBatch, ...]
    in_flight: tuple[float, ...]
    retry_due_at: float | None
    polled_at: float | None
    looked_back_at: float | None = None
    retry_after: float | None = None
    jitter: float = 0.0
    is_stopped: bool = False
    waves: tuple[WaitingWave, ...] = ()
    inbox: tuple[Waiting, ...] = ()
    window_is_open: bool = True
    window_opens_at: float | None = None
    missed_until: float | None = None
    queue_limit: int | None = None
    queued: int = 0
    deadline: float | None = None


def lane_step(view: LaneView, allowance: Allowance, now: float) -> LaneStep:
    """Decide a lane's step. A stopped lane only looks at what is upstream."""
    if view.is_stopped:
        view = replace(view, sealed=(), waves=(), inbox=(), retry_due_at=None)
    view = replace(view, waves=tuple(one for one in view.waves if _may_run(one.run, allowance)))
    ready = [_timed(one, view, allowance) for one in view.sealed if _may_go(one, allowance)]
    due = [one for one in ready if one.due_at <= now]
    return LaneStep(
        seal=_to_seal(view, allowance, now),
        pack_retries=view.retry_due_at is not None and view.retry_due_at <= now,
        follow=tuple(one.run for one in view.waves if _may_follow(one, now)),
        make_up=tuple(one.id for one in view.sealed if _was_missed(one, view, allowance)),
        release=tuple(one.id for one in _fitting(due, view)),
        list_upstream=_is_poll_due(view, now),
        look_back=view.looked_back_at is not None and view.looked_back_at + LOOK_BACK_EVERY <= now,
        due_at=_due_again(view, ready, allowance, now),
    )


def _to_seal(view: LaneView, allowance: Allowance, now: float) -> tuple[Seal, ...]:
    match allowance:
        case ReleaseAll():
            return seals_all(view.inbox)
        case ReleaseDue():
            inbox = [one for one in view.inbox if _may_seal(one, view, allowance)]
            is_open = view.window_is_open
            return seals(inbox, now, _gather(allowance), window_is_open=is_open)
        case ReleaseRun() | ReleaseRetries():
            return ()


def _may_seal(one: Waiting, view: LaneView, allowance: ReleaseDue) -> bool:
    """Whether tickets may leave the inbox: those of a window that was missed are made up for."""
    return one.urgency is not Urgency.WINDOW or view.window_is_open or allowance.makes_up


def _gather(allowance: Allowance) -> float:
    return GATHER if isinstance(allowance, ReleaseDue) and allowance.gathers else 0.0


def _may_go(sealed: SealedBatch, allowance: Allowance) -> bool:
    return sealed.run is None or _may_run(sealed.run, allowance)


def _may_run(wanted: str, allowance: Allowance) -> bool:
    """Whether first attempts of a run may be released."""
    match allowance:
        case ReleaseAll() | ReleaseDue():
            return True
        case ReleaseRun(run):
            return wanted == run
        case ReleaseRetries():
            return False


def _may_follow(wave: WaitingWave, now: float) -> bool:
    at = goes_on_at(wave.leaders, now)
    return at is not None and at <= now


def _timed(sealed: SealedBatch, view: LaneView, allowance: Allowance) -> SealedBatch:
    """The batch with the time at which it may be tried as its due time."""
    away = bool(view.in_flight)
    due_at = goes_at(sealed.due_at, sealed.hold, others_away=away)
    if isinstance(allowance, ReleaseDue):
        due_at = max(due_at, leaves_at(sealed, view))
    return replace(sealed, due_at=due_at)


def leaves_at(sealed: SealedBatch, view: LaneView) -> float:
    """From when its urgency lets a batch go; retries always may."""
    if sealed.run is None:
        return 0.0
    match Urgency(sealed.urgency):
        case Urgency.NOW | Urgency.SOON:
            return 0.0
        case Urgency.WINDOW:
            return _window_at(view)
        case Urgency.DEADLINE:
            # A window that opens in time gathers more; any other would break the promise.
            latest = inf if sealed.latest_at is None else sealed.latest_at
            return min(_window_at(view), latest)


def _window_at(view: LaneView) -> float:
    if view.window_is_open:
        return 0.0
    return inf if view.window_opens_at is None else view.window_opens_at


def _was_missed(sealed: SealedBatch, view: LaneView, allowance: Allowance) -> bool:
    """Whether a batch waited for a window in which nobody looked, and is to go instead."""
    if not (isinstance(allowance, ReleaseDue) and allowance.makes_up) or view.missed_until is None:
        return False
    waited = sealed.urgency == Urgency.WINDOW and sealed.created_at < view.missed_until
    return waited and sealed.run is not None and not view.window_is_open


_FIRST: Final = (Urgency.NOW, Urgency.SOON, Urgency.DEADLINE, Urgency.WINDOW)


def _rank(sealed: SealedBatch) -> tuple[int, float]:
    """What goes first where not all of it fits: retries, the more urgent, the earliest deadline."""
    first = 0 if sealed.run is None else _FIRST.index(Urgency(sealed.urgency)) + 1
    return first, inf if sealed.deadline is None else sealed.deadline


def _fitting(due: Sequence[SealedBatch], view: LaneView) -> Iterable[SealedBatch]:
    """Those for which the queue has room; direct calls are in no queue."""
    if view.queue_limit is None:
        return due
    direct = [one for one in due if one.via == Via.DIRECT]
    others = sorted((one for one in due if one.via != Via.DIRECT), key=_rank)
    sizes = [one.requests for one in others]
    return [*direct, *others[: fitting(sizes, limit=view.queue_limit, queued=view.queued)]]


def _is_poll_due(view: LaneView, now: float) -> bool:
    due = next_poll(view.in_flight, view.polled_at, view.retry_after, view.jitter)
    return due is not None and due <= now


def _due_again(
    view: LaneView, ready: Iterable[SealedBatch], allowance: Allowance, now: float
) -> float:
    times = [now + FAR]
    times += [one.due_at for one in ready if one.due_at > now]
    poll = next_poll(view.in_flight, view.polled_at, view.retry_after, view.jitter)
    if poll is not None and poll <= now:
        # It is due in this very step: what counts is the one after it.
        poll = next_poll(view.in_flight, now, view.retry_after, view.jitter)
    if poll is not None:
        times.append(poll)
    if view.looked_back_at is not None:
        times.append(max(view.looked_back_at + LOOK_BACK_EVERY, now))
    for wave in view.waves:
        at = goes_on_at(wave.leaders, now)
        times.append(now + LOOK_AGAIN if at is None else min(at, now + LOOK_AGAIN))
    to_seal = next_seal(view.inbox, _gather(allowance))
    if to_seal is not None and (to_seal > now or _to_seal(view, allowance, now)):
        # A step seals one slice of each urgency, as it packs one batch of retries.
        times.append(max(to_seal, now))
    if view.deadline is not None:
        times.append(view.deadline)
    if view.retry_due_at is not None:
        # More may be due than one step packs: the rest makes the lane due again at once.
        times.append(max(view.retry_due_at, now))
    return min(times)
