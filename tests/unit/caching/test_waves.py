"""Leaders go first where time and tokens make it worth while, and close windows stay warm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.plan.caching.cadence import cadence
from backburner.plan.caching.policies import cost_with
from backburner.plan.caching.terms import Ttl
from backburner.plan.caching.trie import Trie, trie_of
from backburner.plan.caching.waves import (
    WaveReason,
    WaveTerms,
    lead_below,
    leading,
    plan_wave,
    wave_sentence,
)

from .conftest import make_terms, odd, tries

SHORT, LONG = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR
HOURS = 3_600.0


def alone(requests: int, tokens: int = 10_000) -> Trie:
    """One shared prefix, and rows of 50 tokens."""
    return trie_of([("prefix", tokens), (row, 50)] for row in range(requests))


@pytest.mark.parametrize(
    ("requests", "percent"), [(2, 27), (3, 59), (5, 75), (10, 85), (30, 90), (100, 91)]
)
def test_leading_is_cheaper_below_the_known_hit_rates(terms, requests, percent):
    found = lead_below(terms(), requests, 0.95)

    assert float(found) * 100 == pytest.approx(percent, abs=0.75)


@pytest.mark.parametrize("requests", [5, 30, 100])
def test_a_wave_is_chosen_below_that_rate_and_not_above(terms, requests):
    rate = float(lead_below(terms(), requests, 0.95))

    below, above = (
        plan_wave(alone(requests), WaveTerms(cold=terms(hit=at, one_hour=0), led_hit_rate=0.95))
        for at in (rate - 0.1, rate + 0.01)
    )

    assert below.reason is WaveReason.PAYS
    assert below.leaders == (0,)
    assert below.marks == {0: LONG}
    assert above.reason in {WaveReason.NO_CHEAPER, WaveReason.SAVES_TOO_LITTLE}
    assert above.marks == {0: SHORT}
    assert above.leaders == ()


def test_a_group_of_a_wave_costs_what_the_formula_says(terms):
    found = plan_wave(alone(10), WaveTerms(cold=terms(hit=0.3), led_hit_rate=0.95))

    per_token = 2 + 9 * (0.95 * 0.1 + 0.05 * 2)
    assert float(found.cost_tokens) == pytest.approx(10_000 * per_token + 10 * 50)


def test_leading_beats_no_caching_from_three_requests_on(terms):
    def at(requests):
        cold = terms(hit=0, one_hour=0)
        return plan_wave(alone(requests), WaveTerms(cold=cold, led_hit_rate=0.8)).reason

    assert at(2) is WaveReason.NOTHING_SHARED
    assert at(3) in {WaveReason.PAYS, WaveReason.SAVES_TOO_LITTLE}
    assert at(4) is WaveReason.PAYS


def test_a_wave_needs_time_for_two_batches(terms):
    def at(slack):
        weighed = WaveTerms(cold=terms(hit=0.3), led_hit_rate=0.95, slack_seconds=slack)
        return plan_wave(alone(100), weighed)

    assert at(1.9 * HOURS).reason is WaveReason.NO_TIME
    assert at(1.9 * HOURS).leaders == ()
    assert at(2 * HOURS).reason is WaveReason.PAYS
    assert at(None).reason is WaveReason.PAYS


def test_each_prefix_has_its_leader_and_the_outer_one_is_written_along(terms):
    trie = trie_of(
        [("system", 5_000), (f"file {row // 20}", 9_000), (row, 50)] for row in range(100)
    )
    files = [node for node in range(len(trie)) if trie.tokens[node] == 9_000]

    found = plan_wave(trie, WaveTerms(cold=terms(hit=0.3), led_hit_rate=0.95))

    assert list(found.leaders) == files
    assert found.marks == dict.fromkeys([0, *files], LONG)
    # Five leaders write the system prompt, since none of them can read it.
    again = 0.95 * 0.1 + 0.05 * 2
    outer = 5_000 * (5 * 2 + 95 * again)
    inner = 5 * 9_000 * (2 + 19 * again)
    assert float(found.cost_tokens) == pytest.approx(outer + inner + 100 * 50)


def test_a_users_own_marks_of_an_hour_are_led_too(terms):
    trie = Trie(parents=[-1], tokens=[9_000], requests=[50], own=bytes([2]), free=bytes([3]))

    found = plan_wave(trie, WaveTerms(cold=terms(hit=0.3), led_hit_rate=0.95))

    assert found.leaders == (0,)
    assert found.marks == {}


def test_nobody_leads_a_prefix_of_one_request_or_below_the_minimum():
    trie = trie_of([[("a", 9_000)], [("b", 500), (1, 10)], [("b", 500), (2, 10)]])

    assert leading(trie, {0: LONG, 1: LONG}, 1_024) == ()
    assert leading(trie, {0: LONG, 1: LONG}, 0) == (1,)


@settings(deadline=None)
@given(tries(15, own=True), odd, st.floats(0, 1))
def test_a_wave_is_never_dearer_than_the_plan_without_one(trie, terms, led):
    found = plan_wave(trie, WaveTerms(cold=terms, led_hit_rate=led))

    without = plan_wave(trie, WaveTerms(cold=terms, led_hit_rate=led, slack_seconds=0))
    assert found.cost_tokens <= without.cost_tokens <= cost_with(trie, {}, terms)
    assert without.leaders == ()
    assert (found.reason is WaveReason.PAYS) is bool(found.leaders)


def test_a_sentence_says_whether_leaders_go_first(terms):
    def said(hit, slack=None):
        weighed = WaveTerms(cold=terms(hit=hit), led_hit_rate=0.95, slack_seconds=slack)
        return wave_sentence(plan_wave(alone(100), weighed))

    assert said(0.3) == (
        "1 of 100 requests go first, and the other 99 when these have ended: saves about "
        "695,400 input tokens more."
    )
    assert said(0.3, 60.0) == (
        "All requests go at once: it would save about 695,400 input tokens, but there is no time "
        "for two batches in turn."
    )
    assert said(0.98) == "All requests go at once: one batch costs no more."


def test_windows_within_fifty_minutes_of_each_other_keep_an_entry_alive(terms):
    starts = [0, 50 * 60, 100 * 60, 151 * 60]

    found = cadence(starts, 10_000, 20, terms(one_hour=0.6), 0.95)

    assert found.warm == (False, True, True, False)
    cold = 2 + 19 * (0.6 * 0.1 + 0.4 * 2)
    warm = 20 * (0.95 * 0.1 + 0.05 * 2)
    assert float(found.cost_tokens) == pytest.approx(10_000 * (2 * cold + 2 * warm))
    assert float(found.apart_tokens) == pytest.approx(10_000 * 4 * cold)
    assert found.saved_tokens > 0


def test_only_the_first_window_of_a_steady_day_pays_for_writing(terms):
    found = cadence([at * 50 * 60 for at in range(12)], 10_000, 1, terms(), 1.0)

    assert found.cost_tokens == 10_000 * 2 + 11 * 10_000 * 0.1


def test_no_windows_cost_nothing(terms):
    assert cadence([], 10_000, 20, terms(), 0.95).cost_tokens == 0


def test_unusual_rates_can_make_leading_never_cheaper():
    assert lead_below(make_terms(write_1h=50_000), 2, 0.95) < 0
