"""Whose a file with answers is, and what several of them are together."""

import pytest

from backburner.nouns.output_file import FileState, OutputFile
from backburner.plan.output_files import refusal_of, state_of, state_together

WROTE = OutputFile(path_hash="p", run="r1", sha256="a")


@pytest.mark.parametrize(
    ("wrote", "holds", "state"),
    [
        (None, None, FileState.ABSENT),
        (WROTE, None, FileState.ABSENT),
        (WROTE, "a", FileState.OWN),
        (WROTE, "b", FileState.CHANGED),
        (None, "b", FileState.STRANGE),
    ],
)
def test_a_file_is_told_by_what_it_holds(wrote, holds, state):
    assert state_of(wrote, holds, "r1") is state


def test_what_another_run_wrote_may_be_replaced_since_that_run_can_write_it_again():
    state = state_of(WROTE, "a", "r2")

    assert state is FileState.OTHERS
    assert refusal_of(state, WROTE) is None


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ([], FileState.OWN),
        ([FileState.OWN, FileState.OWN], FileState.OWN),
        ([FileState.OWN, FileState.ABSENT], FileState.ABSENT),
        ([FileState.OTHERS, FileState.CHANGED, FileState.OWN], FileState.CHANGED),
    ],
)
def test_of_several_files_what_somebody_worked_in_counts_first(states, together):
    assert state_together(states) is together
