"""Each decision says why, with its numbers."""

import pytest
from hypothesis import given, settings

from backburner.plan.caching.breakpoints import plan_marks
from backburner.plan.caching.explaining import Reason, best_mark, decisions, sentence
from backburner.plan.caching.terms import BOTH, Ttl, break_even
from backburner.plan.caching.trie import ROOT, Trie, trie_of

from .conftest import tries, usual

SHORT, LONG = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR


@pytest.mark.parametrize("requests", [2, 3, 5, 10, 1_000])
@pytest.mark.parametrize("ttl", [SHORT, LONG])
@pytest.mark.parametrize("hit", [0.2, 0.3, 0.6, 0.8, 0.95])
def test_one_shared_prefix_is_marked_above_its_break_even_alone(terms, requests, ttl, hit):
    at = terms(hit=hit)

    found = best_mark(10_000, requests, at, (ttl,))

    even = break_even(at, requests, ttl)
    assert found.is_marked is (even is not None and hit > even)


@pytest.mark.parametrize(("hit", "hour"), [(0.5, 0.70), (0.7, 0.82), (0.9, 0.94)])
def test_an_hour_is_chosen_where_its_hit_rate_is_enough_higher(terms, hit, hour):
    many = 1_000_000

    assert best_mark(9_000, many, terms(hit=hit, one_hour=hour + 0.01)).ttl is LONG
    assert best_mark(9_000, many, terms(hit=hit, one_hour=hour - 0.01)).ttl is SHORT


def test_a_sentence_says_what_a_mark_saves(terms):
    found = best_mark(10_000, 500, terms(hit=0.6, minimum=2_356), (SHORT,))

    assert sentence(found) == (
        "10,000 tokens shared by 500 requests: a 5m mark saves about 2,193,100 input tokens "
        "at a hit rate of 60% (a 5m mark pays above 22%)."
    )


def test_a_sentence_says_why_there_is_no_mark(terms):
    short = best_mark(900, 500, terms(hit=0.6, minimum=1_178))
    few = best_mark(9_000, 2, terms(), (LONG,))
    unlucky = best_mark(9_000, 500, terms(hit=0.3), (LONG,))

    assert sentence(short) == (
        "900 tokens shared by 500 requests: no mark, nothing under 1,178 tokens is sure to be "
        "cached."
    )
    assert sentence(few) == (
        "9,000 tokens shared by 2 requests: no mark, too few requests to earn back what writing "
        "costs."
    )
    assert sentence(unlucky) == (
        "9,000 tokens shared by 500 requests: no mark, a hit rate of 30% is too low (a 1h mark "
        "pays above 53%)."
    )


def test_users_own_marks_are_named(terms):
    trie = Trie(
        parents=[ROOT, ROOT],
        tokens=[9_000, 8_000],
        requests=[20, 30],
        own=bytes([1, 0]),
        free=bytes([3, 0]),
    )

    found = list(decisions(trie, plan_marks(trie, terms()), terms()))

    assert [one.reason for one in found] == [Reason.OWN_MARK, Reason.NO_MARK_FREE]
    assert "its own 5m mark, which is kept" in sentence(found[0])
    assert "all the marks they may" in sentence(found[1])


def test_a_path_with_more_borders_than_marks_says_where_they_went(terms):
    levels = 6
    trie = trie_of(
        [*((f"level {n}", 2_000) for n in range(levels - row)), (row, 10)] for row in range(levels)
    )

    found = list(decisions(trie, plan_marks(trie, terms(), BOTH, 2), terms()))

    assert [one.reason for one in found].count(Reason.PAYS) == 2
    assert Reason.ELSEWHERE in [one.reason for one in found]


@settings(deadline=None)
@given(tries(12), usual)
def test_what_the_decisions_save_is_what_the_plan_saves(trie, terms):
    plan = plan_marks(trie, terms)

    marked = [one for one in decisions(trie, plan, terms) if one.is_marked]

    assert {one.node: one.ttl for one in marked} == plan.marks
    assert sum(one.saved_tokens for one in marked) == plan.saved_tokens
    assert all(sentence(one) for one in marked)
