"""Files with answers on the disk: what was written is noted, and what is there is looked at."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from backburner.errors import BackburnerError, OutputBlocked
from backburner.nouns.output_file import FileState, OutputFile
from backburner.plan.output_files import refusal_of, state_of
from backburner.runs.atomic import Noted
from backburner.store import Store
from backburner.store.output_files import output_file_at, output_files_put

_CHUNK: Final = 500

Objection = Callable[[Path], str | None]
"""Says why a path may not be written to; None if it may."""


@contextmanager
def noting(store: Store, run: str) -> Iterator[Noted]:
    """Takes note of a run's files while they are written, also of some where others fail."""
    files: list[OutputFile] = []

    def keep() -> None:
        if files:
            with store.write() as tx:
                output_files_put(tx, files)
            files.clear()

    def noted(path: Path, digest: str) -> None:
        files.append(OutputFile(path_hash=_hash(path), run=run, sha256=digest))
        if len(files) == _CHUNK:
            keep()

    try:
        yield noted
    except BackburnerError:
        keep()
        raise
    keep()


def look(store: Store, path: Path, run: str | None) -> tuple[FileState, OutputFile | None]:
    """What a path holds, as seen by a run, and what a run of ours wrote there last.

    Raises:
        OutputBlocked: What is there cannot be read.
    """
    with store.read() as tx:
        wrote = output_file_at(tx, _hash(path))
    return state_of(wrote, _held(path, is_known=wrote is not None), run), wrote


def objecting(store: Store) -> Objection:
    """Gives what says why a file may not be replaced, where a person did not ask for it."""

    def objection(path: Path) -> str | None:
        return refusal_of(*look(store, path, None)) if path.exists() else None

    return objection


def _hash(path: Path) -> str:
    # By the real path: links and other names of a folder lead to the same file.
    return sha256(os.fsencode(os.path.realpath(path))).hexdigest()


def _held(path: Path, *, is_known: bool) -> str | None:
    """The sha256 of what is there; nothing is read that no run wrote, such as a pipe."""
    if not (is_known and path.is_file()):
        return "" if path.exists() else None
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}"
        raise OutputBlocked(what, hint="check its permissions") from error
