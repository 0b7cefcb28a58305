"""Opening the store: SQLite in WAL mode with full durability, migrated under a lock."""

import contextlib
import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.util import LRUCache

from backburner.errors import StoreDamaged, StoreUnusable
from backburner.store.schema import metadata

Transaction = Connection
"""An open transaction; what every statement function takes first."""

SCHEMA_VERSION: Final = "0008"
"""The newest migration. Start-up compares it with one row; only a mismatch imports Alembic."""

_NEWEST: Final = {"version": SCHEMA_VERSION}
_VERSION_TABLE: Final = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
"""The table that Alembic makes for itself. Source: Alembic 1.20, runtime/migration.py."""

_COMPILED: Final[LRUCache[Any, Any]] = LRUCache(1_000)
_DIALECTS: Final[dict[str, Dialect]] = {}
"""Every store of a process shares its compiled statements, which are kept by dialect."""

_BUSY_SECONDS: Final = 30
_MAIN_CODE: Final = 0xFF
"""SQLite's codes say more in their higher bits. Source: sqlite.org/rescode.html, section 2."""
_WAIT: Final = (
    f"another process has held it for over {_BUSY_SECONDS} s: end it if it hangs, then call again; "
    "nothing was lost"
)
ROOM: Final = "check free space and permissions of the home folder; nothing was lost"
_OURS: Final = "this is a fault of Backburner: please report it with this line; nothing was lost"
RESTORE: Final = "restore the home from a backup, with its files of all names"
_ADVICE: Final = {
    sqlite3.SQLITE_CORRUPT: RESTORE,
    sqlite3.SQLITE_NOTADB: RESTORE,
    sqlite3.SQLITE_BUSY: _WAIT,
    sqlite3.SQLITE_LOCKED: _WAIT,
    sqlite3.SQLITE_PERM: ROOM,
    sqlite3.SQLITE_NOMEM: "free some memory, then call again; nothing was lost",
    sqlite3.SQLITE_READONLY: ROOM,
    sqlite3.SQLITE_IOERR: ROOM,
    sqlite3.SQLITE_FULL: ROOM,
    sqlite3.SQLITE_CANTOPEN: ROOM,
}
"""What to do next, by SQLite's code. Source: sqlite.org/rescode.html, section 3."""
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "glusterfs", "ceph"}
)


def file_system_of(home: Path) -> str:
    """The kind of file system a folder is on; empty where the system does not tell."""
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mount, fs, *_ = line.split(" ")
            inside = mount == "/" or f"{home.resolve()}/".startswith(f"{mount}/")
            if inside and len(mount) > len(best):
                best, kind = mount, fs
    return kind


class Store:
    """The database of one home. `read` and `write` open transactions; nothing is kept in memory.

    Args:
        home: The folder that holds `backburner.db`.
        file_system: Tells the kind of file system a folder is on.

    Raises:
        StoreUnusable: The folder is on a network file system, or cannot be opened or migrated.
        StoreDamaged: The database file is none, or is broken.
    """

    def __init__(self, home: Path, *, file_system: Callable[[Path], str] = file_system_of) -> None:
        self.path = home / "backburner.db"
        _refuse_network(home, file_system(home))
        self._engine = create_engine(f"sqlite:///{self.path}", poolclass=None)
        event.listen(self._engine, "connect", _prepare)
        with _explained(self.path):
            self._migrate(home)
        self._engine = _compiling_once(self._engine)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that holds the write lock from its start and is durable when it ends."""
        with _explained(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one state of the store throughout."""
        with _explained(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
            connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            try:
                row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
            except OperationalError:
                return None
        return row[0] if row else None

    def _migrate(self, home: Path) -> None:
        if self._version() == SCHEMA_VERSION:
            return
        with (home / "migrate.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            version = self._version()
            if version == SCHEMA_VERSION:
                return
            if version is not None and version > SCHEMA_VERSION:
                raise StoreUnusable(
                    f"the store {self.path} was made by a newer Backburner (schema {version})",
                    hint="upgrade this installation, or choose another --home",
                )
            if version is None and self._is_empty():
                self._make()
                return
            from backburner.store.migrations import upgrade  # noqa: PLC0415  # slow, rarely needed

            upgrade(self._engine)

    def _is_empty(self) -> bool:
        with self._engine.connect() as connection:
            return not connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()

    def _make(self) -> None:
        """Make a new store as it is now: migrations are for what there was before."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            metadata.create_all(connection, checkfirst=False)
            connection.execute(text(_VERSION_TABLE))
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), _NEWEST)
            connection.exec_driver_sql("COMMIT")


def _compiling_once(engine: Engine) -> Engine:
    """The engine with the statements that other stores of this process compiled.

    Compiling all that a run needs takes longer than a small run does.
    """
    engine.dialect = _DIALECTS.setdefault(engine.dialect.name, engine.dialect)
    return engine.execution_options(compiled_cache=_COMPILED)


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are opened by hand: the driver's own would begin as readers and fail to upgrade.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL may forget the last commits when power is lost, and with them that a batch was armed.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def is_network(kind: str) -> bool:
    """Whether a file system of this kind is on another machine."""
    return kind in _NETWORK_FILE_SYSTEMS


def _refuse_network(home: Path, kind: str) -> None:
    if is_network(kind):
        raise StoreUnusable(
            f"the home {home} is on a network file system ({kind}), where SQLite can lose commits",
            hint="choose a folder on a local disk with --home or BACKBURNER_HOME",
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause, advice = trouble(error)
        kind, what = (
            (StoreDamaged, "is damaged") if advice == RESTORE else (StoreUnusable, "cannot be used")
        )
        raise kind(f"the store {path} {what}: {cause}", hint=advice) from error


def trouble(error: SQLAlchemyError | sqlite3.Error) -> tuple[str, str]:
    """What SQLite says is wrong, and what to do about it."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", 0) & _MAIN_CODE
    return str(cause), _ADVICE.get(code, _OURS)
