"""The plan of marks is the best there is, and never dearer than none."""

from array import array

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backburner.plan.caching.breakpoints import plan_marks, saving
from backburner.plan.caching.terms import BOTH, MILLION, Ttl
from backburner.plan.caching.trie import ROOT, Trie, trie_of

from .conftest import make_terms, odd, trie_from, tries, ttls, usual
from .exact import best_cost_per_request, best_saving, expected_cost, paths

slow = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SHORT, LONG = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR


@slow
@given(tries(), usual, ttls, st.sampled_from([1, 2, 4]))
def test_no_choice_of_marks_saves_more(trie, terms, ttls, most):
    plan = plan_marks(trie, terms, ttls, most)

    assert plan.saved_tokens * terms.input == best_saving(trie, terms, ttls, most)
    assert plan.is_exact


@slow
@given(tries(6, own=True), usual, ttls)
def test_no_choice_saves_more_next_to_the_users_own_marks(trie, terms, ttls):
    plan = plan_marks(trie, terms, ttls)

    assert plan.saved_tokens * terms.input == best_saving(trie, terms, ttls, 4)


@slow
@given(tries(6), odd, ttls)
def test_no_choice_saves_more_under_odd_terms(trie, terms, ttls):
    plan = plan_marks(trie, terms, ttls)

    assert plan.saved_tokens * terms.input == (
        best_saving(trie, terms, ttls, 4) if terms.input else 0
    )


@settings(deadline=None)
@given(tries(40, own=True), odd, ttls)
def test_a_plan_is_never_dearer_than_no_plan(trie, terms, ttls):
    plan = plan_marks(trie, terms, ttls)

    own = {node: ttl for node in range(len(trie)) if (ttl := trie.own_at(node))}
    before = expected_cost(trie, own, terms)
    after = expected_cost(trie, {**own, **plan.marks}, terms)
    assert after <= before
    assert plan.saved_tokens == (terms.input and (before - after) / terms.input)


@settings(deadline=None)
@given(tries(30, own=True), usual, ttls)
def test_the_api_takes_every_planned_mark(trie, terms, ttls):
    marks = plan_marks(trie, terms, ttls).marks

    for route in paths(trie):
        mine = [node for node in route if node in marks]
        assert all(place < trie.free_at(node) for place, node in enumerate(mine))
        for place, node in enumerate(route):
            above = [marks.get(n) or trie.own_at(n) for n in route[:place]]
            assert not (marks.get(node) is LONG and SHORT in above)
            assert not (
                trie.own_at(node) is LONG and SHORT in [marks.get(n) for n in route[:place]]
            )


@slow
@given(tries(7), st.sampled_from([0, 1_024]), st.sampled_from([SHORT, LONG]))
def test_requests_that_choose_alone_do_no_better_with_four_marks(trie, minimum, ttl):
    """On paths of up to four borders; with fewer marks than borders they can."""
    if any(len(route) > 4 for route in paths(trie)):
        return
    terms = make_terms(minimum=minimum)

    plan = plan_marks(trie, terms, (ttl,))

    exact = best_cost_per_request(trie, terms, ttl, 4)
    assert expected_cost(trie, plan.marks, terms) == exact


@slow
@given(tries(6), st.sampled_from([1, 2, 4]))
def test_requests_that_choose_alone_are_never_dearer(trie, most):
    terms = make_terms()

    plan = plan_marks(trie, terms, (SHORT,), most)

    exact = best_cost_per_request(trie, terms, SHORT, most)
    assert expected_cost(trie, plan.marks, terms) >= exact


def test_an_empty_trie_has_an_empty_plan(terms):
    plan = plan_marks(trie_of([]), terms())

    assert plan.marks == {}
    assert plan.saved_tokens == 0


def test_a_shared_system_prompt_is_marked_at_its_end(terms):
    trie = trie_of([[("tools", 2_000), ("system", 3_000), (row, 50)] for row in range(100)])

    plan = plan_marks(trie, terms(minimum=4_096, hit=0.6, one_hour=0.6), (SHORT,))

    assert plan.marks == {1: SHORT}
    # 100 - (1.25 + 99 x (0.6 x 0.1 + 0.4 x 1.25)), with each of 5,000 tokens.
    assert float(plan.saved_tokens) == pytest.approx(5_000 * (100 - 1.25 - 99 * 0.56))


def test_an_outer_mark_may_be_long_and_an_inner_one_short(terms):
    groups = [[("system", 5_000), (f"file {n // 2}", 3_000), (n, 50)] for n in range(200)]

    plan = plan_marks(trie_of(groups), terms(hit=0.5, one_hour=0.98))

    assert plan.marks[0] is LONG
    assert {ttl for node, ttl in plan.marks.items() if node} == {SHORT}
    assert len(plan.marks) == 101


def test_a_users_long_mark_below_lets_no_short_one_stand_above(terms):
    trie = Trie(
        parents=[ROOT, 0, 0], tokens=[9_000, 1, 1], requests=[20, 10, 10], own=bytes([0, 2, 0])
    )

    plan = plan_marks(trie, terms(hit=0.9, one_hour=0.9))

    assert plan.marks[0] is LONG


def test_no_mark_is_added_where_users_marks_leave_no_place(terms):
    trie = Trie(parents=[ROOT], tokens=[9_000], requests=[20], free=bytes([0]))

    assert plan_marks(trie, terms()).marks == {}


def test_a_hundred_thousand_borders_in_a_row_are_no_trouble(terms):
    count = 100_000
    chain = Trie(
        parents=array("q", range(-1, count - 1)),
        tokens=array("q", [5]) * count,
        requests=array("q", [7]) * count,
    )

    assert plan_marks(chain, terms(), (SHORT,)).marks == {count - 1: SHORT}


def test_a_hundred_thousand_groups_are_planned_exactly(terms):
    groups = 100_000
    trie = trie_from([ROOT, *[0] * groups], [3_000, *[500] * groups], [0, *[4] * groups])

    plan = plan_marks(trie, terms(hit=0.9))

    assert plan.is_exact
    assert len(plan.marks) == groups + 1


def test_a_path_of_thousands_of_partings_is_thinned_and_still_saves(terms):
    count = 5_000
    trie = trie_from(range(-1, count - 1), [100] * count, [1] * count)

    plan = plan_marks(trie, terms(hit=0.9), (SHORT,))

    assert not plan.is_exact
    assert len(plan.marks) == 4
    assert plan.saved_tokens * terms().input * MILLION == saving(trie, plan.marks, terms(hit=0.9))
    # Four marks on a line of evenly leaving requests: the best stretches end at fifths of it.
    assert min(plan.marks) == pytest.approx(count / 5, rel=0.05)


@given(tries(), usual)
def test_more_marks_and_more_lifetimes_never_save_less(trie, terms):
    savings = [plan_marks(trie, terms, BOTH, most).saved_tokens for most in (0, 1, 2, 4)]

    assert savings == sorted(savings)
    assert savings[-1] >= max(plan_marks(trie, terms, (ttl,)).saved_tokens for ttl in BOTH)
