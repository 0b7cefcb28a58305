"""Which processes of this home are alive, told by the operating system.

Each process holds a lock on a file of its own. The lock goes with the process, however it dies, so
a lease whose owner's lock is free can be taken at once instead of after its time has run out.
"""

import contextlib
import fcntl
from pathlib import Path
from typing import TextIO


class Owner:
    """This process, as the owner of leases. Closing it, or dying, frees what it held."""

    def __init__(self, home: Path, name: str) -> None:
        self.name = name
        self._folder = home / "owners"
        self._folder.mkdir(exist_ok=True, mode=0o700)
        self._path = self._folder / f"{name}.lock"
        self._file: TextIO = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def is_alive(self, name: str) -> bool:
        """Whether the process that took the name `name` still runs."""
        if name == self.name:
            return True
        path = self._folder / f"{name}.lock"
        try:
            file = path.open("r")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        with contextlib.suppress(OSError):
            path.unlink()
        return False

    def close(self) -> None:
        """Give the name back."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._file.close()
