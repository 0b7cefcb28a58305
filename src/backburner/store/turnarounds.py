"""How long batches took that were sent to one upstream, and what was forecast of them."""

from typing import Final

from sqlalchemy import Select, select

from backburner.nouns.batch import BatchState, Via
from backburner.nouns.trip import Forecast, Trip
from backburner.store.engine import Transaction
from backburner.store.schema import batch, lane

_MOST: Final = 500
"""As many of the newest batches tell enough, and are read in milliseconds."""

_OVER: Final = (BatchState.ENDED, BatchState.DONE)


def trips_of(tx: Transaction, name: str, now: float) -> list[Trip]:
    """The newest batches of all lanes that have the upstream of this one."""
    rows = tx.execute(
        select(
            batch.c.model,
            batch.c.requests,
            batch.c.state,
            batch.c.sent_at,
            batch.c.ended_at,
            batch.c.turnaround,
            batch.c.cancel_asked_at,
        )
        .where(batch.c.lane.in_(_neighbours(name)), *_TRAVELLED)
        .order_by(batch.c.id.desc())
        .limit(_MOST)
    )
    trips = []
    for model, requests, state, sent_at, ended_at, turnaround, canceled_at in rows:
        has_ended = state in _OVER and ended_at is not None and canceled_at is None
        until = ended_at if has_ended else min(now, canceled_at or now)
        seconds = turnaround if has_ended and turnaround is not None else until - sent_at
        trips.append(
            Trip(
                model=model,
                requests=requests,
                sent_at=sent_at,
                seconds=max(seconds, 0.0),
                has_ended=has_ended,
            )
        )
    return trips


def forecasts_of(tx: Transaction, name: str) -> list[Forecast]:
    """What was forecast of the newest batches of this upstream, newest first.

    Those that somebody canceled are not among them: they prove nothing.
    """
    rows = tx.execute(
        select(
            batch.c.sent_at,
            batch.c.forecast_median,
            batch.c.forecast_late,
            batch.c.ended_at,
            batch.c.turnaround,
        )
        .where(
            batch.c.lane.in_(_neighbours(name)),
            *_TRAVELLED,
            batch.c.forecast_late.is_not(None),
            batch.c.cancel_asked_at.is_(None),
        )
        .order_by(batch.c.id.desc())
        .limit(_MOST)
    )
    return [
        Forecast(
            sent_at=sent_at,
            median=median,
            late=late,
            ended_at=ended_at if turnaround is None else sent_at + turnaround,
        )
        for sent_at, median, late, ended_at, turnaround in rows
    ]


_TRAVELLED = (batch.c.sent_at.is_not(None), batch.c.via == Via.BATCH)


def _neighbours(name: str) -> Select[tuple[str]]:
    """The lanes with the same upstream: the emulator's times say nothing of the real API's."""
    here = select(lane.c.base_url).where(lane.c.name == name).scalar_subquery()
    return select(lane.c.name).where(lane.c.base_url == here)
