"""Requests and results of one batch on disk.

Requests lie one after the other as `custom_id`, a space, the parameters byte for byte, a line end;
a second file holds where each record ends, as 64-bit numbers.
"""

import os
import shutil
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from backburner.emulator.identifiers import GROUP

READ_BYTES = 1 << 18
WRITE_BYTES = 1 << 17
GROUP_BYTES = 1 << 22


class SpoolWriter:
    """Takes requests while their body arrives; becomes a spool, or nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._end = 0
        self._pieces: list[bytes] = []
        self._ends = array("Q")
        self._written = 0
        self._files: tuple[BinaryIO, BinaryIO] | None = None

    def add(self, custom_ids: Sequence[str], params: Sequence[bytes]) -> None:
        """Appends requests in their order."""
        for custom_id, body in zip(custom_ids, params, strict=True):
            self._pieces += (custom_id.encode(), b" ", body, b"\n")
        sizes = [
            len(custom_id) + len(body) + 2
            for custom_id, body in zip(custom_ids, params, strict=True)
        ]
        ends = array("Q", accumulate(sizes, initial=self._end))[1:]
        self._ends += ends
        self._end = ends[-1]
        if self._end - self._written >= WRITE_BYTES:
            self._write()

    def _write(self) -> None:
        if self._files is None:
            self._folder.mkdir(parents=True)
            self._files = (
                (self._folder / "requests").open("wb", buffering=0),
                (self._folder / "ends").open("wb", buffering=0),
            )
        requests, ends = self._files
        # A raw file may take less than it is given.
        rest = memoryview(b"".join(self._pieces))
        while rest:
            rest = rest[requests.write(rest) :]
        ends.write(self._ends.tobytes())
        self._pieces.clear()
        self._ends = array("Q")
        self._written = self._end

    def close(self, folder: Path) -> "Spool":
        """Everything added, moved to its final folder."""
        self._write()
        self._close_files()
        self._folder.rename(folder)
        return Spool(folder)

    def discard(self) -> None:
        """Removes every trace."""
        self._close_files()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _close_files(self) -> None:
        for file in self._files or ():
            file.close()
        self._files = None


class Spool:
    """The requests of an accepted batch, and its results once they are written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def results(self) -> Path:
        """Where the results are, once they are written."""
        return self._folder / "results.jsonl"

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Each request in the order sent: its custom_id and its parameters as they came."""
        with (self._folder / "requests").open("rb", buffering=READ_BYTES) as file:
            start = 0
            for end in self._ends():
                custom_id, _, params = file.read(end - start)[:-1].partition(b" ")
                start = end
                yield custom_id.decode(), params

    def custom_ids(self) -> Iterator[str]:
        """Each custom_id in the order sent."""
        return (custom_id for custom_id, _ in self)

    def picked(self, order: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """The requests at the given positions, in the order of the positions."""
        ends = self._ends()
        with (self._folder / "requests").open("rb", buffering=0) as file:
            for start in range(0, len(order), GROUP):
                for record in _records(file.fileno(), ends, order[start : start + GROUP]):
                    custom_id, _, params = record.partition(b" ")
                    yield custom_id.decode(), params

    def stream_results(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes of the results file, in pieces."""
        with self.results.open("rb", buffering=0) as file:
            file.seek(start)
            left = self.results.stat().st_size - start if stop is None else stop - start
            while left > 0 and (piece := file.read(min(READ_BYTES, left))):
                left -= len(piece)
                yield piece

    def result_lines(self) -> Iterator[bytes]:
        """The results line by line, each with its line end."""
        with self.results.open("rb", buffering=READ_BYTES) as file:
            yield from file

    def note_outcomes(self, letters: bytes) -> None:
        """Keeps how each request ended, one letter each in the order sent."""
        (self._folder / "outcomes").write_bytes(letters)

    def outcomes(self) -> bytes:
        """How each request ended, as it was noted."""
        return (self._folder / "outcomes").read_bytes()

    def remove(self) -> None:
        """Removes every trace of a batch that was not accepted after all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def past_results(self) -> Iterator[bytes]:
        """The results line by line, forgotten or not; nothing, if there were none."""
        for path in (self._forgotten_results, self.results):
            if path.exists():
                with path.open("rb", buffering=READ_BYTES) as file:
                    yield from file
                return

    def forget_results(self) -> None:
        """Takes the results away for good; the ledger and the reports still know of them."""
        with suppress(FileNotFoundError):
            self.results.rename(self._forgotten_results)

    @property
    def _forgotten_results(self) -> Path:
        return self._folder / "forgotten.jsonl"

    def _ends(self) -> "array[int]":
        ends = array("Q")
        ends.frombytes((self._folder / "ends").read_bytes())
        return ends


def _records(descriptor: int, ends: "array[int]", group: Sequence[int]) -> Iterator[bytes]:
    """The records at some positions: read with their neighbours, unless that is too much."""
    size = sum(ends[index] - _start(ends, index) for index in group)
    if size > GROUP_BYTES:
        for index in group:
            start = _start(ends, index)
            yield os.pread(descriptor, ends[index] - start - 1, start)
        return
    records: dict[int, bytes] = {}
    for run in _runs(sorted(group)):
        base = _start(ends, run[0])
        data = os.pread(descriptor, ends[run[-1]] - base, base)
        for index in run:
            records[index] = data[_start(ends, index) - base : ends[index] - base - 1]
    for index in group:
        yield records[index]


def _start(ends: "array[int]", index: int) -> int:
    return ends[index - 1] if index else 0


def _runs(positions: list[int]) -> Iterator[range]:
    """Rising positions as ranges without gaps."""
    first = last = positions[0]
    for position in positions[1:]:
        if position != last + 1:
            yield range(first, last + 1)
            first = position
        last = position
    yield range(first, last + 1)
