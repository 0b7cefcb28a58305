"""What a lane's step lets go: by urgency, by window, and by the room in the queue."""

import pytest

from backburner.nouns.batch import BatchId, Via
from backburner.nouns.urgency import Urgency
from backburner.plan.admission import fitting
from backburner.plan.lanes import (
    LaneView,
    ReleaseAll,
    ReleaseDue,
    ReleaseRetries,
    SealedBatch,
    lane_step,
)
from backburner.plan.sealing import Seal, Waiting, seals

NOW = 1_790_000_000.0
OPENS = NOW + 3600.0


def sealed(number: int, urgency: Urgency = Urgency.WINDOW, **more: object) -> SealedBatch:
    values = {"run": "r", "due_at": NOW, "created_at": NOW - 3600.0, **more}
    return SealedBatch(id=BatchId(number), urgency=urgency, **values)  # type: ignore[arg-type]


def view(*waiting: SealedBatch, is_open: bool = False, **more: object) -> LaneView:
    return LaneView(
        sealed=waiting,
        in_flight=(),
        retry_due_at=None,
        polled_at=None,
        window_is_open=is_open,
        window_opens_at=None if is_open else OPENS,
        **more,  # type: ignore[arg-type]
    )


EVERY = (
    sealed(1, Urgency.NOW),
    sealed(2, Urgency.SOON),
    sealed(3, Urgency.WINDOW),
    sealed(4, Urgency.WINDOW, run=None),
)


@pytest.mark.parametrize(
    ("allowance", "is_open", "released"),
    [
        (ReleaseDue(), False, (1, 2, 4)),
        (ReleaseDue(), True, (1, 2, 3, 4)),
        (ReleaseDue(makes_up=False), False, (1, 2, 4)),
        (ReleaseAll(), False, (1, 2, 3, 4)),
        (ReleaseRetries(), True, (4,)),
    ],
)
def test_urgency_and_window_say_what_goes_and_retries_always_go(allowance, is_open, released):
    step = lane_step(view(*EVERY, is_open=is_open), allowance, NOW)

    assert step.release == released


def test_the_lane_is_due_when_its_window_opens():
    assert lane_step(view(sealed(1)), ReleaseDue(), NOW).due_at == OPENS


def test_a_window_that_never_opens_again_makes_nothing_due():
    closed = LaneView(
        sealed=(sealed(1),),
        in_flight=(),
        retry_due_at=None,
        polled_at=None,
        window_is_open=False,
        window_opens_at=None,
    )

    step = lane_step(closed, ReleaseDue(), NOW)

    assert step.release == ()
    assert step.due_at > NOW


@pytest.mark.parametrize(
    ("allowance", "since", "made_up"),
    [
        (ReleaseDue(), NOW - 3600.0, (1,)),
        (ReleaseDue(), NOW - 60.0, ()),
        (ReleaseDue(makes_up=False), NOW - 3600.0, ()),
        (ReleaseAll(), NOW - 3600.0, ()),
    ],
)
def test_only_what_waited_for_a_missed_window_is_made_up_for(allowance, since, made_up):
    seen = view(
        sealed(1, created_at=since),
        sealed(2, Urgency.SOON, created_at=since),
        sealed(3, created_at=since, run=None),
        missed_until=NOW - 600.0,
    )

    assert lane_step(seen, allowance, NOW).make_up == made_up


def test_in_an_open_window_nothing_has_to_be_made_up_for():
    seen = view(sealed(1), is_open=True, missed_until=NOW - 600.0)

    assert lane_step(seen, ReleaseDue(), NOW).make_up == ()


def test_the_urgent_goes_first_where_the_queue_has_little_room():
    waiting = (
        sealed(1, requests=4),
        sealed(2, requests=4),
        sealed(3, Urgency.SOON, requests=4),
        sealed(4, Urgency.NOW, requests=9, via=Via.DIRECT),
    )

    step = lane_step(view(*waiting, is_open=True, queue_limit=10, queued=2), ReleaseDue(), NOW)

    assert step.release == (4, 3, 1)


@pytest.mark.parametrize(
    ("sizes", "queued", "count"),
    [((4, 4, 4), 0, 2), ((4, 4, 4), 7, 0), ((12, 1), 0, 1), ((12, 1), 1, 0), ((), 0, 0)],
)
def test_batches_go_in_their_order_and_one_that_is_too_large_goes_alone(sizes, queued, count):
    assert fitting(sizes, limit=10, queued=queued) == count


def test_tickets_of_a_missed_window_leave_the_inbox_in_a_hurry():
    inbox = [
        Waiting(urgency=Urgency.WINDOW, due_at=NOW - 60.0),
        Waiting(urgency=Urgency.SOON, due_at=NOW - 60.0),
    ]

    late = seals(inbox, NOW, window_is_open=False)

    assert late == (
        Seal(urgency=Urgency.WINDOW, due_by=NOW, hurries=True),
        Seal(urgency=Urgency.SOON, due_by=NOW),
    )


@pytest.mark.parametrize(("makes_up", "urgencies"), [(True, ["window", "soon"]), (False, ["soon"])])
def test_a_single_pass_leaves_tickets_to_the_next_window(makes_up, urgencies):
    inbox = (
        Waiting(urgency=Urgency.WINDOW, due_at=NOW - 60.0),
        Waiting(urgency=Urgency.SOON, due_at=NOW - 60.0),
    )

    step = lane_step(view(inbox=inbox), ReleaseDue(makes_up=makes_up), NOW)

    assert [one.urgency for one in step.seal] == urgencies
