"""The table of a batch's moves: closed, without dead ends, and obeyed by the plan."""

import dataclasses
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.batch import (
    MAX_REQUESTS,
    MOVES,
    TRIES,
    Batch,
    BatchId,
    BatchState,
    Via,
    custom_id,
    request_id,
)
from backburner.plan.actions import (
    Ask,
    AskDirectly,
    CloseUnsent,
    Collect,
    CollectDirect,
    NoteDoubt,
    Resolve,
    Send,
    StayInDoubt,
)
from backburner.plan.batches import next_action
from backburner.plan.reconciling import DoubtTerms

NOW = 1_790_000_000.0
TERMS = DoubtTerms(quiet=900.0, gap=60.0)
RESTING = {BatchState.SEALED, BatchState.HELD, BatchState.DONE}


def batch_in(state, **changes):
    values = dict.fromkeys(field.name for field in dataclasses.fields(Batch))
    values |= {
        "id": BatchId(1),
        "lane": "default",
        "nonce": "abcdefghijkl",
        "attempt_try": "0",
        "state": state,
        "via": Via.BATCH,
        "requests": 1234,
        "epoch": 1,
        **changes,
    }
    return Batch(**values)


def test_every_state_has_its_moves_and_they_lead_to_known_states():
    assert set(MOVES) == set(BatchState)
    assert set().union(*MOVES.values()) <= set(BatchState)


def test_every_state_is_reached_from_sealed():
    reached, edge = {BatchState.SEALED}, [BatchState.SEALED]
    while edge:
        new = MOVES[edge.pop()] - reached
        reached |= new
        edge += new

    assert reached == set(BatchState)


def test_every_state_leads_to_an_end():
    ending = {BatchState.DONE}
    for _ in BatchState:
        ending |= {state for state, moves in MOVES.items() if moves & ending}

    assert ending == set(BatchState)
    assert not MOVES[BatchState.DONE]


def test_the_road_of_a_batch_without_trouble():
    road = ["sealed", "released", "armed", "sent", "ended", "done"]

    assert all(BatchState(to) in MOVES[BatchState(at)] for at, to in pairwise(road))


def test_nothing_that_the_upstream_may_hold_is_sent_again_without_being_resolved():
    held = (BatchState.ARMED, BatchState.UNKNOWN, BatchState.SENT, BatchState.ENDED)

    back = {state for state in held if BatchState.SEALED in MOVES[state]}

    assert back == {BatchState.ARMED, BatchState.UNKNOWN}
    assert all(BatchState.RELEASED not in MOVES[state] for state in held)


@pytest.mark.parametrize("state", BatchState)
@pytest.mark.parametrize("canceled", [None, NOW])
def test_there_is_one_thing_to_do_in_every_state_that_can_be_claimed(state, canceled):
    batch = batch_in(state, armed_at=NOW - 5, cancel_asked_at=canceled)
    if state in RESTING:
        with pytest.raises(ValueError, match=state):
            next_action(batch, now=NOW, terms=TERMS)
        return

    expected = {
        BatchState.RELEASED: Send() if canceled is None else CloseUnsent(),
        BatchState.ARMED: NoteDoubt(NOW - 5 + TERMS.quiet),
        BatchState.UNKNOWN: StayInDoubt(NOW - 5 + TERMS.quiet),
        BatchState.SENT: Ask(),
        BatchState.ENDED: Collect(),
    }
    assert next_action(batch, now=NOW, terms=TERMS) == expected[state]


@pytest.mark.parametrize("canceled", [None, NOW - 1])
def test_a_direct_batch_is_asked_until_it_is_over_and_never_looked_for(canceled):
    def action(state):
        batch = batch_in(state, via=Via.DIRECT, cancel_asked_at=canceled)
        return next_action(batch, now=NOW, terms=TERMS)

    released = AskDirectly() if canceled is None else CloseUnsent()
    assert action(BatchState.RELEASED) == released
    assert action(BatchState.SENT) == AskDirectly()
    assert action(BatchState.ENDED) == CollectDirect()


@pytest.mark.parametrize(
    ("armed", "missed", "action"),
    [
        (TERMS.quiet - 1, None, StayInDoubt(NOW + 1)),
        (TERMS.quiet, None, Resolve()),
        (TERMS.quiet + 30, 30, StayInDoubt(NOW + TERMS.gap - 30)),
        (TERMS.quiet + 60, 60, Resolve()),
    ],
)
def test_a_doubt_is_looked_into_after_quiet_and_not_twice_within_the_gap(armed, missed, action):
    batch = batch_in(
        BatchState.UNKNOWN,
        armed_at=NOW - armed,
        missed_at=None if missed is None else NOW - missed,
    )

    assert next_action(batch, now=NOW, terms=TERMS) == action


@given(st.text("abc019", min_size=12, max_size=12), st.sampled_from(TRIES), st.integers(0, 10**6))
def test_a_custom_id_is_one_that_the_api_takes_and_names_batch_try_and_position(
    nonce, attempt_try, position
):
    batch = batch_in(BatchState.SEALED, nonce=nonce, attempt_try=attempt_try)
    name = custom_id(batch.prefix, position)

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name)
    assert name[:12] == nonce
    assert name[12] == attempt_try
    assert int(name[14:]) == position
    assert request_id(nonce, position) == nonce + name[13:]


def test_custom_ids_of_a_batch_are_in_the_order_of_positions():
    names = [custom_id("a" * 13, position) for position in range(0, MAX_REQUESTS, 999)]

    assert names == sorted(names)
