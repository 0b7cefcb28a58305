"""How long batches take, learnt from all of them: the slow ones that are not back are not lost."""

import math
from dataclasses import replace
from itertools import pairwise
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.trip import Trip
from backburner.plan.turnaround import EXPIRY, HALF_LIFE, TIMES, learn, prior

NOW = 1_790_000_000.0
MODEL = "claude-haiku-4-5"


def trip(seconds, *, ago=86_400.0, model=MODEL, requests=500, has_ended=True):
    return Trip(
        model=model, requests=requests, sent_at=NOW - ago, seconds=seconds, has_ended=has_ended
    )


def curve(trips, *, model=MODEL, requests=500, at=NOW):
    return learn(trips, model=model, requests=requests, at=at, now=NOW)


def drawn(median, sigma, count):
    """Times spread as a log-normal's."""
    spread = NormalDist(math.log(median), sigma)
    return [math.exp(spread.inv_cdf((each + 0.5) / count)) for each in range(count)]


def test_without_history_half_are_back_in_seven_minutes_and_most_within_an_hour():
    empty = curve([])

    assert empty == prior()
    assert empty.quantile(0.5) == pytest.approx(420, rel=0.01)
    assert empty.quantile(0.9) == pytest.approx(3600, rel=0.02)
    assert empty.quantile(0.95) == pytest.approx(110 * 60, rel=0.02)


def test_the_prior_has_a_heavy_tail():
    # What was not back after an hour is back within the next one in 55 of 100 cases.
    assert prior().done_by(7200, age=3600) == pytest.approx(0.55, abs=0.01)


def test_much_history_says_more_than_the_prior():
    known = curve([trip(seconds) for seconds in drawn(1200, 0.5, 400)])

    assert known.quantile(0.5) == pytest.approx(1200, rel=0.1)
    assert known.quantile(0.95) == pytest.approx(1200 * math.exp(0.5 * 1.645), rel=0.2)


def test_a_little_history_moves_the_prior_a_little():
    some = curve([trip(3600) for _ in range(3)])

    assert prior().quantile(0.5) < some.quantile(0.5) < 3600


def test_batches_that_are_not_back_make_the_curve_slower():
    fast = [trip(60) for _ in range(30)]
    stuck = [trip(20_000, has_ended=False) for _ in range(30)]

    assert curve([*fast, *stuck]).quantile(0.6) > 10 * curve(fast).quantile(0.6)


def test_what_was_watched_for_a_while_counts_for_that_while_only():
    seconds = drawn(1200, 0.5, 400)
    all_seen = curve([trip(one) for one in seconds])
    cut = curve([trip(min(one, 1200), has_ended=one <= 1200) for one in seconds])

    assert cut.quantile(0.25) == pytest.approx(all_seen.quantile(0.25), rel=0.05)
    assert cut.quantile(0.8) > 1200


def test_a_batch_that_expired_was_not_done_within_the_day():
    expired = curve([trip(EXPIRY + 30) for _ in range(30)])

    assert expired.not_done(EXPIRY) > 0.5
    assert expired.quantile(0.95) == EXPIRY


def test_old_batches_count_less():
    old = [trip(7200, ago=8 * HALF_LIFE) for _ in range(100)]
    new = [trip(60) for _ in range(30)]

    assert curve([*old, *new]).quantile(0.5) < 120


@pytest.mark.parametrize(
    "other", [{"model": "claude-opus-4-8"}, {"requests": 50_000}, {"ago": 86_400.0 + 43_200}]
)
def test_a_model_a_size_and_an_hour_have_curves_of_their_own(other):
    mine = [trip(60) for _ in range(50)]
    theirs = [trip(7200, **other) for _ in range(50)]

    assert curve([*mine, *theirs]).quantile(0.5) < 120


def test_a_stratum_without_batches_has_the_curve_of_all():
    slow = [trip(7200) for _ in range(200)]

    assert curve(slow, model="claude-opus-4-8").quantile(0.5) == pytest.approx(7200, rel=0.1)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "from a general prior: no history yet"),
        (1, "from a general prior and your last 1 batch"),
        (3, "from a general prior and your last 3 batches"),
        (30, "from your last 30 batches"),
    ],
)
def test_a_curve_says_what_it_rests_on(count, words):
    assert curve([trip(60) for _ in range(count)]).basis() == words


trips = st.lists(
    st.builds(
        trip,
        st.floats(0, 2 * EXPIRY),
        ago=st.floats(0, 1e7),
        requests=st.integers(1, 100_000),
        has_ended=st.booleans(),
    ),
    max_size=20,
)


@given(trips)
def test_a_curve_only_falls_and_stays_between_one_and_nought(history):
    left = curve(history).left

    assert len(left) == len(TIMES)
    assert all(0 <= after <= before <= 1 for before, after in pairwise(left))


@given(trips, st.floats(0.01, 0.99), st.floats(0, EXPIRY))
def test_a_quantile_is_when_that_share_is_done(history, share, age):
    known = curve(history)

    at = known.quantile(share, age)

    assert age <= at <= EXPIRY
    if age < at < EXPIRY:
        assert known.done_by(at, age) == pytest.approx(share, abs=1e-6)


@given(trips, st.floats(0.5, 0.99), st.integers(1, 40))
def test_more_batches_are_never_all_back_sooner(history, share, batches):
    known = curve(history)

    assert known.quantile_of_all(share, batches + 1) >= known.quantile_of_all(share, batches)


def test_a_running_batch_can_only_take_longer():
    running = [trip(100, has_ended=False)]

    longer = [replace(running[0], seconds=5000.0)]

    assert curve(longer).quantile(0.5) > curve(running).quantile(0.5)


def test_a_batch_that_just_left_is_no_history():
    assert curve([trip(20, has_ended=False)]).basis().endswith("no history yet")


def test_batches_that_never_ended_are_no_history_of_turnarounds():
    assert curve([trip(5000, has_ended=False)]).basis() == (
        "from a general prior: none of your batches has ended by itself yet"
    )
