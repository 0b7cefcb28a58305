"""Finds keys that stand twice, in flat memory."""

import sqlite3
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import msgspec

_SLICE: Final = 4096
_BUCKET_BITS: Final = 10
_BUCKETS: Final = 1 << _BUCKET_BITS
_HASH_MASK: Final = (1 << 32) - 1

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str, int]]).decode


class Duplicates:
    """Keys with the lines they stand in, kept on disk; memory holds 4 bytes of a hash of each.

    Keys are only noted while a file is read. At its end they are compared, and only when two have
    the same hash: nearly always, no two have. A million keys take 0.6 s of CPU so; putting them all
    into SQLite took 1.5 s.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        self._slice: list[tuple[str, int]] = []
        # By the lowest bits of the hash, so that a few keys at a time are compared in a set.
        self._buckets = [array("I") for _ in range(_BUCKETS)]

    def add(self, key: str, line: int) -> None:
        """Notes a key."""
        self._slice.append((key, line))
        if len(self._slice) == _SLICE:
            self._flush()

    def found(self) -> Iterator[tuple[str, int, int]]:
        """Gives each repetition: the key, its first line, and the line that repeats it."""
        self._flush()
        if any(len(set(bucket)) < len(bucket) for bucket in self._buckets):
            yield from self._compared()

    def close(self) -> None:
        """Lets go of the keys."""
        self._file.close()

    def _flush(self) -> None:
        buckets = self._buckets
        for key, _ in self._slice:
            number = hash(key)
            buckets[number % _BUCKETS].append(number >> _BUCKET_BITS & _HASH_MASK)
        self._file.write(_encode(self._slice) + b"\n")
        self._slice.clear()

    def _compared(self) -> Iterator[tuple[str, int, int]]:
        # SQLite keeps a database without a name in memory and moves it to a temporary file.
        with closing(sqlite3.connect("", isolation_level=None)) as rows:
            rows.execute("PRAGMA journal_mode = OFF")
            rows.execute("PRAGMA synchronous = OFF")
            rows.execute("CREATE TABLE key (text TEXT NOT NULL, line INTEGER NOT NULL)")
            rows.execute("BEGIN")
            self._file.seek(0)
            for part in self._file:
                rows.executemany("INSERT INTO key VALUES (?, ?)", _decode(part))
            rows.execute("COMMIT")
            question = """
                SELECT key.text, first.line, key.line FROM key JOIN (
                    SELECT text, min(line) AS line FROM key GROUP BY text HAVING count(*) > 1
                ) AS first ON key.text = first.text AND key.line > first.line ORDER BY key.line
            """
            yield from rows.execute(question)
