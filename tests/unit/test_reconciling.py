"""What a look at the upstream means for a batch in doubt."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.batch import TRIES, Batch, BatchId, BatchState, Via
from backburner.plan.reconciling import (
    AwaitCandidate,
    Candidate,
    CountMiss,
    DoubtTerms,
    Examine,
    GiveToAPerson,
    OnDoubt,
    SendAgain,
    next_try,
    resolve,
)

NOW = 1_790_000_000.0
TERMS = DoubtTerms()
HEDGE = DoubtTerms(on_doubt=OnDoubt.HEDGE)

candidates = st.lists(
    st.builds(
        Candidate,
        upstream_id=st.text("abc", min_size=1),
        has_ended=st.booleans(),
        created_at=st.floats(0, NOW),
    ),
    unique_by=lambda one: one.upstream_id,
)


def batch(**changes):
    values = dict.fromkeys(field.name for field in dataclasses.fields(Batch))
    values |= {
        "id": BatchId(1),
        "state": BatchState.UNKNOWN,
        "via": Via.BATCH,
        "attempt_try": "0",
        "armed_at": NOW - 1000,
        "misses": 0,
        **changes,
    }
    return Batch(**values)


@given(candidates, st.integers(0, 5), st.sampled_from([TERMS, HEDGE]))
def test_an_ended_candidate_is_examined_before_anything_else_is_concluded(found, misses, terms):
    follows = resolve(batch(misses=misses), found, now=NOW, terms=terms)

    ended = {one.upstream_id for one in found if one.has_ended}
    assert isinstance(follows, Examine) == bool(ended)
    if isinstance(follows, Examine):
        assert follows.upstream_id in ended


@given(candidates.filter(bool), st.integers(0, 5))
def test_while_a_candidate_runs_nothing_is_sent_again(found, misses):
    follows = resolve(batch(misses=misses), found, now=NOW, terms=TERMS)

    assert isinstance(follows, Examine | AwaitCandidate)


def test_one_miss_is_counted_and_the_second_sends_again_under_the_next_try():
    assert resolve(batch(), [], now=NOW, terms=TERMS) == CountMiss(NOW + TERMS.gap)
    assert resolve(batch(misses=1), [], now=NOW, terms=TERMS) == SendAgain("1")


def test_hedge_sends_again_although_a_candidate_runs():
    running = Candidate(upstream_id="a", has_ended=False, created_at=NOW)

    assert resolve(batch(), [running], now=NOW, terms=HEDGE) == SendAgain("1", hedged=True)


def test_when_the_tries_are_used_up_a_person_is_asked():
    assert resolve(batch(misses=1, attempt_try="z"), [], now=NOW, terms=TERMS) == GiveToAPerson()


def test_each_try_has_one_after_it_but_the_last():
    assert [next_try(one) for one in TRIES] == [*TRIES[1:], None]
