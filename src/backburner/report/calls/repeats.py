"""Calls whose whole body was sent before, found in flat memory."""

import sqlite3
from typing import Final

_SLICE: Final = 4096


class Repeats:
    """Counts bodies that came more than once, and what their repetition cost.

    Hashes lie in a temporary database, which SQLite moves to the disk as it grows.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[bytes, int]] = []
        # Without a name it is kept in memory and moved to a temporary file.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE call (body BLOB, paid INTEGER)")
        self._database.execute("BEGIN")

    def add(self, body: bytes, paid: int) -> None:
        """Note a call by the hash of its body."""
        self._rows.append((body, paid))
        if len(self._rows) == _SLICE:
            self._flush()

    def found(self) -> tuple[int, int]:
        """Calls that repeat an earlier one, and the picodollars that they cost.

        Of calls that are alike, the dearest counts as the first.
        """
        self._flush()
        rows = self._database.execute(
            "SELECT count(*) - 1, sum(paid) - max(paid) FROM call GROUP BY body HAVING count(*) > 1"
        )
        repeats = cost = 0
        for count, paid in rows:
            repeats += count
            cost += paid
        return repeats, cost

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO call VALUES (?, ?)", self._rows)
        self._rows.clear()
