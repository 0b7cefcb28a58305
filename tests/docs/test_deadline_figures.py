"""What deadlines cost: the rule against the policies that one would write first."""

import pytest
from bench.deadlines.arena import Task, arena, paid_twice
from bench.deadlines.policies import POLICIES
from bench.deadlines.turnarounds import (
    DISTRIBUTIONS,
    bimodal,
    drawn,
    expected_cost,
    log_normal,
    share_ended,
)

JOBS, ROWS = 6, 3
MINUTE = 60.0


@pytest.fixture(scope="module")
def played():
    """Each policy under a deadline of 20 minutes: cost beside all sync, misses, paid twice."""
    times = drawn(log_normal, JOBS, seed=0)
    figures, full = {}, 0
    for name, policy in POLICIES.items():
        with arena(times, start_hour=17.0) as place:
            kept = policy(place, Task(jobs=JOBS, rows=ROWS, seconds=20 * MINUTE))
            bill = place.world.bill().total
            full = full or bill
            figures[name] = (bill / full, kept.count(False), paid_twice(place.world, JOBS * ROWS))
    return figures


@pytest.mark.parametrize(
    ("minutes", "cost"), [(10, 0.73), (15, 0.68), (30, 0.60), (60, 0.55), (120, 0.52), (240, 0.51)]
)
def test_the_rule_costs_what_was_reckoned(minutes, cost):
    assert expected_cost(log_normal, (minutes - 2) * MINUTE) == pytest.approx(cost, abs=0.006)


def test_the_distributions_are_as_they_are_described():
    assert log_normal(0.5) == pytest.approx(7 * MINUTE)
    assert log_normal(0.9) < 61 * MINUTE
    assert share_ended(bimodal, 20 * MINUTE) == pytest.approx(0.75, abs=0.01)
    assert set(DISTRIBUTIONS) == {"log-normal", "bimodal"}


def test_ours_keeps_every_deadline_and_pays_nothing_twice(played):
    cost, missed, twice = played["ours"]

    assert (missed, twice) == (0, 0)
    assert 0.5 < cost < 0.75


def test_batches_alone_cost_half_and_miss(played):
    cost, missed, twice = played["batch only"]

    assert cost == pytest.approx(0.5)
    assert missed > 0
    assert twice == 0


def test_to_cancel_and_ask_again_pays_rows_twice(played):
    cost, missed, twice = played["cancel and rerun"]

    assert twice > 0
    assert cost > played["ours"][0]
    assert missed == 0


def test_all_sync_is_the_measure(played):
    assert played["sync only"] == (1.0, 0, 0)
