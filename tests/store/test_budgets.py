"""Budgets in the store: all or nothing, never beyond the limit, whoever comes at the same time."""

import threading

import pytest
from sqlalchemy import update

from backburner.nouns.batch import BatchState
from backburner.nouns.budget import MOST, WorstCase
from backburner.store.batches import batch_get
from backburner.store.budgets import (
    budget_book,
    budget_drop,
    budget_put,
    budgets_all,
    budgets_in,
    day_open,
    is_any_budget,
    reservations_end,
    reserve,
    reserve_anyway,
    room_made,
    worst_cases_forget,
    worst_cases_of,
    worst_cases_put,
)
from backburner.store.claimed_batches import batch_claim, batch_move
from backburner.store.invariants import breaches
from backburner.store.rescues import rescue_considered, rescue_pass_over
from backburner.store.schema import lane
from backburner.store.waiting_batches import batches_call_back, batches_release

NOW = 1_790_000_000.0
BOTH = {"lane:default": 40, "tag:seo": 40}


@pytest.fixture
def limits(store):
    """Sets limits: one hundred for the lane, fifty for a tag."""
    with store.write() as tx:
        budget_put(tx, "lane:default", 100, NOW)
        budget_put(tx, "tag:seo", 50, NOW)


@pytest.fixture
def look(store):
    """What is reserved and spent, by scope; it is what the reservations add up to."""

    def read():
        with store.read() as tx:
            assert [one for one in breaches(tx) if one.name.split()[0] == "budget"] == []
            return {one.scope: (one.reserved, one.spent) for one in budgets_all(tx)}

    return read


def reserved(store, batch, taken=None):
    with store.write() as tx:
        done = reserve(tx, batch, taken or BOTH)
        if done:
            batches_release(tx, [batch], NOW)
    return done


@pytest.mark.usefixtures("limits")
def test_what_fits_is_reserved_under_every_scope(store, new_batch, look):
    assert reserved(store, new_batch())

    assert look() == {"lane:default": (40, 0), "tag:seo": (40, 0)}


@pytest.mark.usefixtures("limits")
def test_what_does_not_fit_under_one_scope_is_reserved_under_none(store, new_batch, look):
    reserved(store, new_batch())

    assert not reserved(store, new_batch())
    assert look() == {"lane:default": (40, 0), "tag:seo": (40, 0)}


@pytest.mark.usefixtures("limits")
def test_what_is_left_to_the_last_picodollar_fits(store, new_batch, look):
    assert reserved(store, new_batch(), {"lane:default": 100})
    assert not reserved(store, new_batch(), {"lane:default": 1})
    assert look()["lane:default"] == (100, 0)


