"""Leases and moves: whoever lost the epoch can do nothing."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backburner.errors import LeaseLost, MoveRefused, NotFound, StoreUnusable
from backburner.nouns.batch import MOVES, BatchState, Fence
from backburner.store.batches import batch_by_nonce, batch_get, batches_of_run
from backburner.store.claimed_batches import (
    batch_arm,
    batch_claim,
    batch_move,
    batch_renew,
    batch_rest,
)
from backburner.store.lanes import lane_claim, lane_rest
from backburner.store.leases import CLAIMABLE, leases_free_dead, leases_next_due
from backburner.store.waiting_batches import (
    batches_ask_cancel,
    batches_bring_forward,
    batches_release,
)

TTL = 120.0
QUIET = 900.0
LANES = ("default",)


@pytest.fixture
def claim(store, now):
    def take(at=0.0, owner="me"):
        with store.write() as tx:
            return batch_claim(tx, LANES, owner=owner, now=now + at, ttl=TTL)

    return take


@pytest.fixture
def released(new_batch):
    return new_batch(state=BatchState.RELEASED)


def test_the_one_due_longest_is_claimed_first(new_batch, claim, now):
    late = new_batch(state=BatchState.RELEASED, due_at=now - 1)
    long_due = new_batch(state=BatchState.SENT, due_at=now - 50)
    new_batch(state=BatchState.RELEASED, due_at=now + 50)

    assert [claim().id, claim().id] == [long_due, late]
    assert claim() is None


@pytest.mark.parametrize("state", BatchState)
def test_only_what_a_worker_can_act_on_is_claimed(new_batch, claim, state):
    new_batch(state=state)

    assert (claim() is not None) == (state in CLAIMABLE)


def test_a_claim_raises_the_epoch_and_lasts_its_time(released, claim, now):
    first = claim()
    assert (first.epoch, first.lease_until) == (1, now + TTL)
    assert claim(TTL - 1) is None

    second = claim(TTL, owner="other")

    assert (second.id, second.epoch) == (released, 2)


def test_a_stale_epoch_never_succeeds(released, store, claim, now, get):
    stale = claim()
    claim(TTL, owner="other")

    for attempt in (
        lambda tx: batch_renew(tx, stale, now + 999),
        lambda tx: batch_rest(tx, stale, now),
        lambda tx: batch_move(tx, stale, BatchState.SEALED),
        lambda tx: batch_arm(tx, stale, Fence("", None), now=now, quiet=QUIET, ttl=TTL),
    ):
        before = get(released)
        with pytest.raises(LeaseLost), store.write() as tx:
            attempt(tx)
        assert get(released) == before


@pytest.mark.parametrize("at", BatchState)
@pytest.mark.parametrize("to", BatchState)
def test_only_the_moves_of_the_table_are_made(new_batch, store, get, at, to):
    batch = get(new_batch(state=at))

    if to in MOVES[at]:
        with store.write() as tx:
            assert batch_move(tx, batch, to).state is to
        return
    with pytest.raises(MoveRefused), store.write() as tx:
        batch_move(tx, batch, to)
    assert get(batch.id).state is at


def test_a_move_from_a_state_that_is_past_is_refused(released, store, claim, get):
    batch = claim()
    with store.write() as tx:
        batch_move(tx, batch, BatchState.SEALED)

    with pytest.raises(LeaseLost), store.write() as tx:
        batch_move(tx, batch, BatchState.ARMED)
    assert get(released).state is BatchState.SEALED


@pytest.mark.usefixtures("released")
def test_arming_stretches_the_lease_over_the_time_of_a_slow_answer(store, claim, now):
    batch = claim()

    with store.write() as tx:
        armed = batch_arm(tx, batch, Fence("f", 5.0), now=now + 1, quiet=QUIET, ttl=TTL)

    assert armed.state is BatchState.ARMED
    assert (armed.armed_at, armed.fence) == (now + 1, "f")
    assert armed.lease_until == armed.due_at == now + 1 + QUIET


@pytest.mark.parametrize(("left", "arms"), [(TTL / 2, True), (TTL / 2 - 0.01, False), (-5, False)])
def test_arming_needs_half_a_lease(released, store, claim, get, left, arms):
    batch = claim()
    at = batch.lease_until - left

    if arms:
        with store.write() as tx:
            batch_arm(tx, batch, Fence("", None), now=at, quiet=QUIET, ttl=TTL)
        return
    with pytest.raises(LeaseLost), store.write() as tx:
        batch_arm(tx, batch, Fence("", None), now=at, quiet=QUIET, ttl=TTL)
    assert get(released).state is BatchState.RELEASED


def test_only_sealed_batches_are_released(new_batch, store, now, get):
    ids = [new_batch(state=state) for state in BatchState]

    with store.write() as tx:
        assert batches_release(tx, ids, now) == 1

    assert [get(one).state for one in ids].count(BatchState.RELEASED) == 2


def test_bringing_forward_touches_only_what_is_sent_and_later(new_batch, store, now, get):
    sent = new_batch(state=BatchState.SENT, upstream_id="a", due_at=now + 99)
    ended = new_batch(state=BatchState.ENDED, upstream_id="b", due_at=now + 99)

    with store.write() as tx:
        assert batches_bring_forward(tx, ["a", "b", "c"], now) == 1
    assert (get(sent).due_at, get(ended).due_at) == (now, now + 99)


def test_a_wish_to_cancel_is_noted_once_and_makes_due(new_batch, store, now, get):
    batch = new_batch(state=BatchState.SENT, due_at=now + 99)

    for at in (now, now + 5):
        with store.write() as tx:
            batches_ask_cancel(tx, [batch], at)

    assert (get(batch).cancel_asked_at, get(batch).due_at) == (now, now)


def test_a_nonce_is_unique(new_batch):
    new_batch(nonce="abcdefghijkl")

    with pytest.raises(StoreUnusable, match="UNIQUE"):
        new_batch(nonce="abcdefghijkl")


def test_an_upstream_id_is_unique(new_batch):
    new_batch(upstream_id="msgbatch_1")

    with pytest.raises(StoreUnusable, match="UNIQUE"):
        new_batch(upstream_id="msgbatch_1")


def test_batches_of_a_run_are_in_the_order_of_its_requests(new_batch, store):
    for first in (6, 0, 3):
        new_batch(first_request=first)

    with store.read() as tx:
        assert [batch.first_request for batch in batches_of_run(tx, "r1")] == [0, 3, 6]


def test_a_batch_is_found_by_number_and_nonce_or_not_at_all(new_batch, store):
    number = new_batch(nonce="abcdefghijkl")

    with store.read() as tx:
        assert batch_by_nonce(tx, "abcdefghijkl") == batch_get(tx, number)
        assert batch_by_nonce(tx, "nothing") is None
        with pytest.raises(NotFound):
            batch_get(tx, 999)


def test_leases_of_the_dead_are_freed_and_those_of_the_living_are_not(new_batch, store, now, claim):
    for _ in range(2):
        new_batch(state=BatchState.RELEASED)
    alive, dead = claim(owner="alive"), claim(owner="dead")

    with store.write() as tx:
        assert leases_free_dead(tx, now + 1, lambda owner: owner == "alive") == 1

    assert claim(1).id == dead.id
    assert claim(1) is None
    assert alive.owner == "alive"


def test_what_is_held_is_due_when_its_lease_ends(store, new_batch, claim, now):
    new_batch(state=BatchState.RELEASED, due_at=now - 500)
    with store.write() as tx:
        lane = lane_claim(tx, LANES, owner="me", now=now, ttl=TTL)
        lane_rest(tx, lane, now + 5000)
    claim()

    with store.read() as tx:
        assert leases_next_due(tx, LANES) == now + TTL
        assert leases_next_due(tx, ("no such lane",)) is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["claim", "move", "rest", "renew", "arm", "wait"]),
        st.integers(0, 2),
        st.sampled_from(BatchState),
    ),
    max_size=25,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps)
def test_epochs_only_rise_and_only_their_holder_moves_the_batch(new_batch, store, now, get, plan):
    batch_id = new_batch(state=BatchState.RELEASED)
    held = {}
    at = now
    for what, worker, state in plan:
        before = get(batch_id)
        mine = held.get(worker)
        try:
            with store.write() as tx:
                if what == "claim":
                    taken = batch_claim(tx, LANES, owner=str(worker), now=at, ttl=TTL)
                    if taken is not None and taken.id == batch_id:
                        held[worker] = taken
                elif what == "wait":
                    at += 70
                elif mine is None:
                    continue
                elif what == "move":
                    held[worker] = batch_move(tx, mine, state)
                elif what == "rest":
                    batch_rest(tx, mine, at)
                elif what == "renew":
                    held[worker] = batch_renew(tx, mine, at + TTL)
                else:
                    held[worker] = batch_arm(
                        tx, mine, Fence("", None), now=at, quiet=QUIET, ttl=TTL
                    )
        except (LeaseLost, MoveRefused):
            assert get(batch_id) == before
            continue
        after = get(batch_id)
        assert after.epoch >= before.epoch
        if after.state is not before.state:
            assert after.state in MOVES[before.state]
            assert mine.epoch == before.epoch
    assert dataclasses.is_dataclass(get(batch_id))
