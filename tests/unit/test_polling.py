"""When to ask next: soon at first, once a minute at most, never sooner than asked to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.plan.polling import fault_wait, jitter, next_poll, poll_wait

NOW = 1_790_000_000.0


@pytest.mark.parametrize(("age", "wait"), [(0, 1), (2, 1), (40, 10), (240, 60), (86_400, 60)])
def test_a_quarter_of_the_age_within_a_second_and_a_minute(age, wait):
    assert poll_wait(age) == wait


@given(st.floats(0, 1e6), st.none() | st.floats(0, 1e4))
def test_a_poll_is_never_sooner_than_the_upstream_asked_for(age, retry_after):
    assert poll_wait(age, retry_after) >= max(1, retry_after or 0)
    assert poll_wait(age, retry_after) <= max(60, retry_after or 0)


def test_nothing_in_flight_is_nothing_to_ask():
    assert next_poll([], None) is None


ages = st.lists(st.floats(0, 1e5), min_size=1, max_size=5)


@given(ages, st.none() | st.floats(0, 1e5), st.none() | st.floats(0, 600))
def test_a_look_follows_the_last_one_within_a_minute_or_as_asked(ages, polled, retry_after):
    sent = [NOW - age for age in ages]
    polled_at = None if polled is None else NOW - polled
    last = min(sent) if polled_at is None else polled_at

    due = next_poll(sent, polled_at, retry_after)

    assert due <= last + max(60, retry_after or 0) + 1e-3
    assert due >= last + (retry_after or 0) - 1e-3


def test_the_youngest_sets_the_pace():
    assert next_poll([NOW - 1000, NOW], NOW - 10) == NOW + 1


@pytest.mark.parametrize(("faults", "wait"), [(0, 1), (1, 2), (5, 32), (6, 60), (1000, 60)])
def test_failed_calls_are_repeated_ever_later(faults, wait):
    assert fault_wait(faults) == wait
    assert fault_wait(faults, 300) == 300


shares = st.floats(0, 1)


@given(st.floats(0, 1e5), st.floats(0, 600), shares)
def test_jitter_makes_a_look_at_most_a_fifth_earlier_and_never_earlier_than_asked(
    age, asked, share
):
    plain = next_poll([NOW - age], NOW, None)
    spread = next_poll([NOW - age], NOW, None, share)
    told = next_poll([NOW - age], NOW, asked, share)

    assert NOW + (plain - NOW) * 0.8 - 1e-3 <= spread <= plain
    assert told >= NOW + asked


@given(st.integers(0, 20), shares)
def test_jitter_makes_a_wait_after_a_fault_at_most_a_fifth_longer(faults, share):
    assert fault_wait(faults) <= fault_wait(faults, share=share) <= fault_wait(faults) * 1.2


def test_jitter_is_fixed_by_its_seed_and_spreads_over_the_whole_range():
    found = sorted(jitter(f"worker-{n}") for n in range(1000))

    assert jitter("worker-1") == jitter("worker-1")
    assert 0 <= found[0] < 0.01
    assert 0.99 < found[-1] < 1
    assert 0.4 < found[500] < 0.6
