"""Counting tokens: free, of its own rate limit, and blind to the cache."""

import pytest

from backburner.emulator.settings import Limits

COUNT = "/v1/messages/count_tokens"
MARK = {"cache_control": {"type": "ephemeral"}}


def countable(ask, **more):
    params = ask(**more)
    del params["max_tokens"]
    return params


def test_a_count_is_what_a_request_is_billed_for_and_costs_nothing(api, ask):
    more = {
        "system": "x" * 99,
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"},
    }

    counted = api.post(COUNT, countable(ask, **more))
    bill = api.world.bill().total
    used = api.post("/v1/messages", ask(**more)).json["usage"]

    assert counted.json == {"input_tokens": used["input_tokens"]}
    assert bill == 0


def test_a_count_does_not_know_of_the_cache(api, ask):
    system = [{"type": "text", "text": "x" * 20_000, **MARK}]

    first = api.post(COUNT, countable(ask, system=system)).json
    api.post("/v1/messages", ask(system=system))
    second = api.post(COUNT, countable(ask, system=system)).json
    plain = api.post(COUNT, countable(ask, system="x" * 20_000)).json

    assert first == second == plain


def test_counts_have_a_rate_limit_of_their_own(emulate, ask):
    api = emulate(limits=Limits(count_calls_per_minute=1, message_calls_per_minute=1))

    statuses = [api.post(COUNT, countable(ask)).status for _ in range(2)]

    assert statuses == [200, 429]
    assert api.post("/v1/messages", ask()).status == 200


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"max_tokens": 5}, "max_tokens: Extra inputs are not permitted"),
        ({"temperature": 1.0}, "temperature: Extra inputs are not permitted"),
        ({"stream": False}, "stream: Extra inputs are not permitted"),
        ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "cache_control.ttl"),
    ],
)
def test_a_count_takes_what_makes_a_prompt_and_nothing_else(api, ask, change, told):
    refused = api.post(COUNT, {**countable(ask), **change})

    assert refused.status == 400
    assert refused.message.startswith(told)


def test_an_unknown_model_is_not_found(api, ask):
    assert api.post(COUNT, countable(ask, model="claude-nobody")).status == 404
