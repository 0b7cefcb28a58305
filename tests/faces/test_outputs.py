"""Where answers are written: one file or one per row, and what is never replaced unasked."""

import pytest

from .conftest import MODEL

WORDS = ("--prompt", "Judge: {{ text }}", *MODEL, "--yes")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("{{ text }}", "is that of line 2 already (path_duplicate)"),
        ("{{ nope }}", "names the column 'nope', which the table does not have (column_missing)"),
        ("{{ '..' }}/{{ '..' }}/{{ id }}", "leaves"),
    ],
)
@pytest.mark.parametrize("command", ["run", "results"])
def test_faults_of_paths_are_told_before_a_file_is_written(
    call, reviews, done, tmp_path, command, path, told
):
    output = f"{tmp_path}/each/{path}.md"
    words = ("results", done) if command == "results" else ("run", reviews, *WORDS)
    call("run", reviews, *WORDS)

    said = call(*words, "-o", output)

    assert said.code == 2
    assert told in said.err
    assert not (tmp_path / "each").exists()


def test_faults_of_paths_of_a_kept_run_are_told_before_it_is_sent(call, reviews, tmp_path, world):
    call("enqueue", reviews, "--prompt", "Judge: {{ text }}", *MODEL)

    said = call("run", reviews, *WORDS, "-o", tmp_path / "each" / "{{ text }}.md")

    assert "(path_duplicate)" in said.err
    assert list(world.ledger()) == []
