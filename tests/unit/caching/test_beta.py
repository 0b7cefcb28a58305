"""The beta distribution against values that are known without it."""

from math import asin, comb, pi, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.plan.caching.beta import beta_below, beta_quantile

shares = st.floats(0.001, 0.999)


@given(shares, st.floats(0.1, 50))
def test_powers_have_quantiles_in_closed_form(share, power):
    assert beta_quantile(power, 1, share) == pytest.approx(share ** (1 / power), abs=1e-9)
    assert beta_quantile(1, power, share) == pytest.approx(1 - (1 - share) ** (1 / power), abs=1e-9)


@given(shares)
def test_the_arcsine_distribution_is_met(rate):
    assert beta_below(0.5, 0.5, rate) == pytest.approx(2 / pi * asin(sqrt(rate)), abs=1e-10)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), shares)
def test_whole_counts_are_binomial_sums(hits, misses, rate):
    trials = hits + misses - 1

    exact = sum(
        comb(trials, n) * rate**n * (1 - rate) ** (trials - n) for n in range(hits, trials + 1)
    )

    assert beta_below(hits, misses, rate) == pytest.approx(exact, abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.3, 500), st.floats(0.3, 500), shares)
def test_a_quantile_is_where_its_share_is_below(hits, misses, share):
    rate = beta_quantile(hits, misses, share)

    if 1e-6 < rate < 1 - 1e-6:
        assert beta_below(hits, misses, rate) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    ("hits", "misses", "share", "rate"),
    [
        (5, 2, 0.1, 0.489684),
        (2, 3, 0.5, 0.385728),
        (10, 10, 0.975, 0.711357),
        (2, 5, 0.05, 0.062850),
    ],
)
def test_printed_tables_are_met(hits, misses, share, rate):
    assert beta_quantile(hits, misses, share) == pytest.approx(rate, abs=1e-6)


@pytest.mark.parametrize(("hits", "misses", "share"), [(0, 1, 0.5), (1, -1, 0.5), (1, 1, 1.5)])
def test_what_is_no_distribution_is_refused(hits, misses, share):
    with pytest.raises(ValueError, match="no such beta"):
        beta_quantile(hits, misses, share)


def test_the_ends_are_certain():
    assert beta_below(2, 3, 0) == 0
    assert beta_below(2, 3, 1) == 1
