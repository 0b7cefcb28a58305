"""What is decided of the cache is said with the figures that it was decided on."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.tariff import Rates
from backburner.plan.caching.choices import (
    CachePlan,
    CachePolicy,
    Choice,
    Ground,
    Part,
    Shared,
    choose_marks,
    describe,
)
from backburner.plan.caching.sentences import in_words
from backburner.plan.caching.terms import CacheTerms, HitRates, Ttl, cache_terms
from backburner.plan.caching.trie import Trie, trie_of

HAIKU = "claude-haiku-4-5"
SYSTEM = "the system prompt (about 6,000 tokens, shared by 500 requests)"
RATES = Rates(
    input=500_000,
    output=2_500_000,
    cache_write_5m=625_000,
    cache_write_1h=1_000_000,
    cache_read=50_000,
)


def terms(five_minutes: float = 0.4, one_hour: float = 0.4, minimum: int = 4_096) -> CacheTerms:
    return cache_terms(RATES, minimum, HitRates(five_minutes=five_minutes, one_hour=one_hour))


def alike(requests: int, tokens: int) -> Shared:
    trie = trie_of([[("system", tokens)]] * requests)
    return Shared(model=HAIKU, trie=trie, parts=[Part.SYSTEM])


def said(shared: Shared, on: CacheTerms, policy: CachePolicy = CachePolicy.AUTO) -> list[str]:
    marks = choose_marks(shared, on, policy)
    return [in_words(one) for one in describe(shared, marks, on, policy)]


def test_a_mark_that_pays_is_said_with_both_costs_and_the_rate_it_loses_below() -> None:
    assert said(alike(500, 6_000), terms(one_hour=0.8)) == [
        (
            f"{SYSTEM} is marked for 1 hour: at "
            "the expected hit rate of 80 % that input costs $0.72 instead of $1.50; "
            "it loses below 53 %"
        )
    ]


def test_a_mark_that_would_lose_is_left_out_and_the_rate_it_pays_above_is_said() -> None:
    assert said(alike(500, 6_000), terms(five_minutes=0.1, one_hour=0.1)) == [
        (
            f"{SYSTEM} is not marked: at the "
            "expected hit rate of 10 % that input would cost $1.70 instead of $1.50; "
            "it pays above 22 %"
        )
    ]


def test_a_mark_that_a_person_asks_for_is_set_though_it_loses() -> None:
    assert said(alike(500, 6_000), terms(), CachePolicy.ALWAYS) == [
        (
            f"{SYSTEM} is marked for 1 hour, "
            "since --cache always asks for it: at the expected hit rate of 40 % that input "
            "costs $1.86 instead of $1.50; it pays above 53 %"
        )
    ]


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (
            alike(500, 800),
            (
                "the system prompt (about 800 tokens) is not marked: "
                "claude-haiku-4-5 caches from 4,096 tokens"
            ),
        ),
        (
            alike(500, 4_500),
            (
                "the system prompt (about 4,500 tokens) is not marked: "
                "claude-haiku-4-5 caches from 4,096 tokens, and this is an estimate"
            ),
        ),
        (
            alike(1, 9_000),
            "the system prompt (about 9,000 tokens) is not marked: no other request begins with it",
        ),
    ],
)
@pytest.mark.parametrize("policy", [CachePolicy.AUTO, CachePolicy.ALWAYS])
def test_what_cannot_be_cached_is_not_marked_and_it_is_said_why(
    shared: Shared, words: str, policy: CachePolicy
) -> None:
    assert said(shared, terms(minimum=4_711), policy) == [words]


def test_a_mark_of_the_callers_is_told_apart() -> None:
    whole = trie_of([[("system", 6_000)]] * 500)
    trie = replace(whole, own=bytes([1]), free=bytes([3]))
    shared = Shared(model=HAIKU, trie=trie, parts=[Part.SYSTEM])

    assert said(shared, terms()) == [
        (
            f"{SYSTEM} carries a mark of your own "
            "for 5 minutes, and is left alone: at the expected hit rate of 40 % that input "
            "costs $1.19 instead of $1.50; it loses below 22 %"
        )
    ]


def test_prefixes_that_are_alike_are_one_choice() -> None:
    paths = [[("system", 6_000), (f"document {n % 5}", 2_000)] for n in range(100)]
    trie = trie_of(paths)
    parts = [Part.SYSTEM if parent < 0 else Part.MESSAGES for parent in trie.parents]
    shared = Shared(model=HAIKU, trie=trie, parts=parts)

    words = said(shared, terms())

    assert [sentence.partition(")")[0] for sentence in words] == [
        "the system prompt (about 6,000 tokens, shared by 100 requests",
        "5 beginnings of messages (about 2,000 tokens each, 100 requests begin with one",
    ]


def test_nothing_is_said_where_nothing_was_looked_at() -> None:
    empty = Shared(model=HAIKU, trie=Trie(parents=[], tokens=[], requests=[]), parts=[])

    assert said(empty, terms()) == []


def test_a_plan_comes_back_from_its_json_as_it_was() -> None:
    shared, on = alike(500, 6_000), terms()
    marks = choose_marks(shared, on, CachePolicy.AUTO)
    choices = tuple(describe(shared, marks, on, CachePolicy.AUTO))
    plan = CachePlan(policy=CachePolicy.AUTO, choices=choices)

    assert msgspec.json.decode(msgspec.json.encode(plan), type=CachePlan) == plan


paths = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5_000)), max_size=5), max_size=20
)


@given(paths, st.floats(0, 1), st.floats(0, 1), st.sampled_from([0, 512, 4_096]))
def test_the_choices_of_auto_never_cost_more_than_no_marks(
    blocks: Any, short: float, long: float, minimum: int
) -> None:
    on = terms(short, long, minimum)
    trie = trie_of(blocks)
    shared = Shared(model=HAIKU, trie=trie, parts=[Part.MESSAGES] * len(trie))
    marks = choose_marks(shared, on, CachePolicy.AUTO)

    choices: list[Choice] = list(describe(shared, marks, on, CachePolicy.AUTO))

    marked = [one for one in choices if one.is_marked]
    assert all(one.ground is Ground.PAYS and one.saving >= 0 for one in marked)
    assert sum(one.prefixes for one in marked) == len(marks)
    assert all(0 <= one.expected_reads <= 1 for one in choices)


def test_an_hour_is_chosen_where_it_is_read_often_enough() -> None:
    shared = alike(50, 5_000)

    assert choose_marks(shared, terms(0.3, 0.9), CachePolicy.AUTO) == {0: Ttl.ONE_HOUR}
    assert choose_marks(shared, terms(0.3, 0.5), CachePolicy.AUTO) == {0: Ttl.FIVE_MINUTES}
    assert choose_marks(shared, terms(0.1, 0.1), CachePolicy.AUTO) == {}
    assert choose_marks(shared, terms(0.3, 0.9), CachePolicy.OFF) == {}
