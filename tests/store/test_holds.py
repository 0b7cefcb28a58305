"""What waits for a person, for room or for an account, and what lets it go."""

import pytest

from backburner.nouns.attempt import Attempt
from backburner.nouns.batch import BatchState, Hold
from backburner.nouns.outcome import ExceptionRow, ExceptionState, Outcome
from backburner.store.attempts import attempts_add, attempts_of
from backburner.store.batches import batch_get
from backburner.store.claimed_batches import batch_doubt
from backburner.store.exceptions import (
    exceptions_counted,
    exceptions_due,
    exceptions_put,
    exceptions_resume,
)


@pytest.fixture
def fail(store, new_batch):
    """Holds a request of a batch of its own, whose attempts failed with these error classes."""

    def insert(*errors):
        batch = new_batch()
        place = {"batch": batch, "position": 0, "outcome": Outcome.SERVER_ERROR}
        attempts = [
            Attempt(**place, attempt=number, in_batch=batch, in_position=0, error_type=error)
            for number, error in enumerate(errors, 1)
        ]
        row = ExceptionRow(
            **place,
            state=ExceptionState.HELD,
            attempts=len(errors),
            due_at=0.0,
            last_batch=batch,
            last_position=0,
        )
        with store.write() as tx:
            exceptions_put(tx, [row])
            attempts_add(tx, attempts)
        return batch

    return insert


def test_resuming_lets_go_only_what_failed_for_the_account_last(store, fail, now):
    account = fail("api_error", "billing_error")
    # Held as one whose store was restored from a backup.
    fail("billing_error", "api_error")

    with store.write() as tx:
        held = exceptions_counted(tx, "r1")
        resumed = exceptions_resume(tx, "default", now)
        due = exceptions_due(tx, "default", now, 9)
        kept = attempts_of(tx, account, 0)

    assert sorted((account, count) for _, _, account, count in held) == [(False, 1), (True, 1)]
    assert resumed == 1
    assert [(row.batch, row.attempts) for row in due] == [(account, 2)]
    assert [one.error_type for one in kept] == ["api_error", "billing_error"]


@pytest.mark.parametrize(
    ("state", "hold", "kept"),
    [
        (BatchState.HELD, Hold.CANARY, Hold.CANARY),
        (BatchState.HELD, Hold.PERSON, Hold.PERSON),
        (BatchState.SEALED, Hold.ROOM, None),
    ],
)
def test_a_doubt_keeps_a_hold_but_no_wait_for_room(store, new_batch, now, state, hold, kept):
    batch = new_batch(state=state, hold=hold)

    with store.write() as tx:
        batch_doubt(tx, batch_get(tx, batch), armed_at=now, now=now)

        assert batch_get(tx, batch).hold == kept
