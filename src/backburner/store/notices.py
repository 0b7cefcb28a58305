"""Statements about notices: what is to be told through which channel, and what arrived."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from backburner.nouns.batch import BatchState
from backburner.nouns.notice import Delivery, Kind, Notice
from backburner.store.engine import Transaction
from backburner.store.schema import batch, notice, run

_OPEN = notice.c.delivered_at.is_(None) & notice.c.given_up_at.is_(None)


def _delivery(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    facts = json.loads(values.pop("facts"))
    kind = Kind(values.pop("kind"))
    return Delivery(**values, kind=kind, text=facts.pop("text"), facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """Batches of a run that are in one state and wait for one thing.

    Attributes:
        sent_at: When the oldest of them was sent.
    """

    state: str
    hold: str | None
    requests: int
    sent_at: float | None

    @property
    def is_uncollected(self) -> bool:
        """Whether the upstream has what came of them, and we have not."""
        return self.state in (BatchState.SENT, BatchState.ENDED)


def run_states(tx: Transaction) -> dict[str, list[HeldUp]]:
    """How the batches of each unfinished run stand."""
    rows = tx.execute(
        select(
            batch.c.run,
            batch.c.state,
            batch.c.hold,
            func.sum(batch.c.requests),
            func.min(batch.c.sent_at),
        )
        .join(run, run.c.id == batch.c.run)
        .where(run.c.finished_at.is_(None))
        .group_by(batch.c.run, batch.c.state, batch.c.hold)
    )
    found: dict[str, list[HeldUp]] = {}
    for run_id, state, hold, requests, sent_at in rows:
        one = HeldUp(state=state, hold=hold, requests=requests, sent_at=sent_at)
        found.setdefault(run_id, []).append(one)
    return found


def notices_put(
    tx: Transaction, found: Iterable[Notice], channels: Iterable[str], now: float
) -> None:
    """Keep notices for channels; those that are kept already stay as they are."""
    names = list(channels)
    for one in found:
        for channel in names:
            values = {
                "id": one.id,
                "channel": channel,
                "kind": one.kind,
                "subject": one.subject,
                "facts": json.dumps({**one.facts, "text": one.text}, ensure_ascii=False),
                "created_at": now,
                "due_at": now,
                "tries": 0,
            }
            tx.execute(insert(notice).values(values).on_conflict_do_nothing())


def notice_ids(tx: Transaction, prefix: str) -> set[str]:
    """The ids that begin so, of whatever channel."""
    rows = tx.execute(select(notice.c.id).where(notice.c.id.startswith(prefix, autoescape=True)))
    return set(rows.scalars())


def notice_claim(
    tx: Transaction, channels: Iterable[str], now: float, rest: float
) -> Delivery | None:
    """The notice that has been due longest for one of these channels, taken for a while.

    Who dies before saying that it arrived leaves it to be sent again after that.
    """
    due = (
        select(notice.c.id, notice.c.channel)
        .where(_OPEN, notice.c.due_at <= now, notice.c.channel.in_(list(channels)))
        .order_by(notice.c.due_at, notice.c.id)
        .limit(1)
    )
    found = tx.execute(due).first()
    if found is None:
        return None
    row = tx.execute(
        update(notice)
        .where(notice.c.id == found.id, notice.c.channel == found.channel)
        .values(due_at=now + rest, tries=notice.c.tries + 1)
        .returning(*notice.c)
    ).one()
    return _delivery(row)


def notice_settle(tx: Transaction, one: Delivery, **changes: Any) -> None:
    """Note what came of a try."""
    tx.execute(
        update(notice)
        .where(notice.c.id == one.id, notice.c.channel == one.channel, _OPEN)
        .values(**changes)
    )


def notices_undelivered(tx: Transaction) -> list[Delivery]:
    """Those that wait or were given up, oldest first."""
    rows = tx.execute(
        select(*notice.c).where(notice.c.delivered_at.is_(None)).order_by(notice.c.created_at)
    )
    return [_delivery(row) for row in rows]


def notices_prune(tx: Transaction, before: float) -> int:
    """Remove the notices that arrived before a time; gives their number."""
    return tx.execute(delete(notice).where(notice.c.delivered_at < before)).rowcount


def notices_revive(tx: Transaction, now: float, notice_id: str | None) -> int:
    """Let those that were given up be tried again, or the one named; gives their number."""
    given_up = notice.c.given_up_at.is_not(None)
    named = given_up if notice_id is None else given_up & (notice.c.id == notice_id)
    anew = {"given_up_at": None, "due_at": now, "tries": 0}
    return tx.execute(update(notice).where(named).values(anew)).rowcount
