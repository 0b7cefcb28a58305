"""What is said to have broken a promise."""

import pytest

from backburner.nouns.batch import Batch, BatchId, BatchState, Hold, Via
from backburner.plan.misses import Missed, cause_of

NOON = 1_790_000_000.0
HOUR = 3600.0


def batch(state, **more):
    values = dict.fromkeys(Batch.__slots__)
    values |= {
        "id": BatchId(1),
        "state": state,
        "via": Via.BATCH,
        "faults": 0,
        "requests": 10,
        "sent_at": NOON - 2 * HOUR,
        "forecast_late": NOON - HOUR,
    }
    return Batch(**{**values, **more})


def cause(*batches, after=5.0, **more):
    carriers = tuple((one, one.requests) for one in batches)
    return cause_of(Missed(deadline=NOON, seen_at=NOON + after, carriers=carriers, **more))


@pytest.mark.parametrize(
    ("carrier", "words"),
    [
        (
            batch(BatchState.SENT),
            "the batch was late: 2 h 0 min so far, where 95 of 100 take up to 1 h 0 min",
        ),
        (
            batch(BatchState.SENT, sent_at=NOON - 1200, forecast_late=NOON + 1200),
            "it was sent too late: 95 of 100 such batches take up to 40 min, and 20 min were left",
        ),
        (
            batch(BatchState.SENT, forecast_late=None),
            "the batch was late: under way for 2 h 0 min",
        ),
        (batch(BatchState.SENT, via=Via.DIRECT), "the rescue took too long"),
        (batch(BatchState.ENDED), "it was back, and not collected yet"),
        (batch(BatchState.UNKNOWN), "in doubt: it was not known whether the batch arrived"),
        (batch(BatchState.ARMED), "in doubt: it was not known whether the batch arrived"),
        (batch(BatchState.HELD, hold=Hold.BUDGET), "waited for a budget"),
        (batch(BatchState.HELD, hold=Hold.CANARY), "waited until its canary was looked at"),
        (batch(BatchState.SEALED, hold=Hold.ROOM), "Anthropic took no more for now"),
        (batch(BatchState.SEALED), "it was not sent in time"),
        (batch(BatchState.SEALED, faults=3), "it could not be sent: calls failed"),
    ],
)
def test_the_state_of_what_is_missing_tells_the_cause(carrier, words):
    assert cause(carrier) == words


@pytest.mark.parametrize("state", [BatchState.ENDED, BatchState.SEALED, BatchState.RELEASED])
def test_what_is_noticed_late_was_seen_by_nobody(state):
    assert cause(batch(state), after=2 * HOUR) == (
        "the worker did not run: nobody looked until 2 h 0 min after the deadline"
    )


def test_a_batch_that_had_ended_in_time_is_not_called_late():
    sent = batch(BatchState.SENT, upstream_id="msgbatch_1")

    assert cause(sent, after=240, ended={"msgbatch_1": NOON - 360}) == (
        "the worker did not run: it had ended 6 min before the deadline, and nobody looked"
    )


@pytest.mark.parametrize("ended", [{}, {"msgbatch_1": NOON + 60}, {"msgbatch_1": None}])
def test_a_batch_that_had_not_ended_in_time_is_late_whoever_slept(ended):
    sent = batch(BatchState.SENT, upstream_id="msgbatch_1")

    assert cause(sent, after=2 * HOUR, ended=ended).startswith("the batch was late: 4 h 0 min")


def test_a_cause_that_no_worker_could_clear_is_named_even_if_it_slept():
    assert cause(batch(BatchState.HELD, hold=Hold.BUDGET), after=HOUR) == "waited for a budget"


def test_a_stopped_lane_is_named_with_its_reason():
    words = "the lane was stopped: credit is used up"

    assert cause(batch(BatchState.SEALED), stopped="credit is used up") == words
    assert cause(retries=3, stopped="credit is used up") == words


def test_what_most_of_the_missing_requests_waited_for_counts():
    late, held = batch(BatchState.SENT, requests=99), batch(BatchState.HELD, hold=Hold.BUDGET)

    assert cause(late, held).startswith("the batch was late")
    assert cause(late, held, retries=100) == "requests had to be tried again"


def test_an_output_that_is_written_late_is_a_miss_too():
    assert cause() == "the output was written late"


def test_a_rescue_that_did_not_help_is_named():
    late = batch(BatchState.SENT)
    recalled = batch(BatchState.SENT, cancel_asked_at=NOON - 300)

    assert cause(late, has_rescue=True).endswith("; its rescue had too little left")
    assert cause(recalled, has_rescue=True).endswith("; the rescue took too long")
