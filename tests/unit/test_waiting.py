"""Who waited for a call, by rules that can be read."""

import pytest

from backburner.plan.waiting import (
    Habits,
    OwnRules,
    Pattern,
    Source,
    Tolerance,
    judge_source,
)

MODEL = "claude-sonnet-4-6"
NOTHING = OwnRules()


def source(caller: str = "", route: str = "", **more: bool) -> Source:
    return Source(caller=caller, route=route, model=MODEL, **more)


@pytest.mark.parametrize(
    ("route", "tolerance"),
    [
        ("article-drafts", Tolerance.CAN_WAIT),
        ("seo_metadata", Tolerance.CAN_WAIT),
        ("/v1/product/Descriptions", Tolerance.CAN_WAIT),
        ("weekly-newsletter", Tolerance.CAN_WAIT),
        ("chat", Tolerance.WAITED_FOR),
        ("live-search", Tolerance.WAITED_FOR),
        ("ask", Tolerance.UNKNOWN),
        ("chat-summaries", Tolerance.WAITED_FOR),
    ],
)
def test_a_route_tells_by_the_beginning_of_its_words(route, tolerance):
    found = judge_source(source(route=route), Habits(calls=1), NOTHING)

    assert found.tolerance is tolerance


def test_a_route_is_asked_before_the_caller():
    found = judge_source(source(caller="chat-team", route="nightly"), Habits(calls=1), NOTHING)

    assert found.tolerance is Tolerance.CAN_WAIT


def test_what_was_streamed_was_waited_for_whatever_its_name():
    found = judge_source(source(route="drafts", is_streamed=True), Habits(calls=1), NOTHING)

    assert found.tolerance is Tolerance.WAITED_FOR


def test_what_is_in_batches_needs_no_rule():
    found = judge_source(source(route="chat", is_batched=True), Habits(calls=1), NOTHING)

    assert found.tolerance is Tolerance.BATCHED


def test_the_users_word_goes_before_every_guess():
    own = OwnRules(can_wait=[Pattern(route="ch*")], waited_for=[Pattern(caller="ann")])

    moved = judge_source(source("bob", "chat", is_streamed=True), Habits(calls=1), own)
    kept = judge_source(source("ann", "chat"), Habits(calls=1), own)

    assert moved.tolerance is Tolerance.CAN_WAIT
    assert kept.tolerance is Tolerance.WAITED_FOR


@pytest.mark.parametrize(
    ("habits", "tolerance"),
    [
        (Habits(calls=10, follow_ups=5), Tolerance.WAITED_FOR),
        (Habits(calls=10, follow_ups=4), Tolerance.UNKNOWN),
        (Habits(calls=8, runs=4, punctual=4), Tolerance.CAN_WAIT),
        (Habits(calls=8, runs=3, punctual=3), Tolerance.UNKNOWN),
        (Habits(calls=20, at_night=16), Tolerance.CAN_WAIT),
        (Habits(calls=20, at_night=15), Tolerance.UNKNOWN),
        (Habits(calls=19, at_night=19), Tolerance.UNKNOWN),
    ],
)
def test_without_a_telling_name_habits_decide(habits, tolerance):
    assert judge_source(source("a", "b"), habits, NOTHING).tolerance is tolerance


def test_a_burst_can_wait_unless_it_is_a_conversation():
    burst = source("a", "b", is_burst=True)

    assert judge_source(burst, Habits(calls=90), NOTHING).tolerance is Tolerance.CAN_WAIT
    assert (
        judge_source(burst, Habits(calls=90, follow_ups=60), NOTHING).tolerance
        is Tolerance.WAITED_FOR
    )


def test_sums_of_calls_tell_nothing_by_their_habits():
    sums = source("key_1", is_sum=True)

    found = judge_source(sums, Habits(calls=30, at_night=30, runs=30, punctual=30), NOTHING)

    assert found.tolerance is Tolerance.UNKNOWN
