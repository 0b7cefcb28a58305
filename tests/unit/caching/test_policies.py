"""What each way of caching costs, and that nothing is below the bound."""

import pytest
from hypothesis import given, settings

from backburner.plan.caching.breakpoints import plan_marks
from backburner.plan.caching.policies import cost_with, input_costs, mark_all, oracle_cost
from backburner.plan.caching.terms import Ttl
from backburner.plan.caching.trie import trie_of

from .conftest import make_terms, odd, tries, usual
from .exact import best_cost_per_request, legal_marks, paths

SHORT, LONG = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR


@settings(deadline=None)
@given(tries(20, own=True), odd)
def test_the_plan_is_between_the_bound_and_no_marks(trie, terms):
    costs = input_costs(trie, terms)

    assert costs.oracle <= costs.planned <= costs.unmarked


@settings(deadline=None, max_examples=40)
@given(tries(6), odd)
def test_no_marks_at_all_cost_less_than_the_bound(trie, terms):
    bound = oracle_cost(trie, terms)

    assert all(cost_with(trie, marks, terms) >= bound for marks in legal_marks(trie, tuple(Ttl), 9))


@settings(deadline=None, max_examples=40)
@given(tries(6))
def test_requests_that_choose_alone_cannot_go_below_the_bound(trie):
    terms = make_terms(minimum=1_024)

    exact = best_cost_per_request(trie, terms, SHORT, 9)

    assert exact / terms.input >= float(oracle_cost(trie, terms)) - 1e-9


@settings(deadline=None)
@given(tries(12), usual)
def test_the_plan_is_no_dearer_than_the_rule_of_thumb(trie, terms):
    costs = input_costs(trie, terms)

    assert costs.planned <= min(costs.all_5m, costs.all_1h)


@given(tries(25, own=True))
def test_the_rule_of_thumb_marks_no_more_than_is_free(trie):
    marks = mark_all(trie, LONG)

    for route in paths(trie):
        mine = [node for node in route if node in marks]
        assert all(place < trie.free_at(node) for place, node in enumerate(mine))


def grouped(rows=1_000, group=25, system=400, text=3_000):
    """A short system prompt, a text for each group of rows, and a row of 60 tokens."""
    return trie_of(
        [("system", system), (f"text {row // group}", text), (row, 60)] for row in range(rows)
    )


@pytest.mark.parametrize(
    ("hit", "all_5m", "all_1h"),
    [(0.3, 0.92, 1.44), (0.6, 0.59, 0.90), (0.9, 0.27, 0.36), (0.98, 0.18, 0.21)],
)
def test_an_hour_for_all_loses_at_a_low_hit_rate_and_the_plan_does_not(terms, hit, all_5m, all_1h):
    trie, at = grouped(), terms(hit=hit, minimum=1_024)

    costs = input_costs(trie, at, (LONG,))

    assert float(costs.all_5m / costs.unmarked) == pytest.approx(all_5m, abs=0.02)
    assert float(costs.all_1h / costs.unmarked) == pytest.approx(all_1h, abs=0.02)
    assert costs.planned == min(costs.all_1h, costs.unmarked)


def test_a_shared_prompt_of_the_article_costs_what_its_figures_say(terms):
    """10,000 tokens shared by 500 requests, Sonnet 4.6 in batches at $1.50 a million."""
    trie = trie_of([("prompt", 10_000), (row, 0)] for row in range(500))

    def dollars(ttl, reads):
        lucky = terms(hit=reads / 499)
        return float(cost_with(trie, {0: ttl}, lucky)) * 1.50 / 1_000_000

    five = [dollars(SHORT, reads) for reads in (0, 150, 300, 490, 499)]
    hour = [dollars(LONG, reads) for reads in (0, 150, 300, 490, 499)]
    assert five == pytest.approx([9.375, 6.7875, 4.20, 0.9225, 0.76725], abs=1e-4)
    assert hour == pytest.approx([15.00, 10.725, 6.45, 1.035, 0.7785], abs=1e-4)


def test_planned_marks_are_priced_at_other_hit_rates_too(terms):
    trie = grouped()
    marks = plan_marks(trie, terms(hit=0.9, minimum=1_024), (LONG,)).marks

    hoped, unlucky = (cost_with(trie, marks, terms(hit=hit, minimum=1_024)) for hit in (0.9, 0.3))

    assert hoped < trie.prompt_tokens() < unlucky
