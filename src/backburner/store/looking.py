"""A look into a store that changes nothing: no migration, no new file."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from backburner.store.engine import RESTORE, ROOM, SCHEMA_VERSION, trouble
from backburner.store.lanes import LaneRow, lanes_all
from backburner.store.measures import notices_counted


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLook:
    """What is in a store.

    Attributes:
        version: Its schema; None where it has none.
        fault: What keeps it from being used; empty where nothing does.
        advice: What to do about that.
        lanes: Its lanes, where the schema is this version's own.
        notices_given_up: Notices that never arrived, likewise.
    """

    version: str | None
    fault: str = ""
    advice: str = ""
    lanes: tuple[LaneRow, ...] = ()
    notices_given_up: int = 0

    @property
    def is_older(self) -> bool:
        """Whether the next use brings it up to date."""
        return self.version is None or self.version < SCHEMA_VERSION

    @property
    def is_newer(self) -> bool:
        """Whether a newer Backburner made it."""
        return self.version is not None and self.version > SCHEMA_VERSION


def look_into(home: Path) -> StoreLook | None:
    """What is in the store of a home; None where there is no store yet."""
    path = home / "backburner.db"
    try:
        if not path.is_file():
            return None
    except PermissionError as error:
        return StoreLook(version=None, fault=str(error.strerror), advice=ROOM)
    engine = create_engine("sqlite://", creator=_reader(path))
    try:
        with engine.connect() as connection:
            fault = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
            if fault != "ok":
                return StoreLook(version=None, fault=fault, advice=RESTORE)
            table = "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
            if connection.execute(text(table)).first() is None:
                return StoreLook(version=None)
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            is_ours = version == SCHEMA_VERSION
            return StoreLook(
                version=version,
                lanes=tuple(lanes_all(connection)) if is_ours else (),
                notices_given_up=notices_counted(connection)[1] if is_ours else 0,
            )
    except SQLAlchemyError as error:
        fault, advice = trouble(error)
        return StoreLook(version=None, fault=fault, advice=advice)
    finally:
        engine.dispose()


def _reader(path: Path) -> Callable[[], sqlite3.Connection]:
    return lambda: sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
