"""Files of the vault whose failures are told in plain words, wherever on the way they strike."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backburner.errors import StoreUnusable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_HINT: Final = "free some space or mend the permissions, then call again; nothing was lost"


@contextmanager
def cannot(root: Path, what: str) -> Iterator[None]:
    """Tells what the vault cannot do, and why.

    Raises:
        StoreUnusable: The operating system refused.
    """
    try:
        yield
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise StoreUnusable(f"the vault at {root} cannot {what}: {cause}", hint=_HINT) from error


class VaultFile(FileIO):
    """An open file of the vault.

    Buffers write when they please, at their end too, so only the file itself knows each failure;
    and a failure of the vault is not one of the files that are open beside it.
    """

    def __init__(self, handle: int, mode: str, root: Path, what: str) -> None:
        super().__init__(handle, mode)
        self._root = root
        self._what = what

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes; gives how many.

        Raises:
            StoreUnusable: The disk is full, or failed.
        """
        with cannot(self._root, f"write {self._what}"):
            return super().write(data)

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read some bytes; gives how many.

        Raises:
            StoreUnusable: The disk failed.
        """
        with cannot(self._root, f"read {self._what}"):
            return super().readinto(buffer)
