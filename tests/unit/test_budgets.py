"""Budgets: scopes, words, amounts, and what a batch takes of them."""

import datetime as dt
from dataclasses import replace

import pytest

from backburner.errors import InputError
from backburner.nouns.batch import Hold
from backburner.nouns.budget import (
    Budget,
    BudgetMode,
    WorstCase,
    amount_of,
    billing_of,
    mode_of,
    owner_of,
    scope_of,
    tags_of,
)
from backburner.nouns.run import Run
from backburner.plan.budgets import (
    Need,
    Paid,
    Short,
    demand,
    has_no_bound,
    next_day_at,
    scopes_of,
    shortfalls,
)

TODAY = "2026-11-22"
RUN = Run(
    id="r1",
    lane="default",
    name="in.csv",
    identity="",
    parts={},
    spec="",
    source="",
    row_map=None,
    rows=10,
    requests=10,
    collapsed=0,
    output=None,
    prefix="",
    created_at=0.0,
    finished_at=None,
    written_at=None,
    cancel_asked_at=None,
    collapsed_sync=0,
    price_date="",
    owner="ann",
    tags="nightly,seo",
)
CASE = WorstCase(run="r1", requests=10, unbounded=0, amount=1_000)


def a_budget(scope, amount=1_000, reserved=0, spent=0):
    return Budget(scope=scope, amount=amount, reserved=reserved, spent=spent, set_at=0.0)


def test_a_run_falls_under_its_run_lane_day_owner_and_tags():
    assert set(scopes_of(RUN, TODAY)) == {
        "run:r1",
        "lane:default",
        "day:2026-11-22",
        "owner:ann",
        "tag:nightly",
        "tag:seo",
    }


def test_a_run_without_labels_falls_under_three_scopes():
    assert len(scopes_of(replace(RUN, owner="", tags=""), TODAY)) == 3


def test_tags_are_sorted_and_each_stands_once():
    assert tags_of(["seo", "nightly", "seo"]) == "nightly,seo"


@pytest.mark.parametrize("word", ["two words", "a,b", "tag:a", "", "x" * 65])
def test_what_is_no_word_is_no_tag(word):
    with pytest.raises(InputError, match="is no tag"):
        tags_of([word])


def test_an_address_may_be_an_owner():
    assert owner_of("ann@example.org") == "ann@example.org"


def test_two_words_are_no_owner():
    with pytest.raises(InputError, match="is no owner"):
        owner_of("ann lee")


@pytest.mark.parametrize(
    ("text", "amount"), [("5", 5 * 10**12), ("$0.25", 25 * 10**10), ("0.000000000001", 1), ("0", 0)]
)
def test_an_amount_is_read_to_the_picodollar(text, amount):
    assert amount_of(text) == amount


