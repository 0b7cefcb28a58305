"""Which files with answers may be replaced, and which ones are to be written again."""

from collections.abc import Iterable
from typing import Final

from backburner.nouns.output_file import FileState, OutputFile

_LEFT: Final = frozenset({FileState.CHANGED, FileState.STRANGE})
_LOST: Final = frozenset({FileState.ABSENT, FileState.OTHERS})


def state_of(wrote: OutputFile | None, holds: str | None, run: str | None) -> FileState:
    """What a path holds.

    Args:
        wrote: What a run of ours wrote there last.
        holds: The sha256 of what is there; None where nothing is.
        run: As seen by which run; None by one that is not there yet.
    """
    if holds is None:
        return FileState.ABSENT
    if wrote is None:
        return FileState.STRANGE
    if wrote.sha256 != holds:
        return FileState.CHANGED
    return FileState.OWN if wrote.run == run else FileState.OTHERS


def is_left(state: FileState) -> bool:
    """Whether somebody may have worked in a file, so that it is not written again unasked."""
    return state in _LEFT


def refusal_of(state: FileState, wrote: OutputFile | None) -> str | None:
    """Why a file may not be replaced unasked; None if it may: a run can write it again."""
    if state is FileState.CHANGED and wrote is not None:
        return f"was changed since the run {wrote.run} wrote it"
    if state is FileState.STRANGE:
        return "is there already, and no run of ours wrote it"
    return None


def state_together(states: Iterable[FileState]) -> FileState:
    """What several files are together: what somebody worked in counts first, then what is lost."""
    seen = set(states)
    for states_alike in (_LEFT, _LOST):
        if found := seen & states_alike:
            return min(found)
    return FileState.OWN
