"""Lanes: pinned to one upstream, leased like batches, and never deaf to a wake-up."""

import pytest

from backburner.errors import LanePinned, LeaseLost
from backburner.store.lanes import (
    lane_claim,
    lane_fence,
    lane_get,
    lane_look,
    lane_open,
    lane_pin,
    lane_pin_workspace,
    lane_rest,
    lane_stop,
    lane_wake,
)

TTL = 120.0


@pytest.fixture
def claim(store, now):
    def take(at=0.0, names=("default",)):
        with store.write() as tx:
            return lane_claim(tx, names, owner="me", now=now + at, ttl=TTL)

    return take


@pytest.fixture
def due(store, now):
    def read():
        with store.read() as tx:
            return lane_get(tx, "default").due_at - now

    return read


def test_a_lane_stays_with_its_upstream(store, now):
    with store.write() as tx:
        lane_pin(tx, "default", "http://emulator", now)
        with pytest.raises(LanePinned, match="http://emulator"):
            lane_pin(tx, "default", "https://api.anthropic.com", now)


def test_a_lane_stays_in_its_workspace(store):
    with store.write() as tx:
        lane_pin_workspace(tx, "default", "wrkspc_1")
        lane_pin_workspace(tx, "default", "wrkspc_1")
        with pytest.raises(LanePinned, match="wrkspc_1"):
            lane_pin_workspace(tx, "default", "wrkspc_2")


def test_one_worker_has_a_lane_at_a_time(claim):
    first = claim()

    assert claim(TTL - 1) is None
    assert claim(TTL).epoch == first.epoch + 1


def test_a_stale_epoch_cannot_fence_or_rest(store, claim, now):
    stale = claim()
    claim(TTL)

    for act in (lane_fence, lambda tx, lane: lane_rest(tx, lane, now + 5)):
        with pytest.raises(LeaseLost), store.write() as tx:
            act(tx, stale)


def test_resting_gives_the_lease_back_until_the_time_named(store, claim, due, now):
    lane = claim()
    with store.write() as tx:
        lane_rest(tx, lane, now + 500, {"polled_at": now}, faults=2)

    assert due() == 500
    assert claim(499) is None
    again = claim(500)
    assert (again.polled_at, again.faults) == (now, 2)


@pytest.mark.parametrize("woken", [-5, 0, 3])
def test_a_wake_up_during_a_step_is_not_lost(store, claim, due, now, woken):
    lane = claim()
    with store.write() as tx:
        lane_wake(tx, "default", now + woken)
    with store.write() as tx:
        lane_rest(tx, lane, now + 500)

    assert due() == woken


def test_waking_never_puts_off(store, due, now):
    with store.write() as tx:
        lane_wake(tx, "default", now + 999)

    assert due() == 0


def test_a_stopped_lane_stays_so_however_often_somebody_asks(store, now):
    with store.write() as tx:
        lane_stop(tx, "default", "no credit")
        lane_look(tx, "default", now)
        lane_stop(tx, "default", "no key")
        assert lane_get(tx, "default").reason == "no credit"

        lane_open(tx, "default")
        assert lane_get(tx, "default").state == "open"


def test_only_the_lanes_asked_for_are_claimed(store, now, claim):
    with store.write() as tx:
        lane_pin(tx, "other", "http://emulator", now - 50)

    assert claim(names=("default",)).name == "default"
    assert claim(names=("default",)) is None
    assert claim(names=("default", "other")).name == "other"
