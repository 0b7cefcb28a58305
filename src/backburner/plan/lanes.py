"""What a lane's step does: pack retries, release batches, list the upstream."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from backburner.nouns.batch import BatchId
from backburner.plan.actions import LaneStep
from backburner.plan.admission import goes_at
from backburner.plan.caching.following import LOOK_AGAIN, WaitingWave, goes_on_at
from backburner.plan.polling import next_poll
from backburner.plan.sealing import Seal, Waiting, next_seal, seals_all

FAR: Final = 6 * 3600.0
"""Seconds until a lane without anything to do is looked at again, should nobody wake it."""


LOOK_BACK_EVERY: Final = 24 * 3600.0
"""Seconds between two searches for late duplicates: nightly, for whoever runs nightly."""


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Release everything that waits: `drain`."""


@dataclass(frozen=True, slots=True)
class ReleaseRun:
    """Release the first attempts of one run: `run`."""

    run: str


@dataclass(frozen=True, slots=True)
class ReleaseRetries:
    """Release no first attempts: `drain --collect`."""


Allowance = ReleaseAll | ReleaseRun | ReleaseRetries
"""What a tick may release. Retries may always go: their runs were released before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """A batch that waits for its release; a batch of retries has no run."""

    id: BatchId
    run: str | None
    due_at: float
    hold: str | None = None


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
        is_stopped: Whether nothing may be sent until a person opens the lane.
    """

    sealed: tuple[SealedBatch, ...]
    in_flight: tuple[float, ...]
    retry_due_at: float | None
    polled_at: float | None
    looked_back_at: float | None = None
    retry_after: float | None = None
    is_stopped: bool = False
    waves: tuple[WaitingWave, ...] = ()
    inbox: tuple[Waiting, ...] = ()


def lane_step(view: LaneView, allowance: Allowance, now: float) -> LaneStep:
    """Decide a lane's step. A stopped lane only looks at what is upstream."""
    if view.is_stopped:
        view = replace(view, sealed=(), waves=(), inbox=(), retry_due_at=None)
    view = replace(view, waves=tuple(one for one in view.waves if _may_run(one.run, allowance)))
    ready = [_timed(one, view) for one in view.sealed if _may_go(one, allowance)]
    return LaneStep(
        seal=_to_seal(view, allowance),
        pack_retries=view.retry_due_at is not None and view.retry_due_at <= now,
        follow=tuple(one.run for one in view.waves if _may_follow(one, now)),
        release=tuple(one.id for one in ready if one.due_at <= now),
        list_upstream=_is_poll_due(view, now),
        look_back=view.looked_back_at is not None and view.looked_back_at + LOOK_BACK_EVERY <= now,
        due_at=_due_again(view, ready, allowance, now),
    )


def _to_seal(view: LaneView, allowance: Allowance) -> tuple[Seal, ...]:
    match allowance:
        case ReleaseAll():
            return seals_all(view.inbox)
        case ReleaseRun() | ReleaseRetries():
            return ()


def _may_go(sealed: SealedBatch, allowance: Allowance) -> bool:
    return sealed.run is None or _may_run(sealed.run, allowance)


def _may_run(wanted: str, allowance: Allowance) -> bool:
    """Whether first attempts of a run may be released."""
    match allowance:
        case ReleaseAll():
            return True
        case ReleaseRun(run):
            return wanted == run
        case ReleaseRetries():
            return False


def _may_follow(wave: WaitingWave, now: float) -> bool:
    at = goes_on_at(wave.leaders, now)
    return at is not None and at <= now


def _timed(sealed: SealedBatch, view: LaneView) -> SealedBatch:
    """The batch with the time at which it may be tried as its due time."""
    away = bool(view.in_flight)
    return replace(sealed, due_at=goes_at(sealed.due_at, sealed.hold, others_away=away))


def _is_poll_due(view: LaneView, now: float) -> bool:
    due = next_poll(view.in_flight, view.polled_at, view.retry_after)
    return due is not None and due <= now


def _due_again(
    view: LaneView, ready: Iterable[SealedBatch], allowance: Allowance, now: float
) -> float:
    times = [now + FAR]
    times += [one.due_at for one in ready if one.due_at > now]
    poll = next_poll(view.in_flight, view.polled_at, view.retry_after)
    if poll is not None and poll <= now:
        # It is due in this very step: what counts is the one after it.
        poll = next_poll(view.in_flight, now, view.retry_after)
    if poll is not None:
        times.append(poll)
    if view.looked_back_at is not None:
        times.append(max(view.looked_back_at + LOOK_BACK_EVERY, now))
    for wave in view.waves:
        at = goes_on_at(wave.leaders, now)
        times.append(now + LOOK_AGAIN if at is None else min(at, now + LOOK_AGAIN))
    to_seal = next_seal(view.inbox)
    if to_seal is not None and (to_seal > now or _to_seal(view, allowance)):
        # A step seals one slice of each urgency, as it packs one batch of retries.
        times.append(max(to_seal, now))
    if view.retry_due_at is not None:
        # More may be due than one step packs: the rest makes the lane due again at once.
        times.append(max(view.retry_due_at, now))
    return min(times)
