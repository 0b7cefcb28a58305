"""What came of a request, and what follows: an answer to every line, a verdict on every outcome."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.outcome import BY_CODE, CODES, NOT_FINAL, Outcome, ResultLine, outcome_of
from backburner.plan.judging import (
    ACCOUNT_ERRORS,
    REASONS,
    UNKNOWN_RESULT,
    Deliver,
    GiveUp,
    Hold,
    Retry,
    RetryPolicy,
    verdict,
)

NOW = 1_790_000_000.0
RETRIED = {Outcome.SERVER_ERROR, Outcome.EXPIRED, Outcome.MISSING}


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


error_types = st.one_of(st.just(""), st.text(max_size=20), st.sampled_from(sorted(ACCOUNT_ERRORS)))
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10),
    first_wait=st.floats(0.1, 100),
    longest_wait=st.floats(1, 10_000),
)


@given(st.sampled_from(Outcome), st.integers(1, 50), policies, error_types, st.booleans())
def test_there_is_a_verdict_on_everything(outcome, attempts, policy, error_type, is_canceled):
    follows = verdict(
        outcome,
        attempts=attempts,
        now=NOW,
        policy=policy,
        error_type=error_type,
        is_canceled=is_canceled,
    )

    match follows:
        case Deliver():
            assert outcome is Outcome.OK
        case Retry(due_at):
            assert outcome in RETRIED
            assert attempts < policy.attempts
            assert not is_canceled
            assert NOW < due_at <= NOW + policy.longest_wait + 1e-6
        case GiveUp(reason) | Hold(reason):
            assert outcome is not Outcome.OK
            assert reason


@pytest.mark.parametrize("outcome", sorted(RETRIED))
def test_a_failure_of_the_upstream_is_tried_again_after_growing_waits(outcome):
    policy = RetryPolicy()
    waits = [verdict(outcome, attempts=n, now=NOW, policy=policy).due_at - NOW for n in range(1, 5)]

    assert waits == [1, 8, 64, 512]
    assert isinstance(verdict(outcome, attempts=5, now=NOW, policy=policy), GiveUp)


@pytest.mark.parametrize("error_type", sorted(ACCOUNT_ERRORS))
def test_an_error_of_the_account_waits_for_a_person(error_type):
    follows = verdict(
        Outcome.SERVER_ERROR, attempts=1, now=NOW, policy=RetryPolicy(), error_type=error_type
    )

    assert isinstance(follows, Hold)
    assert error_type in follows.reason


def test_a_result_of_an_unknown_type_waits_for_a_person():
    follows = verdict(
        Outcome.MISSING, attempts=1, now=NOW, policy=RetryPolicy(), error_type=UNKNOWN_RESULT
    )

    assert isinstance(follows, Hold)


def test_every_outcome_has_its_words():
    assert set(REASONS) == set(Outcome)
