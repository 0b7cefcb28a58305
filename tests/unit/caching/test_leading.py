"""Which requests of a run go first, and what is said of it."""

import pytest

from backburner.plan.caching.choices import CachePolicy, Ground, Part, Shared, WaveChoice
from backburner.plan.caching.leading import WaveWish, choose, stretches, without_leaders
from backburner.plan.caching.sentences import in_words, wave_in_words
from backburner.plan.caching.terms import Ttl
from backburner.plan.caching.trie import trie_of
from backburner.plan.caching.waves import WaveReason

ASKED = WaveWish(is_asked=True, led_hit_rate=0.95)
TOLD = WaveWish(is_asked=False, led_hit_rate=0.95)


def shared(requests=100):
    trie = trie_of([("prefix", 9_000), (row, 50)] for row in range(requests))
    return Shared(model="claude-sonnet-5", trie=trie, parts=[Part.SYSTEM] * len(trie))


def test_leaders_come_with_marks_of_an_hour_and_with_the_followers_hit_rate(terms):
    led = choose(shared(), terms(hit=0.3), CachePolicy.AUTO, ASKED)

    assert led.leaders == (0,)
    assert led.marks == {0: Ttl.ONE_HOUR}
    assert led.terms.hits.one_hour == 0.95
    # 100 requests at 30 % in one batch, 90.845, against 2 + 99 x 0.195.
    assert led.wave.saved == pytest.approx(9_000 * (90.845 - 21.305) * 1_000)


def test_without_being_asked_for_the_marks_are_those_of_one_batch(terms):
    led = choose(shared(), terms(hit=0.3), CachePolicy.AUTO, TOLD)

    assert led.leaders == ()
    assert led.marks == {0: Ttl.FIVE_MINUTES}
    assert led.terms.hits.one_hour == 0.3
    assert (led.wave.reason, led.wave.leaders) == (WaveReason.PAYS, 1)


@pytest.mark.parametrize("policy", [CachePolicy.OFF, CachePolicy.ALWAYS])
def test_only_planned_marks_have_leaders(terms, policy):
    assert choose(shared(), terms(hit=0.3), policy, ASKED).wave is None
    assert choose(shared(), terms(hit=0.3), policy, ASKED).leaders == ()


def test_leaders_in_too_many_places_are_given_up(terms):
    at, requests = terms(hit=0.3), shared()

    led = without_leaders(requests, at, choose(requests, at, CachePolicy.AUTO, ASKED))

    assert led.leaders == ()
    assert led.marks == {0: Ttl.FIVE_MINUTES}
    assert led.wave.reason is WaveReason.SCATTERED


def test_what_had_no_leaders_keeps_its_reason_when_others_give_them_up(terms):
    at, requests = terms(hit=0.98), shared()

    led = without_leaders(requests, at, choose(requests, at, CachePolicy.AUTO, ASKED))

    assert led.wave.reason is WaveReason.NO_CHEAPER


@pytest.mark.parametrize(
    ("numbers", "count"), [([], 0), ([0], 1), ([0, 1, 2], 1), ([0, 2, 3, 9], 3)]
)
def test_neighbours_are_one_stretch(numbers, count):
    assert stretches(numbers) == count


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (WaveReason.PAYS, "2 of 9 requests go first, and the other 7 follow when they have ended"),
        (WaveReason.NO_CHEAPER, "all requests go at once: one batch costs no more"),
        (WaveReason.SAVES_TOO_LITTLE, "all requests go at once: it would save only $0.42"),
        (WaveReason.SCATTERED, "all requests go at once: those to go first stand in too many"),
        (WaveReason.NOTHING_SHARED, "all requests go at once: no shared beginning is worth"),
        (WaveReason.NO_TIME, "all requests go at once: there is no time for two batches"),
    ],
)
def test_a_sentence_says_what_was_decided(reason, said):
    wave = WaveChoice(
        model="m", reason=reason, is_asked=True, leaders=2, requests=9, saved=420_000_000_000
    )

    assert wave_in_words(wave).startswith(said)


@pytest.mark.parametrize("reason", [one for one in WaveReason if one is not WaveReason.PAYS])
def test_nothing_is_said_of_what_nobody_asked_for_and_nobody_gains_by(reason):
    wave = WaveChoice(model="m", reason=reason, is_asked=False, leaders=0, requests=9, saved=0)

    assert wave_in_words(wave) == ""


def test_what_lost_is_tried_again_once_enough_was_sent_unmarked(terms):
    at, requests = terms(hit=0.05), shared()

    little = choose(requests, at, CachePolicy.AUTO, unmarked_tokens=1_000_000)
    enough = choose(requests, at, CachePolicy.AUTO, unmarked_tokens=5_000_000)

    assert (little.marks, little.tried) == ({}, None)
    assert enough.marks == {0: Ttl.FIVE_MINUTES}
    (choice,) = enough.choices(requests, CachePolicy.AUTO)
    assert (choice.ground, choice.requests) == (Ground.TRIAL, 20)
    # A quarter of 20 times 9,000 tokens, if none of them is read.
    assert choice.cached - choice.plain == 45_000 * 1_000
    assert in_words(choice).startswith(
        "the system prompt (about 9,000 tokens) of 20 requests is marked for 5 minutes: marks lost"
    )


def test_what_pays_needs_no_trial(terms):
    led = choose(shared(), terms(hit=0.6), CachePolicy.AUTO, unmarked_tokens=10**12)

    assert led.tried is None
    assert led.marks == {0: Ttl.FIVE_MINUTES}
