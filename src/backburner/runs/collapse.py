"""Collapsing: identical bodies of a table become one request."""

import sqlite3
from hashlib import blake2b
from types import TracebackType
from typing import Final, Self

_HASH_BYTES: Final = 16
_CACHE_KIB: Final = 16 * 1024


class Collapser:
    """Knows the bodies seen so far by 16-byte hashes, in a temporary database on disk.

    Memory stays flat whatever the number of rows; the database goes with the object.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE seen(hash BLOB PRIMARY KEY, request INTEGER) WITHOUT ROWID, STRICT"
        )
        self._db.execute("BEGIN")
        self._cursor = self._db.cursor()
        self.requests = 0

    def request_of(self, body: bytes) -> tuple[int, bool]:
        """The number of the request with this body, and whether it is a new one."""
        digest = blake2b(body, digest_size=_HASH_BYTES).digest()
        row = self._cursor.execute(
            "INSERT INTO seen VALUES(?, ?) ON CONFLICT(hash) DO UPDATE SET request=request"
            " RETURNING request",
            (digest, self.requests),
        ).fetchone()
        is_new = row[0] == self.requests
        self.requests += is_new
        return row[0], is_new

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()
