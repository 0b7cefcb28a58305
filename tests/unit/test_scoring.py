"""How forecasts are scored, and what few batches prove."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.trip import Forecast
from backburner.plan.scoring import proven, score
from backburner.plan.turnaround import prior

NOW = 1_790_000_000.0


def forecast(ended_after, *, median=400.0, late=4000.0, ago=10_000.0):
    sent_at = NOW - ago
    return Forecast(
        sent_at=sent_at,
        median=sent_at + median,
        late=sent_at + late,
        ended_at=None if ended_after is None else sent_at + ended_after,
    )


@pytest.mark.parametrize(("batches", "share"), [(29, 0.90), (59, 0.95), (299, 0.99)])
def test_so_many_without_a_miss_prove_a_share(batches, share):
    assert proven(batches, batches) == pytest.approx(share, abs=0.002)
    assert proven(batches, batches) >= share
    assert proven(batches - 1, batches - 1) < share


@given(st.integers(0, 60), st.integers(0, 60))
def test_what_is_proven_is_less_than_what_was_seen(kept, missed):
    bound = proven(kept, kept + missed)

    assert 0 <= bound <= 1
    assert not kept or bound < kept / (kept + missed) + 1e-9


def test_forecasts_are_judged_when_their_time_is_over_ended_or_not():
    scored = score([forecast(100), forecast(1000), forecast(5000), forecast(None)], NOW)

    assert (scored.batches, scored.by_median, scored.by_late) == (4, 1, 2)


def test_a_batch_that_was_fast_is_not_judged_before_its_time():
    # Its slow siblings could not be judged yet either: the fast alone would flatter.
    assert score([forecast(100, ago=1000)], NOW).batches == 0


def test_a_better_forecast_has_less_loss_than_the_prior():
    good = [forecast(3000, median=2900, late=3500) for _ in range(10)]
    worse = [forecast(3000, median=20, late=90) for _ in range(10)]

    assert score(good, NOW).loss < score(good, NOW).prior_loss
    assert score(worse, NOW).loss > score(worse, NOW).prior_loss


def test_the_priors_own_forecasts_lose_what_the_prior_does():
    own = [
        forecast(t, median=prior().quantile(0.5), late=prior().quantile(0.95)) for t in (60, 9000)
    ]

    scored = score(own, NOW)

    assert scored.loss == pytest.approx(scored.prior_loss)


@pytest.mark.parametrize(
    ("scored", "words"),
    [
        (score([], NOW), "none can be judged yet"),
        (
            score([forecast(100)] * 12, NOW),
            (
                "12 of 12 batches ended by the time forecast for 95 of 100, 12 by that for half; "
                "this proves 77 of 100 (with 95 % confidence; 59 without a miss would prove 95)"
            ),
        ),
        (
            score([*[forecast(100)] * 99, forecast(None)], NOW),
            (
                "99 of 100 batches ended by the time forecast for 95 of 100, 99 by that for half; "
                "this proves 95 of 100 (with 95 % confidence)"
            ),
        ),
    ],
)
def test_a_score_says_what_it_proves(scored, words):
    assert scored.in_words() == words
