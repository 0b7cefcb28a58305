"""When what a batch has not brought yet is given up: as late as possible, and never too late."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.batch import BatchId
from backburner.plan.rescuing import (
    Pace,
    Price,
    RescueView,
    Rest,
    affordable,
    cancel_seconds,
    first_look,
    last_moment,
    rescue,
)

HOUR = 3600.0
PACE = Pace(concurrency=8, calls=1_000, seconds=1_000.0)


def away(number, requests=100, since=0.0):
    return Rest(id=BatchId(number), requests=requests, away_since=since)


def unsent(number, requests=100):
    return Rest(id=BatchId(number), requests=requests, away_since=None)


def view(*rests, deadline=HOUR, asking=0, pace=PACE):
    return RescueView(deadline=deadline, rests=rests, asking=asking, pace=pace)


def test_a_batch_is_kept_as_long_as_it_can_still_be_asked_over():
    seen = view(away(1))
    at = last_moment(seen, 100)

    assert rescue(seen, at - 1).give_up == ()
    assert rescue(seen, at - 1).look_at == at
    assert rescue(seen, at).give_up == (1,)
    assert rescue(seen, at).look_at is None


def test_the_last_moment_is_the_deadline_less_the_cancel_and_the_calls():
    seen = view(away(1, requests=600))

    left = HOUR - last_moment(seen, 600)

    assert left == 120 + 180 + 600 / PACE.per_second
    assert 850 < left < 950


@given(
    calls=st.integers(1, 100_000),
    asked=st.floats(0, 1e6),
    measured=st.integers(0, 10_000),
    canceling=st.floats(0, 1e6),
    concurrency=st.integers(1, 64),
)
def test_nothing_is_to_be_given_up_before_the_first_look(
    calls, asked, measured, canceling, concurrency
):
    pace = Pace(concurrency=concurrency, calls=measured, seconds=asked)
    seen = replace(view(away(1), pace=pace), canceling=cancel_seconds(canceling))

    # A microsecond is what sums of floats may be off by.
    assert first_look(HOUR, calls, concurrency) <= last_moment(seen, calls) + 1e-6


def test_a_cancel_that_was_seen_to_take_longer_is_reckoned_with():
    seen = view(away(1))

    longer = replace(seen, canceling=900.0)

    assert last_moment(seen, 100) - last_moment(longer, 100) == 720


def test_a_large_rest_is_given_up_part_by_part_what_was_sent_last_first():
    shards = [away(n, requests=1_000, since=float(n)) for n in range(1, 5)]
    seen = view(*shards, deadline=2 * HOUR)
    moments = [last_moment(seen, calls) for calls in (4_000, 3_000, 2_000, 1_000)]

    given = [rescue(seen, at).give_up for at in moments]

    assert given == [(4,), (4, 3), (4, 3, 2), (4, 3, 2, 1)]
    assert moments == sorted(moments)


def test_what_was_not_sent_is_asked_before_a_batch_is_recalled():
    seen = view(away(1, since=50.0), unsent(2), deadline=700.0)

    at = last_moment(seen, 200)

    assert rescue(seen, at).give_up == (2,)


def test_what_is_being_asked_already_takes_time_too():
    free, busy = view(away(1)), view(away(1), asking=600)

    assert last_moment(free, 100) - rescue(busy, 0.0).look_at == 600 / PACE.per_second


def test_nothing_is_open_when_all_is_back():
    assert rescue(view(), HOUR * 2) == rescue(view(), 0.0)
    assert rescue(view(), 0.0).look_at is None


def test_little_measurement_is_drawn_to_the_assumption():
    assumed = Pace(concurrency=8)
    slow = Pace(concurrency=8, calls=5_000, seconds=10_000.0)

    assert assumed.per_second == 1.0
    assert 0.5 < slow.per_second < 0.51
    assert Pace(concurrency=16).per_second == 2.0


@given(
    sizes=st.lists(st.integers(1, 20_000), max_size=8),
    unsent_sizes=st.lists(st.integers(1, 20_000), max_size=4),
    now=st.floats(0, 2 * HOUR),
    asking=st.integers(0, 5_000),
)
def test_what_is_kept_could_always_still_be_asked_in_time(sizes, unsent_sizes, now, asking):
    rests = [away(n, size, since=float(n)) for n, size in enumerate(sizes)]
    rests += [unsent(100 + n, size) for n, size in enumerate(unsent_sizes)]
    seen = view(*rests, asking=asking)

    plan = rescue(seen, now)

    kept = sum(one.requests for one in rests if one.id not in plan.give_up)
    if kept:
        assert last_moment(seen, asking + kept) > now
        assert plan.look_at == last_moment(seen, asking + kept)
    assert len(set(plan.give_up)) == len(plan.give_up)


def test_what_was_interrupted_for_a_night_makes_no_rescue_begin_hours_early():
    interrupted = Pace(concurrency=8, calls=100, seconds=30_000.0)

    assert interrupted.per_second == 0.25
    assert cancel_seconds(0.0) == 180.0
    assert cancel_seconds(400.0) == 400.0
    assert cancel_seconds(30_000.0) == 900.0


def prices(*amounts):
    return [Price(id=BatchId(number), amount=one) for number, one in enumerate(amounts)]


def test_batches_are_afforded_as_long_as_money_is_left_for_the_next_one():
    found = affordable(prices(40, 40, 40), 100)

    assert found.taken == (0, 1)
    assert found.left == 20


def test_what_is_left_to_the_last_picodollar_affords_a_batch():
    assert affordable(prices(40, 60), 100).taken == (0, 1)
    assert affordable(prices(40, 61), 100).taken == (0,)


def test_a_batch_that_is_too_dear_leaves_its_room_to_a_smaller_one():
    assert affordable(prices(90, 30, 10), 40).taken == (1, 2)


def test_a_batch_that_nothing_bounds_is_not_afforded():
    assert affordable(prices(None, 1), 100).taken == (1,)


def test_where_more_was_spent_than_allowed_nothing_is_afforded():
    found = affordable(prices(0, 1), -5)

    assert (found.taken, found.left) == ((), -5)


@given(amounts=st.lists(st.none() | st.integers(0, 100), max_size=8), left=st.integers(-50, 300))
def test_what_is_afforded_is_never_more_than_there_is(amounts, left):
    each = prices(*amounts)

    found = affordable(each, left)

    paid = sum(one.amount for one in each if one.id in found.taken)
    assert paid + found.left == left
    assert paid <= max(left, 0)
    short = [one.amount for one in each if one.id not in found.taken]
    assert all(amount is None or amount > found.left for amount in short)
