"""Telling that results run out: the upstream keeps them for 29 days."""

from collections.abc import Iterable

from backburner.nouns.batch import Batch, Via
from backburner.plan.expiring import expires_at, is_to_warn
from backburner.store.lanes import LaneRow
from backburner.telemetry import ResultsExpiring
from backburner.worker.tools import Tools


def tell_expiring(tools: Tools, lane: LaneRow, sent: Iterable[Batch]) -> None:
    """Tell of those of a lane's batches upstream whose results will be gone in a day or two."""
    for batch in sent:
        if batch.via is Via.BATCH:
            tell_if_expiring(tools, batch, lane.polled_at)


def tell_if_expiring(tools: Tools, batch: Batch, seen_at: float | None) -> None:
    """Tell it of one batch, once for each day that is left."""
    if batch.sent_at is None or not is_to_warn(batch.sent_at, seen_at, tools.clock.now()):
        return
    tools.emit(
        ResultsExpiring(
            lane=batch.lane,
            batch=batch.id,
            run=batch.run,
            upstream_id=batch.upstream_id or "",
            requests=batch.requests,
            expires_at=expires_at(batch.sent_at),
        )
    )
