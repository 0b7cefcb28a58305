"""Which runs can lose their texts, and what is told of results that run out."""

import pytest

from backburner.plan.expiring import is_to_warn
from backburner.plan.pruning import choose

DAY = 86_400.0


def test_runs_that_share_nothing_go_each_for_itself():
    found = choose({"a", "b"}, {7: {"a"}, 8: {"c"}})

    assert found.runs == {"a", "b"}
    assert found.carriers == {7}
    assert not found.kept


def test_a_run_stays_while_another_needs_their_common_batch_of_retries():
    found = choose({"a", "b"}, {7: {"a", "c"}})

    assert found.runs == {"b"}
    assert found.carriers == frozenset()
    assert found.kept == {"a": {"c"}}


def test_a_chain_of_shared_batches_stays_as_a_whole():
    found = choose({"a", "b"}, {7: {"a", "b"}, 8: {"b", "c"}})

    assert not found.runs
    assert found.kept == {"b": {"c"}, "a": {"b"}}


def test_runs_that_share_a_batch_go_with_it_together():
    assert choose({"a", "b"}, {7: {"a", "b"}}).carriers == {7}


@pytest.mark.parametrize(
    ("age", "seen", "told"),
    [
        (26.9, None, False),
        (27.1, None, True),
        (27.1, 26.0, True),
        (27.5, 27.1, False),
        (28.1, 27.5, True),
        (29.1, 27.5, False),
    ],
)
def test_results_that_run_out_are_told_once_for_each_day_left(
    age: float, seen: float | None, told: object
):
    seen_at = None if seen is None else seen * DAY

    assert is_to_warn(0.0, seen_at, age * DAY) is told
