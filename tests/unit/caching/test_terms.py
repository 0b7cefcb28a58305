"""Terms of caching: what a mark costs and saves, and when it breaks even."""

from datetime import date

import pytest

from backburner.nouns.batch import Via
from backburner.nouns.tariff import ModelPrice, Rates
from backburner.plan.caching.terms import (
    HitRates,
    Ttl,
    break_even,
    cache_minimum,
    cache_terms,
)

SHORT, LONG = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR
MANY = 1_000_000_000


@pytest.mark.parametrize(
    ("ttl", "read", "percent"),
    [
        (SHORT, 100, {2: 43.5, 3: 32.6, 5: 27.2, 10: 24.2, MANY: 21.7}),
        (LONG, 100, {3: 78.9, 5: 65.8, 10: 58.5, MANY: 52.6}),
        (SHORT, 50, {2: 41.7, 3: 31.2, 5: 26.0, 10: 23.1, MANY: 20.8}),
        (LONG, 50, {3: 76.9, 5: 64.1, 10: 57.0, MANY: 51.3}),
    ],
)
def test_a_mark_breaks_even_at_the_known_hit_rates(terms, ttl, read, percent):
    for requests, rate in percent.items():
        found = break_even(terms(read=read), requests, ttl)

        assert found is not None
        assert float(found) * 100 == pytest.approx(rate, abs=0.051)
        assert terms(read=read, hit=float(found) + 0.001).gain(requests, ttl) > 0
        assert terms(read=read, hit=float(found) - 0.001).gain(requests, ttl) < 0


def test_an_hour_for_two_requests_never_pays(terms):
    assert break_even(terms(), 2, LONG) is None
    assert break_even(terms(read=50), 2, LONG) is None
    assert terms(hit=1).gain(2, LONG) < 0


def test_one_request_has_nothing_to_read(terms):
    assert break_even(terms(), 1, SHORT) is None
    assert terms().gain(1, SHORT) < 0
    assert terms().gain(0, SHORT) == 0


@pytest.mark.parametrize(
    ("ttl", "read", "costs"),
    [
        (SHORT, 100, (0.905, 0.56, 0.215, 0.123)),
        (LONG, 100, (1.43, 0.86, 0.29, 0.138)),
        (SHORT, 50, (0.89, 0.53, 0.17, 0.074)),
        (LONG, 50, (1.415, 0.83, 0.245, 0.089)),
    ],
)
def test_a_token_used_again_costs_what_the_hit_rate_makes_of_it(terms, ttl, read, costs):
    for hit, expected in zip((0.3, 0.6, 0.9, 0.98), costs, strict=True):
        each = terms(read=read, hit=hit)

        again = each.tokens(each.cached(1_001, ttl) - each.cached(1, ttl)) / 1_000

        assert float(again) == pytest.approx(expected, abs=0.0005)


def test_the_batch_discount_changes_no_factor():
    def rates(half):
        return Rates(
            input=1_000_000 // half,
            output=0,
            cache_write_5m=1_250_000 // half,
            cache_write_1h=2_000_000 // half,
            cache_read=100_000 // half,
        )

    price = ModelPrice(
        model="claude-haiku-4-5",
        sync=rates(1),
        batch=rates(2),
        as_of=date(2026, 8, 21),
        source="a test",
    )
    hits = HitRates(five_minutes=0.6, one_hour=0.7)
    sync, batch = (cache_terms(price.rates(0, via), 4_096, hits) for via in (Via.DIRECT, Via.BATCH))

    assert sync.tokens(sync.gain(9, LONG)) == batch.tokens(batch.gain(9, LONG))
    assert batch.hits == hits
    assert batch.minimum_tokens == 4_096


@pytest.mark.parametrize(
    ("model", "counted", "estimated"),
    [
        ("claude-opus-5-5", 512, 589),
        ("claude-sonnet-5", 1_024, 1_178),
        ("claude-sonnet-4-6", 2_048, 2_356),
        ("claude-opus-4-7", 4_096, 4_711),
        ("claude-haiku-4-5-20251001", 4_096, 4_711),
        ("claude-new-7", 4_096, 4_711),
    ],
)
def test_the_shortest_prefix_is_that_of_the_model_and_more_of_an_estimate(
    model, counted, estimated
):
    assert cache_minimum(model, estimated=False) == counted
    assert cache_minimum(model, estimated=True) == estimated


def test_free_input_saves_no_tokens(terms):
    free = terms(input=0, read=0, write_5m=0, write_1h=0)

    assert free.tokens(free.gain(10, SHORT)) == 0


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_hit_rate_is_between_0_and_1(rate):
    with pytest.raises(ValueError, match="between 0 and 1"):
        HitRates(five_minutes=rate, one_hour=0.5)


def test_a_negative_rate_is_refused(terms):
    with pytest.raises(ValueError, match="negative"):
        terms(read=-1)
