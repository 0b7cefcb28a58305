"""Followers go when their leaders are over, or when waiting helps no more."""

import pytest

from backburner.nouns.batch import BatchState, Hold
from backburner.plan.caching.cadence import LONGEST_GAP
from backburner.plan.caching.following import LOOK_AGAIN, LeaderBatch, WaitingWave, goes_on_at
from backburner.plan.lanes import (
    LaneView,
    ReleaseAll,
    ReleaseRetries,
    ReleaseRun,
    lane_step,
)

NOW = 1_790_000_000.0
S = BatchState


def leader(state, *, sent=None, hold=None):
    return LeaderBatch(state=state, hold=hold, sent_at=None if sent is None else NOW - sent)


def view(*leaders, **more):
    return LaneView(
        sealed=(),
        in_flight=(),
        retry_due_at=None,
        polled_at=None,
        waves=(WaitingWave(run="mine", leaders=leaders),),
        **more,
    )


@pytest.mark.parametrize("state", [S.ENDED, S.DONE])
def test_they_go_at_once_when_their_leaders_are_over(state):
    assert goes_on_at([leader(state, sent=30), leader(S.DONE, sent=40)], NOW) == NOW


def test_a_leader_that_never_arrived_leads_nobody():
    assert goes_on_at([leader(S.HELD, hold=Hold.PERSON)], NOW) == NOW
    assert goes_on_at([leader(S.HELD, hold="budget")], NOW) is None


@pytest.mark.parametrize("state", [S.SEALED, S.RELEASED])
def test_they_wait_for_leaders_that_were_not_sent(state):
    assert goes_on_at([leader(state)], NOW) is None


@pytest.mark.parametrize("state", [S.ARMED, S.UNKNOWN, S.SENT])
def test_they_wait_for_leaders_under_way_while_the_first_entry_lives(state):
    at = goes_on_at([leader(state, sent=100), leader(S.DONE, sent=600)], NOW)

    assert at == NOW - 600 + LONGEST_GAP


def test_nobody_to_wait_for_is_nothing_to_wait_for():
    assert goes_on_at([], NOW) == NOW


def test_a_lanes_step_lets_followers_go_and_says_when_it_will():
    early = view(leader(S.SENT, sent=60))
    late = view(leader(S.SENT, sent=LONGEST_GAP))

    assert lane_step(early, ReleaseAll(), NOW).follow == ()
    assert lane_step(late, ReleaseAll(), NOW).follow == ("mine",)
    assert lane_step(view(leader(S.SENT, sent=LONGEST_GAP - 30)), ReleaseAll(), NOW).due_at == (
        NOW + 30
    )


def test_a_lane_looks_at_waiting_followers_every_ten_minutes():
    assert lane_step(view(leader(S.SEALED)), ReleaseAll(), NOW).due_at == NOW + LOOK_AGAIN
    assert lane_step(view(leader(S.SENT, sent=60)), ReleaseAll(), NOW).due_at == NOW + LOOK_AGAIN


def test_followers_go_only_where_their_run_may():
    over = view(leader(S.DONE, sent=60))

    assert lane_step(over, ReleaseRun("mine"), NOW).follow == ("mine",)
    assert lane_step(over, ReleaseRun("other"), NOW).follow == ()
    assert lane_step(over, ReleaseRetries(), NOW).follow == ()


def test_a_stopped_lane_lets_nobody_follow():
    assert lane_step(view(leader(S.DONE), is_stopped=True), ReleaseAll(), NOW).follow == ()