@pytest.mark.parametrize("text", ["", "five", "-1", "nan", "inf", "1e9", "0.0000000000001"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InputError, match="no amount"):
        amount_of(text)


@pytest.mark.parametrize("text", ["lane:default", "tag:seo", "owner:ann", "run:k3x9qa", "day"])
def test_a_scope_is_taken(text):
    assert scope_of(text) == text


@pytest.mark.parametrize(
    "text", ["", "seo", "tag:", "tag:a b", "lane:a b", "day:2026-11-22", "team:a"]
)
def test_what_is_no_scope_is_refused(text):
    with pytest.raises(InputError, match="no scope"):
        scope_of(text)


def test_a_mode_that_there_is_not_is_refused():
    assert mode_of("worst") is BudgetMode.WORST
    with pytest.raises(InputError, match="no budget mode"):
        mode_of("best")


def test_billing_without_words_changes_nothing():
    billing = billing_of()

    assert (billing.amount, billing.mode, billing.tags, billing.owner) == (None, None, "", "")


def test_a_batch_takes_the_worst_case_of_every_scope():
    taken = demand([CASE], {"r1": RUN}, {}, TODAY)

    assert set(taken.values()) == {1_000}
    assert set(taken) == set(scopes_of(RUN, TODAY))


def test_runs_in_one_batch_take_together_what_they_share():
    other = replace(RUN, id="r2", owner="", tags="seo")
    cases = [CASE, replace(CASE, run="r2", amount=10)]

    taken = demand(cases, {"r1": RUN, "r2": other}, {}, TODAY)

    assert (taken["run:r1"], taken["run:r2"], taken["tag:nightly"]) == (1_000, 10, 1_000)
    assert taken["tag:seo"] == taken["lane:default"] == 1_010


def test_what_is_likely_is_what_answered_requests_cost():
    likely = replace(RUN, budget_mode="expected")

    taken = demand([CASE], {"r1": likely}, {"r1": Paid(requests=3, amount=100)}, TODAY)

    assert taken["run:r1"] == 334


def test_what_is_likely_is_never_more_than_the_worst_case():
    likely = replace(RUN, budget_mode="expected")

    taken = demand([CASE], {"r1": likely}, {"r1": Paid(requests=1, amount=10_000)}, TODAY)

    assert taken["run:r1"] == 1_000


def test_nothing_answered_leaves_the_worst_case():
    likely = replace(RUN, budget_mode="expected")

    assert demand([CASE], {"r1": likely}, {}, TODAY)["run:r1"] == 1_000


def test_requests_without_a_bound_stop_a_batch_unless_what_is_likely_is_enough():
    endless = [replace(CASE, unbounded=1)]

    assert has_no_bound(endless, {"r1": RUN})
    assert not has_no_bound(endless, {"r1": replace(RUN, budget_mode="expected")})
    assert not has_no_bound([CASE], {"r1": RUN})


def test_a_budget_with_exactly_enough_left_is_not_short():
    budgets = {"run:r1": a_budget("run:r1", 1_000)}

    assert shortfalls({"run:r1": 1_000}, budgets) == []
    assert len(shortfalls({"run:r1": 1_001}, budgets)) == 1


def test_what_is_reserved_and_spent_is_not_left():
    budgets = {"run:r1": a_budget("run:r1", 1_000, reserved=300, spent=300)}

    [short] = shortfalls({"run:r1": 500, "tag:seo": 1}, budgets)

    assert (short.budget.left, short.needed) == (400, 500)


def test_enough_is_all_that_is_taken_and_what_is_needed():
    budget = a_budget("run:r1", 1_000, reserved=300, spent=400)

    assert Short(budget, needed=500).enough == 1_200


@pytest.mark.parametrize(("coming_back", "is_stuck"), [(0, True), (199, True), (200, False)])
def test_a_budget_is_stuck_unless_enough_of_what_is_reserved_comes_back(coming_back, is_stuck):
    budget = a_budget("run:r1", 1_000, reserved=300, spent=400)

    assert Short(budget, needed=500).is_stuck(coming_back) == is_stuck


SHORT = Short(a_budget("run:r1", 1), needed=2)


@pytest.mark.parametrize(
    ("asked", "hold"),
    [
        (Need(taken={}), None),
        (Need(taken={"run:r1": 2}), None),
        (Need(taken={"run:r1": 2}, shorts=(SHORT,)), Hold.BUDGET),
        (Need(taken={"run:r1": 2}, has_no_bound=True), Hold.UNBOUNDED),
        (Need(taken={"run:r1": 2}, shorts=(SHORT,), has_no_bound=True), Hold.UNBOUNDED),
        (Need(taken={}, has_no_bound=True), None),
    ],
)
def test_a_batch_is_held_for_the_bound_that_it_lacks_then_for_its_budgets(asked, hold):
    assert asked.hold == hold


@pytest.mark.parametrize(
    ("now", "zone_hours", "begins"),
    [(0.0, 0, 86_400.0), (86_399.5, 0, 86_400.0), (100.0, 2, 79_200.0), (100.0, -3, 10_800.0)],
)
def test_the_next_day_begins_at_local_midnight(now, zone_hours, begins):
    zone = dt.timezone(dt.timedelta(hours=zone_hours))

    def day(at):
        return str(dt.datetime.fromtimestamp(at, zone).date())

    assert next_day_at(day, now) == begins
