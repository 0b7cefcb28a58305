"""When a batch leaves so that it is back in time, and what is said of a promise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.plan.deadlines import (
    COLLECTING,
    LATE,
    Promise,
    latest_release,
    outlook,
    release_at,
    shard_size,
    warning,
)
from backburner.plan.turnaround import prior

NOW = 1_790_000_000.0
HOUR = 3600.0
LATE_SECONDS = prior().quantile(LATE)


def promised(hours, **more):
    return Promise(deadline=NOW + hours * HOUR, **more)


def leaves(promise, opens_in=None):
    opens_at = None if opens_in is None else NOW + opens_in * HOUR
    return release_at(promise, prior(), opens_at=opens_at, now=NOW) - NOW


def test_the_latest_safe_moment_leaves_time_for_a_late_batch_and_for_collecting():
    assert leaves(promised(12)) == pytest.approx(12 * HOUR - LATE_SECONDS - COLLECTING)


def test_a_window_that_keeps_the_promise_wins():
    assert leaves(promised(12), opens_in=5) == 5 * HOUR
    assert leaves(promised(12), opens_in=-1) == 0


def test_a_window_that_would_break_the_promise_does_not():
    assert leaves(promised(12), opens_in=11.5) == leaves(promised(12))


def test_what_cannot_wait_leaves_at_once():
    assert leaves(promised(1), opens_in=5) == 0


def test_time_for_a_rescue_is_kept_before_the_deadline():
    late = latest_release(promised(12), prior())

    assert latest_release(promised(12, margin=COLLECTING + 600), prior()) == late - 600


def test_several_batches_leave_earlier_than_one():
    assert leaves(promised(20, batches=5)) < leaves(promised(20))


promises = st.builds(
    Promise,
    deadline=st.floats(NOW - 1e5, NOW + 1e6),
    batches=st.integers(1, 50),
    margin=st.floats(0, 5000),
)


@given(promises, st.none() | st.floats(NOW - 1e5, NOW + 1e6))
def test_nothing_leaves_in_the_past_nor_later_than_is_safe_or_now(promise, opens_at):
    at = release_at(promise, prior(), opens_at=opens_at, now=NOW)

    assert at >= NOW
    assert at <= max(latest_release(promise, prior()), NOW)


@given(promises)
def test_what_leaves_at_the_latest_safe_moment_is_safe(promise):
    at = latest_release(promise, prior())

    assert outlook(promise, prior(), at).chance == pytest.approx(LATE, abs=1e-3) or at < NOW


def test_a_safe_promise_is_not_warned_of():
    assert warning(outlook(promised(6), prior(), NOW), str) is None


def test_a_warning_says_when_such_runs_are_back_and_how_often_in_time():
    said = warning(outlook(promised(0.5), prior(), NOW), lambda at: f"+{(at - NOW) / 60:.0f}")

    assert said == (
        "95 of 100 such runs are back by +114, and the deadline is +30: "
        "it is kept in 78 of 100 (from a general prior: no history yet)"
    )


@pytest.mark.parametrize(
    ("hours", "requests"), [(0.1, 2_000), (1.0, 5_000), (0.5, 3_000), (24.0, 5_000), (-1.0, 2_000)]
)
def test_a_shard_is_done_over_in_a_tenth_of_the_time(hours, requests):
    assert shard_size(hours * HOUR) == requests


def test_a_slow_account_has_small_shards():
    assert shard_size(6 * HOUR, per_minute=50) == 2_000
