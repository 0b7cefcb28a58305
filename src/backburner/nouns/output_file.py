"""A file that holds answers: by whom and how it was written, and how it is now."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A file as a run wrote it.

    Attributes:
        path_hash: sha256 of its path. Paths may hold cells of a table, which pruning has to forget.
        run: The run that wrote it last.
        sha256: That of its bytes.
    """

    path_hash: str
    run: str
    sha256: str


class FileState(StrEnum):
    """What a path holds, as seen by a run that writes there."""

    ABSENT = "absent"
    OWN = "own"
    """What the run wrote."""
    OTHERS = "others"
    """What another run of ours wrote."""
    CHANGED = "changed"
    """Not what a run of ours wrote there last."""
    STRANGE = "strange"
    """What no run of ours wrote."""
