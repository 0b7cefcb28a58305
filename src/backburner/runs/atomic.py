"""Files that appear whole or not at all."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from io import BufferedWriter, FileIO
from pathlib import Path

from backburner.errors import OutputBlocked

_BUFFER_BYTES = 1 << 18
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Noted = Callable[[Path, str], None]
"""Is told of each file that was written: its path, and the sha256 of its bytes."""


def unnoted(_path: Path, _sha256: str) -> None:
    """Takes no note of a file."""


@contextmanager
def replacing(target: Path, noted: Noted = unnoted) -> Iterator[BufferedWriter]:
    """Opens a file that takes the target's place when all has been written.

    What is written goes to `.NAME.part` beside the target, always the same, so that a killed write
    leaves one file at most and the next write takes it over.

    Raises:
        OutputBlocked: The file cannot be written, or is being written by another process.
    """
    target = Path(os.path.realpath(target))
    part = target.with_name(f".{target.name}.part")
    try:
        with _claimed(part, target) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                sha256 = "" if noted is unnoted else _sha256(part)
                part.replace(target)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
    except OSError as error:
        if error.errno in _FULL or error.filename == str(part):
            raise _blocked(target, error) from error
        raise
    sync_folder(target.parent)
    noted(target, sha256)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_writable(target: Path) -> None:
    """Finds out early whether an output can be written.

    Raises:
        OutputBlocked: Its folder is missing or closed, or it is a folder itself.
    """
    folder = Path(os.path.realpath(target)).parent
    if target.is_dir():
        raise OutputBlocked(f"{target} is a folder", hint="name a file in it")
    if not folder.is_dir():
        raise OutputBlocked(f"{folder} is not there", hint="make the folder, or name another")
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "name a folder that you may write to"
        raise OutputBlocked(f"{folder} cannot be written to", hint=hint)


def _claimed(part: Path, target: Path) -> BufferedWriter:
    while True:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        file: BufferedWriter = BufferedWriter(FileIO(handle, "wb"), _BUFFER_BYTES)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(handle, part):
                os.ftruncate(handle, 0)
                return file
        except BlockingIOError as error:
            file.close()
            hint = "wait until it has ended, or name another output"
            raise OutputBlocked(f"{target} is being written just now", hint=hint) from error
        # Its former owner finished and renamed it between our opening and locking it.
        file.close()


def _sha256(path: Path) -> str:
    # Read once more: formats may go back in a file and write over what they wrote.
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _same(handle: int, part: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), part.stat())
    except FileNotFoundError:
        return False


def _blocked(target: Path, error: OSError) -> OutputBlocked:
    hint = "make room" if error.errno in _FULL else "check the folder and its permissions"
    return OutputBlocked(f"{target} cannot be written: {error.strerror}", hint=hint)
