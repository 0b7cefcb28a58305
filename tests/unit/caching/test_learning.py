"""Hit rates are learned with doubt, marks turn off where they lose, and trials are cheap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.plan.caching.explaining import Reason, best_mark
from backburner.plan.caching.learning import (
    HALF_LIFE,
    MOST_PER_BATCH,
    PRIORS,
    TRIAL_SHARE,
    Observation,
    Start,
    believe,
    learned_rates,
    trial,
)
from backburner.plan.caching.terms import Ttl

from .conftest import make_terms

SHORT, LONG = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR
MODEL = "claude-sonnet-4-6"
PREFIX, REQUESTS = 10_000, 500


def seen(rate: float, *, at: float = 0.0, ttl: Ttl = SHORT, **more) -> Observation:
    """A batch of many requests of which this share of tokens was read."""
    values = {
        "read_tokens": round(rate * 1_000_000),
        "written_tokens": round((1 - rate) * 1_000_000) + PREFIX,
        "first_tokens": PREFIX,
        "chances": REQUESTS,
        "model": MODEL,
        "start": Start.COLD,
        **more,
    }
    return Observation(at=at, ttl=ttl, **values)


def test_before_anything_is_known_the_guides_range_is_believed():
    prior = PRIORS[Start.COLD]

    assert prior.low(0.05) == pytest.approx(0.30, abs=0.02)
    assert prior.low(0.975) == pytest.approx(0.98, abs=0.01)
    assert prior.batches == 0
    assert "guide" in prior.source


def test_a_led_start_is_believed_to_read_nearly_all():
    assert PRIORS[Start.LED].mean == 0.95


def test_on_the_prior_alone_five_minutes_pay_and_an_hour_does_not(terms):
    rates = learned_rates([], MODEL, Start.COLD)
    at = terms(hit=rates.five_minutes, one_hour=rates.one_hour)

    assert best_mark(PREFIX, REQUESTS, at).ttl is SHORT
    assert best_mark(PREFIX, REQUESTS, at).is_marked
    assert best_mark(PREFIX, 3, at).is_marked
    assert not best_mark(PREFIX, REQUESTS, at, (LONG,)).is_marked


def test_good_batches_raise_the_rate_and_bad_ones_turn_marks_off(terms):
    good = learned_rates([seen(0.98, at=n) for n in range(5)], MODEL, Start.COLD)
    bad = learned_rates([seen(0.0)], MODEL, Start.COLD)

    assert good.five_minutes > 0.85
    at = terms(hit=bad.five_minutes, one_hour=bad.one_hour)
    assert best_mark(PREFIX, REQUESTS, at, (SHORT,)).reason is Reason.HIT_RATE_TOO_LOW


def test_the_first_writes_of_prefixes_count_neither_for_nor_against():
    alone = seen(0.0, read_tokens=0, written_tokens=PREFIX, chances=0)
    perfect = seen(1.0)

    assert alone.hit_rate is None
    assert perfect.hit_rate == 1.0
    assert believe([alone], Start.COLD).batches == 0


def test_a_huge_batch_counts_as_one_experience():
    small = believe([seen(0.5, chances=MOST_PER_BATCH)], Start.COLD)
    huge = believe([seen(0.5, chances=100_000)], Start.COLD)

    assert huge == small
    assert huge.hits + huge.misses == pytest.approx(4 + MOST_PER_BATCH)


def test_tokens_weigh_the_rate_and_not_the_certainty():
    few = believe([seen(0.7)], Start.COLD)
    many = believe(
        [seen(0.7, read_tokens=700_000_000, written_tokens=300_000_000, first_tokens=0)],
        Start.COLD,
    )

    assert many.hits == pytest.approx(few.hits)


def test_an_old_batch_counts_half_beside_one_a_half_life_newer():
    found = believe([seen(0.0, at=0), seen(1.0, at=HALF_LIFE)], Start.COLD)

    prior = PRIORS[Start.COLD]
    assert found.hits == pytest.approx(prior.hits + MOST_PER_BATCH)
    assert found.misses == pytest.approx(prior.misses + MOST_PER_BATCH / 2)


def test_what_was_learned_does_not_fade_by_itself():
    early, late = seen(0.0, at=0), seen(0.0, at=50 * HALF_LIFE)

    assert believe([early], Start.COLD) == believe([late], Start.COLD)


def test_models_lifetimes_and_starts_are_learned_apart():
    others = [
        seen(0.0, ttl=LONG),
        seen(0.0, model="claude-haiku-4-5"),
        seen(0.0, start=Start.LED),
    ]

    rates = learned_rates([seen(1.0), *others], MODEL, Start.COLD)

    assert rates.five_minutes == learned_rates([seen(1.0)], MODEL, Start.COLD).five_minutes
    assert rates.one_hour < PRIORS[Start.COLD].low()


def test_a_dated_model_is_the_same_model():
    dated = seen(0.0, model="claude-haiku-4-5-20251001")

    assert (
        learned_rates([dated], "claude-haiku-4-5", Start.COLD).five_minutes
        < PRIORS[Start.COLD].low()
    )


@given(
    st.integers(1, 50_000),
    st.integers(1, 1_000),
    st.integers(0, 10**9),
    st.sampled_from([SHORT, LONG]),
)
def test_a_trial_loses_no_more_than_its_share(prefix_tokens, requests, unmarked, ttl):
    terms = make_terms(minimum=1_024)

    found = trial(prefix_tokens, requests, terms, ttl, unmarked)

    if found is not None:
        worst = found.requests * prefix_tokens * (terms.write(ttl) - terms.input) / terms.input
        assert found.most_lost_tokens == pytest.approx(worst)
        assert found.most_lost_tokens <= TRIAL_SHARE * unmarked
        assert found.requests <= requests


def test_no_trial_is_made_of_a_prefix_that_is_too_short_or_too_rare(terms):
    plenty = 10**9

    assert trial(500, 500, terms(minimum=1_024), SHORT, plenty) is None
    assert trial(5_000, 19, terms(minimum=1_024), SHORT, plenty) is None
    assert trial(5_000, 500, terms(minimum=1_024), SHORT, 0) is None
    assert trial(5_000, 500, terms(minimum=1_024), SHORT, plenty) is not None


def lives(truth, terms, rounds=300):
    """Batch after batch with the rule as it is meant to be used; input cost beside no marks."""
    history: list[Observation] = []
    paid, unmarked, costs = 0.0, 0, []
    for number in range(rounds):
        rates = learned_rates(history[-20:], MODEL, Start.COLD)
        at = terms(hit=rates.five_minutes, one_hour=rates.one_hour)
        whole, marked = PREFIX * REQUESTS, 0
        if best_mark(PREFIX, REQUESTS, at, (SHORT,)).is_marked:
            marked = REQUESTS
        else:
            unmarked += whole
            tried = trial(PREFIX, REQUESTS, at, SHORT, unmarked)
            if tried is not None:
                marked, unmarked = tried.requests, 0
        rate = truth(number)
        writes = (1 + (marked - 1) * (1 - rate)) if marked else 0
        reads = marked - writes
        paid += PREFIX * (REQUESTS - marked + 1.25 * writes + 0.1 * reads)
        costs.append(paid / (whole * (number + 1)))
        if marked:
            history.append(
                seen(
                    0,
                    at=number * 86_400.0,
                    read_tokens=round(PREFIX * reads),
                    written_tokens=round(PREFIX * writes),
                    chances=marked - 1,
                )
            )
    return costs


def test_where_the_cache_never_helps_little_is_lost_for_good(terms):
    costs = lives(lambda _: 0.0, terms)

    assert costs[0] == pytest.approx(1.25)
    assert costs[-1] < 1.0 + float(TRIAL_SHARE) + 0.25 / 300 + 1e-9


def test_trials_find_out_that_the_cache_has_begun_to_help(terms):
    costs = lives(lambda number: 0.0 if number < 20 else 0.9, terms)

    assert costs[19] > 1.0
    assert costs[-1] < 0.5


def test_where_the_cache_helps_it_stays_on(terms):
    costs = lives(lambda _: 0.6, terms)

    assert costs[-1] == pytest.approx(0.56, abs=0.02)
