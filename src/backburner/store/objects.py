"""Statements about vault objects: the second phase of writing one."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from backburner.store.engine import Transaction
from backburner.store.schema import object_

LIVE = "live"
DEAD = "dead"

_CHUNK: Final = 500


def objects_register(tx: Transaction, names: Iterable[str]) -> None:
    """Make written objects count. Fails when the sweep declared one of them dead before."""
    tx.execute(insert(object_), [{"name": name, "state": LIVE} for name in names])


def objects_retire(tx: Transaction, names: Iterable[str]) -> None:
    """Declare objects dead that nothing refers to any more; the sweep removes what is left."""
    tx.execute(update(object_).where(object_.c.name.in_(list(names))).values(state=DEAD))


def object_bury(tx: Transaction, name: str) -> bool:
    """Declare an unregistered object dead, before its bytes go; False when it is registered."""
    tx.execute(insert_or_ignore(object_).values(name=name, state=DEAD).on_conflict_do_nothing())
    state = tx.execute(select(object_.c.state).where(object_.c.name == name)).scalar_one()
    return bool(state == DEAD)


def objects_live(tx: Transaction) -> Iterator[str]:
    """The names of all objects that count."""
    rows = tx.execute(select(object_.c.name).where(object_.c.state == LIVE))
    return iter(rows.scalars())


def objects_dead_among(tx: Transaction, names: Iterable[str]) -> set[str]:
    """Those of some objects that nothing refers to any more."""
    dead: set[str] = set()
    listed = iter(names)
    while chunk := list(islice(listed, _CHUNK)):
        is_dead = object_.c.name.in_(chunk) & (object_.c.state == DEAD)
        dead.update(tx.execute(select(object_.c.name).where(is_dead)).scalars())
    return dead
