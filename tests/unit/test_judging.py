"""What came of a request, and what follows: an answer to every line, a verdict on every outcome."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.attempt import Attempt
from backburner.nouns.outcome import BY_CODE, CODES, NOT_FINAL, Outcome, ResultLine, outcome_of
from backburner.nouns.policy import (
    ACCOUNT_ERRORS,
    CAPACITY_ERRORS,
    CHOICES,
    DEFAULT_RULES,
    RetryPolicy,
    RetryRule,
    Then,
)
from backburner.plan.judging import (
    REASONS,
    UNANSWERED,
    UNKNOWN_RESULT,
    Deliver,
    GiveUp,
    Hold,
    Retry,
    verdict,
)

NOW = 1_790_000_000.0
RETRIED = {Outcome.SERVER_ERROR, Outcome.EXPIRED, Outcome.MISSING}


def tried(*outcomes, error_type=""):
    """Earlier attempts with these outcomes."""
    return [
        Attempt(
            batch=1,
            position=0,
            attempt=number,
            in_batch=number,
            in_position=0,
            outcome=outcome,
            error_type=error_type,
        )
        for number, outcome in enumerate(outcomes, 1)
    ]


def judged(result):
    line = msgspec.json.encode({"custom_id": "a", "result": result})
    return outcome_of(msgspec.json.decode(line, type=ResultLine).result)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("end_turn", "ok"),
        ("stop_sequence", "ok"),
        ("tool_use", "ok"),
        ("something_new", "ok"),
        (None, "ok"),
        ("max_tokens", "truncated"),
        ("model_context_window_exceeded", "truncated"),
        ("refusal", "refused"),
        ("pause_turn", "paused"),
    ],
)
def test_a_success_is_judged_by_its_stop_reason(reason, outcome):
    message = {"model": "m", "stop_reason": reason, "content": []}

    assert judged({"type": "succeeded", "message": message}) == outcome


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("invalid_request_error", "rejected"),
        ("not_found_error", "rejected"),
        ("api_error", "server_error"),
        ("overloaded_error", "server_error"),
        ("rate_limit_error", "server_error"),
        ("timeout_error", "server_error"),
        ("billing_error", "server_error"),
        ("brand_new_error", "server_error"),
        ("", "server_error"),
    ],
)
def test_an_error_is_judged_by_its_class_one_shell_in(kind, outcome):
    error = {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": None}

    assert judged({"type": "errored", "error": error}) == outcome


@pytest.mark.parametrize("kind", ["expired", "canceled"])
def test_what_did_not_get_its_turn_is_called_so(kind):
    assert judged({"type": kind}) == kind


@pytest.mark.parametrize("result", [{"type": "postponed"}, {"type": ""}, {"type": "succeeded"}])
def test_nothing_new_can_pass_for_an_answer(result):
    assert judged(result) is Outcome.MISSING


def test_an_error_without_its_shell_is_the_servers():
    assert judged({"type": "errored"}) is Outcome.SERVER_ERROR


def test_outcomes_have_the_bytes_one_to_ten():
    assert list(CODES.values()) == list(range(1, 11))
    assert {BY_CODE[code] for code in CODES.values()} == set(Outcome)
    assert NOT_FINAL not in BY_CODE


error_types = st.one_of(
    st.just(""),
    st.text(max_size=20),
    st.sampled_from(sorted(ACCOUNT_ERRORS | CAPACITY_ERRORS)),
)
rules = st.fixed_dictionaries(
    {
        outcome: st.builds(
            RetryRule,
            then=st.sampled_from(CHOICES.get(outcome, (Then.NOTHING,))),
            times=st.integers(1, 10),
            wait=st.floats(0.1, 100),
        )
        for outcome in Outcome
    }
)
policies = st.builds(RetryPolicy, rules=rules, longest_wait=st.floats(1, 10_000))
histories = st.lists(st.sampled_from(Outcome), max_size=60)


@given(st.sampled_from(Outcome), histories, policies, error_types, st.booleans())
def test_there_is_a_verdict_on_everything(outcome, earlier, policy, error_type, is_canceled):
    follows = verdict(
        outcome,
        earlier=tried(*earlier),
        now=NOW,
        policy=policy,
        error_type=error_type,
        is_canceled=is_canceled,
    )

    match follows:
        case Deliver():
            assert outcome is Outcome.OK
        case Retry(due_at):
            assert policy.rules[outcome].then in CHOICES[outcome][:-1]
            counted = earlier.count(outcome) < policy.rules[outcome].times
            assert counted or error_type in CAPACITY_ERRORS
            assert not is_canceled
            assert NOW < due_at <= NOW + policy.longest_wait + 1e-6
        case GiveUp(reason) | Hold(reason):
            assert outcome is not Outcome.OK
            assert reason


@pytest.mark.parametrize("outcome", sorted(RETRIED))
def test_a_failure_of_the_upstream_is_tried_again_after_growing_waits(outcome):
    policy = RetryPolicy()

    def follows(before):
        return verdict(outcome, earlier=tried(*[outcome] * before), now=NOW, policy=policy)

    assert [follows(before).due_at - NOW for before in range(4)] == [1, 8, 64, 512]
    assert isinstance(follows(4), GiveUp)


@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.INVALID_OUTPUT])
def test_an_answer_that_was_cut_off_or_does_not_fit_gets_one_more_chance(outcome):
    policy = RetryPolicy()

    assert isinstance(verdict(outcome, now=NOW, policy=policy), Retry)
    again = verdict(outcome, earlier=tried(outcome), now=NOW, policy=policy)
    assert isinstance(again, GiveUp)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.REFUSED, Outcome.CANCELED])
def test_what_would_end_the_same_way_is_never_sent_again(outcome):
    assert isinstance(verdict(outcome, now=NOW, policy=RetryPolicy()), GiveUp)
    assert outcome not in CHOICES


def test_only_attempts_with_the_same_outcome_count():
    earlier = tried(*[Outcome.EXPIRED] * 4)

    follows = verdict(Outcome.SERVER_ERROR, earlier=earlier, now=NOW, policy=RetryPolicy())

    assert follows == Retry(NOW + 1)


@pytest.mark.parametrize("error_type", sorted(CAPACITY_ERRORS))
def test_a_refusal_for_lack_of_capacity_counts_as_no_attempt(error_type):
    refused = tried(*[Outcome.SERVER_ERROR] * 30, error_type=error_type)
    failed = tried(*[Outcome.SERVER_ERROR] * 3, error_type="api_error")

    def follows(earlier, kind, since=None):
        return verdict(
            Outcome.SERVER_ERROR,
            earlier=earlier,
            refused_since=since,
            now=NOW,
            policy=RetryPolicy(),
            error_type=kind,
        )

    assert follows(refused, error_type) == Retry(NOW + 3600)
    assert follows([*refused, *failed], "api_error") == Retry(NOW + 512)
    assert isinstance(follows(refused, error_type, since=NOW - 86_400), GiveUp)


def test_the_policy_has_a_rule_for_every_outcome_and_a_usual_choice_for_each():
    assert set(DEFAULT_RULES) == set(Outcome)
    for outcome, rule in DEFAULT_RULES.items():
        assert rule.then is CHOICES.get(outcome, (Then.NOTHING,))[0]


def test_a_person_may_send_again_what_the_policy_gave_up():
    never = {outcome: RetryRule(then=Then.NOTHING) for outcome in Outcome}
    policy = RetryPolicy(rules=never)

    assert policy.then(Outcome.TRUNCATED) is Then.LONGER
    assert policy.then(Outcome.PAUSED) is Then.CONTINUE
    assert policy.then(Outcome.INVALID_OUTPUT) is Then.REPAIR
    assert policy.then(Outcome.REFUSED) is Then.AGAIN


@pytest.mark.parametrize("error_type", sorted(ACCOUNT_ERRORS))
def test_an_error_of_the_account_waits_for_a_person(error_type):
    follows = verdict(Outcome.SERVER_ERROR, now=NOW, policy=RetryPolicy(), error_type=error_type)

    assert isinstance(follows, Hold)
    assert error_type in follows.reason


def test_a_result_of_an_unknown_type_waits_for_a_person():
    follows = verdict(Outcome.MISSING, now=NOW, policy=RetryPolicy(), error_type=UNKNOWN_RESULT)

    assert isinstance(follows, Hold)


def test_every_outcome_has_its_words():
    assert set(REASONS) == set(Outcome)


def test_a_call_without_an_answer_waits_for_a_person_unless_hedging():
    said = {"now": NOW, "policy": RetryPolicy(), "error_type": UNANSWERED}

    waiting = verdict(Outcome.MISSING, **said)
    hedged = verdict(Outcome.MISSING, **said, is_hedging=True)

    assert isinstance(waiting, Hold)
    assert "may have been paid" in waiting.reason
    assert isinstance(hedged, Retry)


@pytest.mark.parametrize("outcome", [Outcome.CANCELED, Outcome.EXPIRED])
def test_what_a_recalled_batch_left_over_is_due_at_once(outcome):
    said = {"now": NOW, "policy": RetryPolicy(), "is_rescued": True}

    assert verdict(outcome, **said) == Retry(NOW)
    assert isinstance(verdict(outcome, **said, is_canceled=True), GiveUp)
    assert isinstance(verdict(outcome, **said, is_restored=True), Hold)


def test_a_rescue_changes_nothing_for_what_was_answered():
    said = {"now": NOW, "policy": RetryPolicy()}

    for outcome in set(Outcome) - {Outcome.CANCELED, Outcome.EXPIRED}:
        assert verdict(outcome, **said, is_rescued=True) == verdict(outcome, **said)