@pytest.mark.usefixtures("limits")
def test_two_connections_never_reserve_the_same_money(open_store, new_batch, look):
    stores = [open_store() for _ in range(4)]
    batches = [[new_batch() for _ in range(10)] for _ in stores]
    won = []

    def take(other, mine):
        won.extend(one for one in mine if reserved(other, one, {"lane:default": 9}))

    threads = [
        threading.Thread(target=take, args=pair) for pair in zip(stores, batches, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 11
    assert look()["lane:default"] == (99, 0)


@pytest.mark.usefixtures("limits")
def test_what_was_paid_takes_the_place_of_what_was_reserved(store, new_batch, look):
    batch = new_batch()
    reserved(store, batch)

    with store.write() as tx:
        for scope in BOTH:
            budget_book(tx, batch, scope, 7)
        assert reservations_end(tx, batch) == 2

    assert look() == {"lane:default": (0, 7), "tag:seo": (0, 7)}


@pytest.mark.usefixtures("limits")
def test_a_late_bill_is_added(store, new_batch, look):
    batch = new_batch()
    reserved(store, batch)
    with store.write() as tx:
        budget_book(tx, batch, "tag:seo", 7)
        reservations_end(tx, batch)

    with store.write() as tx:
        budget_book(tx, batch, "tag:seo", 5)

    assert look()["tag:seo"] == (0, 12)


@pytest.mark.usefixtures("limits")
def test_what_was_spent_is_not_there_to_be_reserved(store, new_batch):
    paid = new_batch()
    with store.write() as tx:
        budget_book(tx, paid, "lane:default", 95)

    assert not reserved(store, new_batch(), {"lane:default": 6})
    assert reserved(store, new_batch(), {"lane:default": 5})


@pytest.mark.usefixtures("limits")
def test_more_than_a_budget_can_count_is_counted_as_the_most(store, new_batch, look):
    batches = [new_batch(), new_batch(), new_batch()]
    amounts = [MOST, MOST, 7]

    with store.write() as tx:
        for batch, amount in zip(batches, amounts, strict=True):
            reserve_anyway(tx, batch, "tag:seo", amount)
        batches_release(tx, batches, NOW)

    counted = [look()["tag:seo"]]
    for batch in batches:
        with store.write() as tx:
            reservations_end(tx, batch)
        counted.append(look()["tag:seo"])
    assert counted == [(MOST, 0), (MOST, 0), (7, 0), (0, 0)]


@pytest.mark.usefixtures("limits")
def test_one_batch_reserves_and_spends_no_more_than_can_be_counted(store, new_batch, look):
    batch = new_batch(armed_at=NOW)

    with store.write() as tx:
        for _ in range(2):
            reserve_anyway(tx, batch, "tag:seo", MOST)
            budget_book(tx, batch, "tag:seo", MOST)

    assert look()["tag:seo"] == (MOST, MOST)


def test_what_fits_a_budget_of_all_that_can_be_counted_is_given_back(store, new_batch, look):
    with store.write() as tx:
        budget_put(tx, "lane:default", MOST, NOW)
        budget_put(tx, "tag:seo", 0, NOW)

    fits = reserved(store, new_batch(), {"lane:default": MOST, "tag:seo": 1})

    assert not fits
    assert look() == {"lane:default": (0, 0), "tag:seo": (0, 0)}


@pytest.mark.usefixtures("limits")
def test_a_batch_that_is_refused_gives_its_reservation_back(store, new_batch, look):
    batch = new_batch()
    reserved(store, batch)
    with store.write() as tx:
        claimed = batch_claim(tx, ["default"], owner="me", now=NOW, ttl=100.0)

    with store.write() as tx:
        batch_move(tx, claimed, BatchState.SEALED)

    assert look() == {"lane:default": (0, 0), "tag:seo": (0, 0)}
    assert reserved(store, batch)


@pytest.mark.usefixtures("limits")
def test_a_batch_that_may_have_arrived_keeps_it(store, new_batch, look):
    batch = new_batch(armed_at=NOW)
    reserved(store, batch, {"lane:default": 40})
    with store.write() as tx:
        claimed = batch_claim(tx, ["default"], owner="me", now=NOW, ttl=100.0)

    with store.write() as tx:
        batch_move(tx, claimed, BatchState.SEALED, is_doubted=True)

    assert look()["lane:default"] == (40, 0)
    assert reserved(store, batch, {"lane:default": 40})
    assert look()["lane:default"] == (80, 0)


@pytest.mark.usefixtures("limits")
def test_batches_that_are_called_back_give_theirs_back(store, new_batch, look):
    reserved(store, new_batch())

    with store.write() as tx:
        assert batches_call_back(tx, "default") == 1

    assert look() == {"lane:default": (0, 0), "tag:seo": (0, 0)}


@pytest.mark.usefixtures("limits")
def test_a_batch_that_is_closed_unsent_gives_its_reservation_back(store, new_batch, look):
    reserved(store, new_batch())
    with store.write() as tx:
        claimed = batch_claim(tx, ["default"], owner="me", now=NOW, ttl=100.0)

    with store.write() as tx:
        batch_move(tx, claimed, BatchState.DONE, {"outcomes": b"x"})

    assert look() == {"lane:default": (0, 0), "tag:seo": (0, 0)}


@pytest.mark.usefixtures("limits")
def test_room_wakes_the_lanes_in_which_a_batch_waits_for_it(store, new_batch):
    batch = new_batch()
    reserved(store, batch)
    new_batch(state=BatchState.HELD, hold="budget")
    with store.write() as tx:
        tx.execute(update(lane).values(due_at=NOW + 500))

    with store.write() as tx:
        reservations_end(tx, batch)

    with store.read() as tx:
        assert tx.exec_driver_sql("SELECT due_at FROM lane").scalar_one() < NOW


def test_what_a_rescue_passed_over_is_looked_at_anew_when_it_has_room(store, new_batch):
    asked, passed = new_batch(), new_batch()
    with store.write() as tx:
        budget_put(tx, "rescue:r1", 50, NOW)
        budget_put(tx, "lane:default", 50, NOW)
        reserve(tx, asked, {"rescue:r1": 40, "lane:default": 40})
        rescue_pass_over(tx, passed, "rescue:r1")
        tx.execute(update(lane).values(due_at=NOW + 500))
        room_made(tx, ["lane:default"])
        before = rescue_considered(tx, "rescue:r1")

    with store.write() as tx:
        reservations_end(tx, asked)

    with store.read() as tx:
        assert before == {asked, passed}
        assert rescue_considered(tx, "rescue:r1") == set()
        assert tx.exec_driver_sql("SELECT due_at FROM lane").scalar_one() < NOW


@pytest.mark.usefixtures("limits")
def test_nobody_is_woken_for_what_waits_for_a_person(store, new_batch):
    batch = new_batch()
    reserved(store, batch)
    new_batch(state=BatchState.HELD, hold="person")
    with store.write() as tx:
        tx.execute(update(lane).values(due_at=NOW + 500))

    with store.write() as tx:
        reservations_end(tx, batch)

    with store.read() as tx:
        assert tx.exec_driver_sql("SELECT due_at FROM lane").scalar_one() == NOW + 500


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("UPDATE budget SET reserved = reserved + 1", "has reserved what its reservations add up"),
        ("UPDATE budget SET spent = 1", "has spent what was paid under it"),
        ("UPDATE budget SET amount = -1", "is nowhere below zero"),
        ("UPDATE reservation SET paid = -1", "is nowhere below zero"),
        ("UPDATE batch SET results = 'r'", "is settled with its budgets"),
        ("UPDATE batch SET state = 'sealed'", "has reserved nothing"),
    ],
)
def test_books_that_do_not_agree_are_found(store, new_batch, changes, said):
    reserved(store, new_batch())
    with store.read() as tx:
        assert breaches(tx) == []

    with store.write() as tx:
        tx.exec_driver_sql(changes)

    with store.read() as tx:
        assert said in " ".join(str(one) for one in breaches(tx))


