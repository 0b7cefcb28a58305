"""The vault on a directory: written under another name, fsynced, renamed, never changed again."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedRandom, BufferedReader, BufferedWriter
from pathlib import Path
from typing import BinaryIO, Final, cast

from backburner.errors import StoreDamaged, StoreUnusable
from backburner.vault.files import VaultFile, cannot
from backburner.vault.frames import (
    UNDECODABLE,
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
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_RESTORE: Final = "was the home folder moved or purged? restore it from a backup"


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
        """A binary file that becomes object `name` when the block ends well.

        Raises:
            StoreUnusable: It cannot be written; what was written is removed.
        """
        target = self.root / name
        partial = target.with_name(target.name + _PARTIAL)
        with cannot(self.root, f"write {name}"):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            raw = VaultFile(os.open(partial, _NEW_FILE, 0o666), "wb", self.root, name)
        try:
            with BufferedWriter(raw) as file:
                yield cast("BinaryIO", file)
                file.flush()
                with cannot(self.root, f"write {name}"):
                    os.fsync(file.fileno())
            with cannot(self.root, f"write {name}"):
                partial.rename(target)
                _fsync_folder(target.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise

    @contextmanager
    def line_writer(self, name: str, level: int = SEGMENT_LEVEL) -> Iterator[FrameWriter]:
        """A writer of lines into frames; the object exists when the block ends well."""
        with self.file_writer(name) as file, ThreadPoolExecutor(max_workers=1) as helper:
            writer = FrameWriter(file, level, helper)
            yield writer
            writer.finish()

    @contextmanager
    def stream_writer(self, name: str) -> Iterator[BinaryIO]:
        """A compressed stream of arbitrary bytes."""
        with self.file_writer(name) as file:
            stream = compressed_stream(file, INPUT_LEVEL)
            yield stream
            stream.close()

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """The decompressed bytes of an object, from its start.

        Raises:
            StoreDamaged: It is not there, or its bytes are broken; that may show while reading.
        """
        try:
            with self._open(name) as file, decompressed_stream(file) as stream:
                yield stream
        except UNDECODABLE as error:
            raise StoreDamaged(f"the object {name} does not decode", hint=_RESTORE) from error

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

    def size(self, name: str) -> int:
        """How many bytes an object takes on the disk; 0 where it is not there."""
        path = self.root / name
        return path.stat().st_size if path.exists() else 0

    def delete(self, name: str) -> None:
        """Remove an object; one that is gone already is no fault."""
        with cannot(self.root, f"remove {name}"):
            (self.root / name).unlink(missing_ok=True)

    def delete_folder(self, name: str) -> None:
        """Remove a folder of objects with all that is in it; one that is gone is no fault."""
        with cannot(self.root, f"remove {name}"), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.root / name)

    def names(self) -> Iterator[tuple[str, float]]:
        """Every file in a folder of the vault with its time of change, partial ones included.

        What lies at the root itself is about the vault, and no object of it.
        """
        for path in self.root.glob("*/**/*"):
            # Another process may rename or remove it meanwhile.
            with contextlib.suppress(FileNotFoundError):
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
        what = "a temporary file"
        with cannot(self.root, f"write {what}"):
            folder = self.root / "partial"
            folder.mkdir(exist_ok=True, mode=0o700)
            handle, path = tempfile.mkstemp(dir=folder)
            Path(path).unlink()
        with BufferedRandom(VaultFile(handle, "r+b", self.root, what)) as file:
            yield cast("BinaryIO", file)

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        try:
            with cannot(self.root, f"read {name}"):
                handle = os.open(self.root / name, os.O_RDONLY | os.O_CLOEXEC)
        except StoreUnusable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise StoreDamaged(f"the vault has no object {name}", hint=_RESTORE) from error
            raise
        with BufferedReader(VaultFile(handle, "rb", self.root, name)) as file:
            yield cast("BinaryIO", file)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
