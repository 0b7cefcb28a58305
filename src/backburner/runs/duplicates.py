"""Finds keys that stand twice, in flat memory."""

import sqlite3
from collections.abc import Iterator

_SLICE = 10_000


class Duplicates:
    """Keys with the lines they stand in, kept on disk where they are many.

    Keys are only noted while a file is read and are compared once, at its end: sorting them then
    is several times cheaper than looking each one up.
    """

    def __init__(self) -> None:
        # SQLite keeps a database without a name in memory and moves it to a temporary file.
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute("CREATE TABLE key (text TEXT NOT NULL, line INTEGER NOT NULL)")
        self._slice: list[tuple[str, int]] = []

    def add(self, key: str, line: int) -> None:
        """Notes a key."""
        self._slice.append((key, line))
        if len(self._slice) == _SLICE:
            self._flush()

    def found(self) -> Iterator[tuple[str, int, int]]:
        """Gives each repetition: the key, its first line, and the line that repeats it."""
        self._flush()
        question = """
            SELECT key.text, first.line, key.line FROM key JOIN (
                SELECT text, min(line) AS line FROM key GROUP BY text HAVING count(*) > 1
            ) AS first ON key.text = first.text AND key.line > first.line ORDER BY key.line
        """
        yield from self._rows.execute(question)

    def close(self) -> None:
        """Lets go of the keys."""
        self._rows.close()

    def _flush(self) -> None:
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT INTO key VALUES (?, ?)", self._slice)
        self._rows.execute("COMMIT")
        self._slice.clear()