@pytest.mark.usefixtures("limits")
def test_a_limit_is_changed_and_what_is_taken_stays(store, new_batch, look):
    reserved(store, new_batch())

    with store.write() as tx:
        assert not budget_put(tx, "tag:seo", 10, NOW)

    with store.read() as tx:
        assert budgets_in(tx, ["tag:seo"])["tag:seo"].left == -30
    assert look()["tag:seo"] == (40, 0)


@pytest.mark.usefixtures("limits")
def test_a_limit_is_lifted_with_its_reservations(store, new_batch, look):
    reserved(store, new_batch())

    with store.write() as tx:
        assert budget_drop(tx, "tag:seo")
        assert not budget_drop(tx, "tag:seo")

    assert look() == {"lane:default": (40, 0)}


def test_each_day_has_the_limit_of_days(store, look):
    with store.write() as tx:
        day_open(tx, "day:2026-11-21", NOW)
        budget_put(tx, "day", 10, NOW)
        day_open(tx, "day:2026-11-22", NOW)
        day_open(tx, "day:2026-11-22", NOW)
        budget_put(tx, "day", 20, NOW)

    assert set(look()) == {"day", "day:2026-11-22"}
    with store.read() as tx:
        assert {one.amount for one in budgets_all(tx)} == {20}
    with store.write() as tx:
        budget_drop(tx, "day")
        assert not is_any_budget(tx)


def test_worst_cases_are_kept_replaced_and_forgotten(store, new_batch):
    batch = new_batch()
    case = WorstCase(run="r1", requests=3, unbounded=1, amount=5)

    with store.write() as tx:
        worst_cases_put(tx, batch, [WorstCase(run="r1", requests=9, unbounded=9, amount=9)])
        worst_cases_put(tx, batch, [case])

    with store.read() as tx:
        assert worst_cases_of(tx, batch) == [case]
        assert batch_get(tx, batch).state is BatchState.SEALED
    with store.write() as tx:
        worst_cases_forget(tx, batch)
        assert worst_cases_of(tx, batch) == []
