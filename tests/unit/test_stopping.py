"""What stops a lane, what waits for room, and how that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.attempt import Attempt
from backburner.nouns.fault import Fault, FaultKind
from backburner.nouns.outcome import Outcome
from backburner.nouns.policy import ACCOUNT_ERRORS, RetryPolicy
from backburner.plan.admission import AwaitRoom, Halve, TryLater, after_throttle, goes_at
from backburner.plan.judging import GiveUp, Retry, verdict
from backburner.plan.stopping import held_in_words, stop_for_fault

FULL = Fault(kind=FaultKind.THROTTLED, what="no", status=429)
RAMP = Fault(kind=FaultKind.THROTTLED, what="no", status=429, code="ramp_limit_exceeded")
POLICY = RetryPolicy()


def failed(number, error):
    return Attempt(
        batch=1,
        position=0,
        attempt=number,
        in_batch=number,
        in_position=0,
        outcome=Outcome.SERVER_ERROR,
        error_type=error,
    )


@pytest.mark.parametrize(
    ("fault", "requests", "refusals", "others_away", "follows"),
    [
        (FULL, 9, 9, True, AwaitRoom()),
        (FULL, 9, 2, False, TryLater()),
        (FULL, 9, 3, False, Halve()),
        (FULL, 1, 99, False, TryLater()),
        (RAMP, 9, 9, True, TryLater()),
    ],
)
def test_a_batch_waits_for_its_own_before_it_is_halved(
    fault, requests, refusals, others_away, follows
):
    assert (
        after_throttle(fault, requests=requests, refusals=refusals, others_away=others_away)
        == follows
    )


def test_a_wait_for_room_ends_with_the_last_batch_under_way_or_after_ten_minutes():
    assert goes_at(5.0, "room", others_away=True) == 605.0
    assert goes_at(5.0, "room", others_away=False) == 5.0
    assert goes_at(5.0, None, others_away=True) == 5.0


@given(
    times=st.integers(0, 9),
    error=st.sampled_from(["api_error", "overloaded_error", *sorted(ACCOUNT_ERRORS)]),
)
def test_what_the_account_was_at_fault_for_counts_as_no_attempt(times, error):
    earlier = [failed(number, error) for number in range(1, times + 1)]

    follows = verdict(
        Outcome.SERVER_ERROR, earlier=earlier, now=0.0, policy=POLICY, error_type="api_error"
    )

    is_over = error == "api_error" and times >= POLICY.rules[Outcome.SERVER_ERROR].times
    assert isinstance(follows, GiveUp if is_over else Retry)


@pytest.mark.parametrize("error", ["", "api_error", "unknown_result", *sorted(ACCOUNT_ERRORS)])
def test_what_is_held_for_the_account_is_told_from_what_else_is_held(error):
    words = held_in_words(failed(1, error))

    assert ("`backburner resume`" in words) == (error in ACCOUNT_ERRORS)
    assert ("`backburner retry`" in words) == (error not in ACCOUNT_ERRORS)


@pytest.mark.parametrize(
    ("now", "until"), [(1_790_000_000.0, "2026-10-01 00:00 UTC"), (1_798_750_000.0, "2027-01-01")]
)
def test_the_limit_of_a_tier_names_the_first_of_the_next_month(now, until):
    fault = Fault(
        kind=FaultKind.STOP, what="limit", status=429, code="enforced_spend_limit_reached"
    )

    assert until in stop_for_fault(fault, now).remedy


def test_what_no_account_is_at_fault_for_names_the_run_that_it_concerns():
    fault = Fault(kind=FaultKind.REFUSED, what="Unexpected value(s) 'nonsense'", status=400)

    assert (
        "`backburner cancel abc123`, which it concerns"
        in stop_for_fault(fault, 0.0, "abc123").remedy
    )
    assert stop_for_fault(fault, 0.0).remedy == "mend the cause, or cancel what it concerns"
