"""What a lane's step does, and when it is due again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.batch import BatchId
from backburner.plan.lanes import (
    FAR,
    LOOK_BACK_EVERY,
    LaneView,
    ReleaseAll,
    ReleaseDue,
    ReleaseRetries,
    ReleaseRun,
    SealedBatch,
    lane_step,
)

NOW = 1_790_000_000.0


def sealed(number, run="r", due_in=0.0):
    return SealedBatch(id=BatchId(number), run=run, due_at=NOW + due_in)


def view(*waiting, in_flight=(), retry_in=None, polled=None, looked_back=None, retry_after=None):
    return LaneView(
        sealed=waiting,
        in_flight=tuple(NOW - ago for ago in in_flight),
        retry_due_at=None if retry_in is None else NOW + retry_in,
        polled_at=None if polled is None else NOW - polled,
        looked_back_at=None if looked_back is None else NOW - looked_back,
        retry_after=retry_after,
    )


@pytest.mark.parametrize(
    ("allowance", "released"),
    [
        (ReleaseAll(), (1, 2, 3)),
        (ReleaseRun("mine"), (1, 3)),
        (ReleaseRun("other"), (2, 3)),
        (ReleaseRetries(), (3,)),
    ],
)
def test_first_attempts_go_as_allowed_and_retries_always(allowance, released):
    waiting = view(sealed(1, "mine"), sealed(2, "other"), sealed(3, None))

    assert lane_step(waiting, allowance, NOW).release == released


def test_what_is_not_due_stays_and_makes_the_lane_due_then():
    step = lane_step(view(sealed(1, due_in=30), sealed(2)), ReleaseAll(), NOW)

    assert step.release == (2,)
    assert step.due_at == NOW + 30


def test_what_may_not_go_makes_nothing_due():
    assert lane_step(view(sealed(1, due_in=30)), ReleaseRetries(), NOW).due_at == NOW + FAR


def test_due_exceptions_are_packed_and_later_ones_are_waited_for():
    now_due = lane_step(view(retry_in=0), ReleaseRetries(), NOW)
    later = lane_step(view(retry_in=64), ReleaseRetries(), NOW)

    assert now_due.pack_retries
    assert now_due.due_at == NOW
    assert not later.pack_retries
    assert later.due_at == NOW + 64


def test_an_idle_lane_lists_nothing_and_rests_for_long():
    step = lane_step(view(), ReleaseAll(), NOW)

    assert not step.list_upstream
    assert step.due_at == NOW + FAR


def test_the_upstream_is_listed_when_the_poll_is_due():
    young = lane_step(view(in_flight=[0.5]), ReleaseAll(), NOW)
    old = lane_step(view(in_flight=[2]), ReleaseAll(), NOW)

    assert not young.list_upstream
    assert young.due_at == NOW + 0.5
    assert old.list_upstream
    assert old.due_at > NOW


times = st.floats(-1e5, 1e5)
views = st.builds(
    LaneView,
    sealed=st.lists(
        st.builds(
            SealedBatch,
            id=st.integers(1, 9).map(BatchId),
            run=st.sampled_from([None, "a", "b"]),
            due_at=times.map(lambda t: NOW + t),
        ),
        max_size=4,
    ).map(tuple),
    in_flight=st.lists(st.floats(0, 1e5).map(lambda t: NOW - t), max_size=4).map(tuple),
    retry_due_at=st.none() | times.map(lambda t: NOW + t),
    polled_at=st.none() | st.floats(0, 1e5).map(lambda t: NOW - t),
    retry_after=st.none() | st.floats(0, 600),
)
allowances = st.sampled_from([ReleaseAll(), ReleaseRun("a"), ReleaseRetries()])


@given(views, allowances)
def test_there_is_a_step_for_every_view_and_it_is_due_again_in_time(seen, allowance):
    step = lane_step(seen, allowance, NOW)

    assert set(step.release) <= {one.id for one in seen.sealed if one.due_at <= NOW}
    assert NOW <= step.due_at <= NOW + FAR
    assert step.list_upstream <= bool(seen.in_flight)
    if seen.retry_due_at is not None:
        assert step.pack_retries == (seen.retry_due_at <= NOW)
        assert step.due_at <= max(seen.retry_due_at, NOW)


@pytest.mark.parametrize(
    ("looked_back", "is_due"),
    [(None, False), (LOOK_BACK_EVERY - 5, False), (LOOK_BACK_EVERY, True)],
)
def test_a_day_after_the_first_arming_or_the_last_look_back_the_next_one_is_due(
    looked_back, is_due
):
    step = lane_step(view(looked_back=looked_back), ReleaseAll(), NOW)

    assert step.look_back == is_due
    assert (
        step.due_at
        == NOW + {None: FAR, LOOK_BACK_EVERY - 5: 5.0, LOOK_BACK_EVERY: 0.0}[looked_back]
    )


def promised(number, *, latest_in, deadline_in=3600.0, requests=1):
    return SealedBatch(
        id=BatchId(number),
        run="r",
        due_at=NOW,
        urgency="deadline",
        deadline=NOW + deadline_in,
        latest_at=NOW + latest_in,
        requests=requests,
    )


@pytest.mark.parametrize(
    ("latest_in", "opens_in", "leaves_in"),
    [(600, 3600, 600), (600, 60, 60), (-60, 3600, 0), (600, None, 600)],
)
def test_a_deadline_leaves_with_a_window_in_time_or_at_the_latest_safe_moment(
    latest_in, opens_in, leaves_in
):
    closed = replace(
        view(promised(1, latest_in=latest_in)),
        window_is_open=False,
        window_opens_at=None if opens_in is None else NOW + opens_in,
    )

    before = lane_step(closed, ReleaseDue(), NOW)
    after = lane_step(closed, ReleaseDue(), NOW + max(leaves_in, 0))

    assert before.release == (() if leaves_in else (1,))
    assert after.release == (1,)
    assert not leaves_in or before.due_at == NOW + leaves_in


def test_in_an_open_window_a_deadline_leaves_at_once():
    step = lane_step(view(promised(1, latest_in=600)), ReleaseDue(), NOW)

    assert step.release == (1,)


def test_where_room_is_short_the_earliest_deadline_goes_first_and_before_the_window():
    waiting = view(
        replace(sealed(1), requests=10),
        promised(2, latest_in=0, deadline_in=7200, requests=10),
        promised(3, latest_in=0, deadline_in=3600, requests=10),
    )

    step = lane_step(replace(waiting, queue_limit=20), ReleaseDue(), NOW)

    assert step.release == (3, 2)


def test_a_lane_is_looked_at_when_a_deadline_is_over():
    assert lane_step(replace(view(), deadline=NOW + 60), ReleaseDue(), NOW).due_at == NOW + 60
