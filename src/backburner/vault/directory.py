"""The vault on a directory: written under another name, fsynced, renamed, never changed again."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from backburner.errors import NotFound, StoreUnusable
from backburner.vault.frames import (
    FrameWriter,
    LineFinder,
    compressed_stream,
    decompressed_stream,
    frames,
)

SEGMENT_LEVEL: Final = 3
RESULTS_LEVEL: Final = 1
INPUT_LEVEL: Final = 1

_PARTIAL: Final = ".partial"


class Vault:
    """Objects by name in a folder. A name is a relative path such as `segments/abc.jsonl.zst`.

    Writing is the first of two phases: an object counts only once the store has registered its
    name. What was never registered is found by `names` and swept.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreUnusable(
                f"the vault folder {root} cannot be made: {error.strerror}",
                hint="choose another with --home or BACKBURNER_HOME",
            ) from error

    @contextmanager
    def file_writer(self, name: str) -> Iterator[BinaryIO]:
        """A binary file that becomes object `name` when the block ends well."""
        target = self.root / name
        partial = target.with_name(target.name + _PARTIAL)
        with self._explained(name):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = partial.open("wb")
        try:
            with file:
                yield file
                with self._explained(name):
                    file.flush()
                    os.fsync(file.fileno())
            with self._explained(name):
                partial.rename(target)
                _fsync_folder(target.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise

    @contextmanager
    def line_writer(self, name: str, level: int = SEGMENT_LEVEL) -> Iterator[FrameWriter]:
        """A writer of lines into frames; the object exists when the block ends well."""
        with (
            self.file_writer(name) as file,
            self._explained(name),
            ThreadPoolExecutor(max_workers=1) as helper,
        ):
            writer = FrameWriter(file, level, helper)
            yield writer
            writer.finish()

    @contextmanager
    def stream_writer(self, name: str) -> Iterator[BinaryIO]:
        """A compressed stream of arbitrary bytes."""
        with self.file_writer(name) as file, self._explained(name):
            stream = compressed_stream(file, INPUT_LEVEL)
            yield stream
            stream.close()

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """The decompressed bytes of an object, from its start."""
        with self._open(name) as file, decompressed_stream(file) as stream:
            yield stream

    def frames(self, name: str) -> Iterator[bytes]:
        """The text of each frame of an object of lines."""
        with self._open(name) as file:
            yield from frames(file)

    def lines(self, name: str) -> Iterator[bytes]:
        """Each line of an object of lines, without its line end."""
        for text in self.frames(name):
            lines = text.split(b"\n")
            lines.pop()
            yield from lines

    @contextmanager
    def finder(self, name: str) -> Iterator[LineFinder]:
        """Single lines of an object by number."""
        with self._open(name) as file:
            yield LineFinder(file)

    @contextmanager
    def raw(self, name: str) -> Iterator[BinaryIO]:
        """The stored bytes of an object, as they are."""
        with self._open(name) as file:
            yield file

    def holds(self, name: str) -> bool:
        """Whether there is an object, or a folder of objects, of that name."""
        return (self.root / name).exists()

    def delete(self, name: str) -> None:
        """Remove an object; one that is gone already is no fault."""
        (self.root / name).unlink(missing_ok=True)

    def names(self) -> Iterator[tuple[str, float]]:
        """Every file below the root with its time of change, partial ones included."""
        for path in self.root.rglob("*"):
            if path.is_file():
                yield str(path.relative_to(self.root)), path.stat().st_mtime

    @contextmanager
    def unpacked(self, stream: BinaryIO) -> Iterator[BinaryIO]:
        """The bytes of a stream in a temporary file of the vault's disk, to be jumped about in."""
        with self.temporary() as file:
            shutil.copyfileobj(stream, file)
            file.seek(0)
            yield file

    @contextmanager
    def temporary(self) -> Iterator[BinaryIO]:
        """An unnamed file on the vault's disk; it is gone when the block ends, or the process."""
        folder = self.root / "partial"
        folder.mkdir(exist_ok=True, mode=0o700)
        with self._explained("a temporary file"), tempfile.TemporaryFile(dir=folder) as file:
            yield file

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        try:
            file = (self.root / name).open("rb")
        except FileNotFoundError as error:
            raise NotFound(
                f"the vault has no object {name}", hint="was the home folder moved or purged?"
            ) from error
        with file:
            yield file

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnusable(
                f"the vault at {self.root} cannot write {name}: {error.strerror}",
                hint="free some space or mend the permissions, then call again; nothing was lost",
            ) from error


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
