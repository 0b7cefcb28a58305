"""Lines in zstd frames, with an index at the end.

A file is a row of independent zstd frames. Each ends at the first line end at or beyond 256 KiB of
text, and no line spans two. The last thing in the file is one zstd *skippable* frame that lists
each frame as (offset, bytes, lines), so one small read finds the frame of any line, while
`zstdcat FILE | jq` reads the whole and passes over the index.
"""

import struct
import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO, Final, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from backburner.errors import StoreDamaged

FRAME_TEXT_BYTES: Final = 256 * 1024
"""Text per frame: 91 % of the ratio of 1 MiB frames, and one line costs one small decode."""

_ON_THEIR_WAY: Final = 2
_PACK_LEVEL: Final = 3
_SKIPPABLE: Final = struct.Struct("<II")
_SKIPPABLE_MAGIC: Final = 0x184D2A5B
_FOOT: Final = struct.Struct("<I4s")
_FOOT_MAGIC: Final = b"BBix"
_ENTRY: Final = struct.Struct("<QII")

UNDECODABLE: Final = (zstd.ZstdError, EOFError)
"""What reading a stream raises where its bytes are broken, or end too early."""


@dataclass(frozen=True, slots=True)
class FrameEntry:
    """One frame: where it starts, its compressed length, its lines."""

    offset: int
    size: int
    lines: int


class FrameWriter:
    """Writes lines into frames.

    A frame is compressed beside the gathering of the next ones: compression takes a third of the
    time of staging, and needs neither the interpreter nor the file. Two at most are on their way:
    with one, whoever gathers waits for it before it has begun.

    Args:
        helper: Compresses a frame at a time; whoever made it ends it after `finish`.

    Invariant: what `add` was given comes back byte for byte; lines must not hold a line end.
    """

    def __init__(self, file: BinaryIO, level: int, helper: Executor) -> None:
        self._file = file
        self._level = level
        self._helper = helper
        self._packing: deque[tuple[Future[bytes], int]] = deque()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._entries: list[FrameEntry] = []
        self._offset = 0
        self.lines = 0
        self.text_bytes = 0

    def add(self, line: bytes) -> None:
        """Append one line, given without its line end."""
        self._pending.append(line)
        self._pending_bytes += len(line) + 1
        if self._pending_bytes >= FRAME_TEXT_BYTES:
            text, lines = self._take()
            self._packing.append((self._helper.submit(_compress, text, self._level), lines))
            self._write_packing(_ON_THEIR_WAY)

    def finish(self) -> None:
        """Write what is pending and the index. The writer takes no lines afterwards."""
        self._write_packing(0)
        if self._pending:
            text, lines = self._take()
            self._write(_compress(text, self._level), lines)
        index = b"".join(_ENTRY.pack(e.offset, e.size, e.lines) for e in self._entries)
        body = index + _FOOT.pack(len(self._entries), _FOOT_MAGIC)
        self._file.write(_SKIPPABLE.pack(_SKIPPABLE_MAGIC, len(body)) + body)

    def _take(self) -> tuple[bytes, int]:
        """The text that is pending, and how many lines it has."""
        lines = len(self._pending)
        self._pending.append(b"")
        text = b"\n".join(self._pending)
        self.lines += lines
        self.text_bytes += len(text)
        self._pending = []
        self._pending_bytes = 0
        return text, lines

    def _write_packing(self, left: int) -> None:
        """Wait for the oldest frames that are being compressed, but for some, and write them."""
        while len(self._packing) > left:
            future, lines = self._packing.popleft()
            self._write(future.result(), lines)

    def _write(self, packed: bytes, lines: int) -> None:
        self._file.write(packed)
        self._entries.append(FrameEntry(self._offset, len(packed), lines))
        self._offset += len(packed)


def _compress(text: bytes | bytearray, level: int) -> bytes:
    return zstd.compress(text, options=cast("dict[int, int]", _options(level)))


def _options(level: int) -> dict[zstd.CompressionParameter, int]:
    """A checksum in each frame: without it, a flipped bit of text decodes to another text."""
    parameter = zstd.CompressionParameter
    return {parameter.compression_level: level, parameter.checksum_flag: 1}


def read_index(file: BinaryIO) -> list[FrameEntry]:
    """The frames of a file, from its last bytes.

    Raises:
        StoreDamaged: The file does not end with an index.
    """
    size = file.seek(0, 2)
    if size < _FOOT.size + _SKIPPABLE.size:
        raise StoreDamaged("a stored file is too short to hold its index")
    file.seek(size - _FOOT.size)
    count, magic = _FOOT.unpack(file.read(_FOOT.size))
    start = size - _FOOT.size - count * _ENTRY.size
    if magic != _FOOT_MAGIC or start < _SKIPPABLE.size:
        raise StoreDamaged("a stored file does not end with its index")
    file.seek(start)
    return [FrameEntry(*entry) for entry in _ENTRY.iter_unpack(file.read(count * _ENTRY.size))]


def frames(file: BinaryIO) -> Iterator[bytes]:
    """The text of each frame in order, whole lines each, the last line end included."""
    for entry in read_index(file):
        yield _read_frame(file, entry)


class LineFinder:
    """Finds single lines of a file by their number; keeps the last frame it decoded."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries = read_index(file)
        self._starts = [0, *accumulate(entry.lines for entry in self._entries)]
        self._frame = -1
        self._lines: list[bytes] = []

    def line(self, number: int) -> bytes:
        """Line `number`, counted from 0, without its line end.

        Raises:
            StoreDamaged: The file has no such line.
        """
        if not 0 <= number < self._starts[-1]:
            raise StoreDamaged(f"a stored file has no line {number}")
        frame = bisect_right(self._starts, number) - 1
        if frame != self._frame:
            self._lines = _read_frame(self._file, self._entries[frame]).split(b"\n")
            self._frame = frame
        return self._lines[number - self._starts[frame]]


def _read_frame(file: BinaryIO, entry: FrameEntry) -> bytes:
    file.seek(entry.offset)
    packed = file.read(entry.size)
    try:
        return zstd.decompress(packed)
    except zstd.ZstdError as error:
        raise StoreDamaged(f"a frame at byte {entry.offset} does not decode") from error


def compressed_stream(file: BinaryIO, level: int) -> BinaryIO:
    """A file to write arbitrary bytes to, compressed as one frame, in a thread where zstd can."""
    workers = zstd.CompressionParameter.nb_workers
    options = {**_options(level), workers: min(1, workers.bounds()[1])}
    return cast("BinaryIO", zstd.ZstdFile(file, "wb", options=cast("dict[int, int]", options)))


def decompressed_stream(file: BinaryIO) -> BinaryIO:
    """The whole text of a file of frames, as a stream."""
    return cast("BinaryIO", zstd.ZstdFile(file, "rb"))


def pack(data: bytes | bytearray) -> bytes:
    """Bytes as one zstd frame, for small things that live in the store."""
    return _compress(data, _PACK_LEVEL)


def unpack(data: bytes) -> bytes:
    """What `pack` was given.

    Raises:
        StoreDamaged: It is not what `pack` made.
    """
    try:
        return zstd.decompress(data)
    except zstd.ZstdError as error:
        raise StoreDamaged("packed bytes of the store do not decode") from error
