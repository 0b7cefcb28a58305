"""The mark: how many armings the vault has seen, so that an older store is noticed."""

import fcntl
from typing import Final

from backburner.vault.directory import Vault

_NAME: Final = "mark"


def read_mark(vault: Vault) -> int:
    """The number of the newest arming that went on to its tail; 0 if there was none."""
    path = vault.root / _NAME
    return int(path.read_bytes() or b"0") if path.exists() else 0


def raise_mark(vault: Vault, arming: int) -> None:
    """Note an arming durably, unless a newer one is noted."""
    with (vault.root / f"{_NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if read_mark(vault) < arming:
            write_mark(vault, arming)


def write_mark(vault: Vault, arming: int) -> None:
    """Set the mark, whatever it was."""
    with vault.file_writer(_NAME) as file:
        file.write(str(arming).encode())
