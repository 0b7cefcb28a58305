"""Usage, the prompt cache and the bill, against numbers worked out by hand."""

import pytest

from backburner.emulator import prices
from backburner.emulator.cacheplan import CachePlan
from backburner.emulator.shapes import CacheCreation, Usage

BATCHES = "/v1/messages/batches"


def usage(*, fresh=0, out=0, read=0, short=0, long=0, tier="batch", geo="not_available"):
    return Usage(
        input_tokens=fresh,
        output_tokens=out,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=short + long,
        cache_creation=CacheCreation(short, long),
        service_tier=tier,
        inference_geo=geo,
    )


@pytest.mark.parametrize(
    ("model", "used", "picodollars"),
    [
        # Haiku 4.5 in a batch: 0.50 in, 2.50 out, 0.625 and 1.00 written, 0.05 read.
        ("claude-haiku-4-5-20251001", usage(fresh=1_000_000), 500_000_000_000),
        ("claude-haiku-4-5-20251001", usage(out=1_000_000), 2_500_000_000_000),
        ("claude-haiku-4-5-20251001", usage(short=1_000_000), 625_000_000_000),
        ("claude-haiku-4-5-20251001", usage(long=1_000_000), 1_000_000_000_000),
        ("claude-haiku-4-5-20251001", usage(read=1_000_000), 50_000_000_000),
        ("claude-haiku-4-5-20251001", usage(fresh=3, out=5, tier="standard"), 28_000_000),
        # Models with a cheaper read.
        ("claude-sonnet-5-5", usage(read=1_000_000), 50_000_000_000),
        ("claude-opus-5-5", usage(read=1_000_000), 100_000_000_000),
        ("claude-fable-5-2", usage(read=1_000_000), 100_000_000_000),
        ("claude-fable-5", usage(read=1_000_000), 500_000_000_000),
        # A tenth more in the US.
        ("claude-sonnet-4-6", usage(fresh=1_000, out=1_000, geo="us"), 9_900_000_000),
        # Haiku 5.5: beyond 100,000 tokens of prompt every token is dearer.
        ("claude-haiku-5-5", usage(fresh=100_000, out=100), 5_025_000_000),
        ("claude-haiku-5-5", usage(fresh=1, read=100_000, out=100), 2_625_250_000),
    ],
)
def test_a_request_costs_what_the_price_list_says(model, used, picodollars):
    assert prices.cost(model, used) == picodollars


def test_the_bill_adds_up_succeeded_requests_only(api, clock, ask):
    batch = api.create(
        [
            {"custom_id": "a", "params": ask("12345678901234567890")},
            {"custom_id": "b", "params": ask(max_tokens=0)},
        ]
    )
    assert api.world.bill().total == 0
    clock.advance(300)
    message = api.get(f"{BATCHES}/{batch['id']}/results").lines["a"]["message"]

    # 8 tokens for the request, 4 for the turn, 6 for 20 bytes; 9 for an answer of 30 bytes.
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (18, 9)
    assert api.world.bill().batches == {batch["id"]: 18 * 500_000 + 9 * 2_500_000}
    assert api.world.bill().total == 31_500_000


def test_single_messages_are_billed_in_full(api, ask):
    api.post("/v1/messages", ask("12345678901234567890"))

    assert api.world.bill().calls == 18 * 1_000_000 + 9 * 5_000_000


def marked(text, question, ttl="5m"):
    return {
        "system": [
            {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}
        ],
        "messages": [{"role": "user", "content": question}],
        "model": "claude-sonnet-4-6",
        "max_tokens": 50,
    }


LONG = "x" * 7_000  # 2,000 tokens


def split(result):
    used = result["message"]["usage"]
    return (
        used["input_tokens"],
        used["cache_creation"]["ephemeral_5m_input_tokens"],
        used["cache_creation"]["ephemeral_1h_input_tokens"],
        used["cache_read_input_tokens"],
    )


def test_the_first_request_writes_the_prefix_and_the_others_read_it(api):
    results = api.run(*(marked(LONG, "Hi") for _ in range(10)))

    assert sorted(map(split, results)) == [(5, 0, 0, 2_008)] * 9 + [(5, 2_008, 0, 0)]
    written = next(r["message"]["usage"] for r in results if split(r)[1])
    assert written["cache_creation_input_tokens"] == 2_008


def test_a_prefix_with_a_long_lifetime_is_counted_apart(api):
    [result] = api.run(marked(LONG, "Hi", "1h"))

    assert split(result) == (5, 0, 2_008, 0)


def test_a_prefix_under_the_minimum_is_not_cached(api):
    results = api.run(marked("x" * 3_000, "Hi"), marked("x" * 3_000, "Hi"))

    assert [split(result)[1:] for result in results] == [(0, 0, 0)] * 2


def test_a_later_batch_reads_what_is_still_alive(emulate, clock):
    def second_read(api, wait):
        first = api.create([{"custom_id": "a", "params": marked(LONG, "Hi")}])
        clock.advance(300 + wait)
        second = api.create([{"custom_id": "a", "params": marked(LONG, "Hi")}])
        clock.advance(300)
        assert first["id"] != second["id"]
        return split(api.get(f"{BATCHES}/{second['id']}/results").lines["a"])[3]

    assert second_read(emulate(turnaround=lambda _o, _n: 100.0), -150) == 2_008
    assert second_read(emulate(turnaround=lambda _o, _n: 100.0), 150) == 0
    assert (
        second_read(
            emulate(turnaround=lambda _o, _n: 100.0, cache=CachePlan(across_batches=False)), -150
        )
        == 0
    )


def test_a_single_call_does_not_warm_the_cache_of_batches(api):
    api.post("/v1/messages", marked(LONG, "Hi"))

    [result] = api.run(marked(LONG, "Hi"))

    assert split(result)[3] == 0


def test_some_reads_are_missed(emulate):
    api = emulate(cache=CachePlan(hits=0.5), seed=3)

    results = api.run(*(marked(LONG, "Hi") for _ in range(60)))

    assert 10 < sum(split(result)[3] > 0 for result in results) < 50


def test_a_mark_at_the_top_marks_the_last_block(api, ask):
    params = ask(LONG, model="claude-sonnet-4-6", cache_control={"type": "ephemeral"})

    first, second = api.run(params, params)

    assert sorted([split(first), split(second)]) == [(0, 0, 0, 2_012), (0, 2_012, 0, 0)]


def test_a_growing_conversation_reads_what_its_beginning_wrote(api, clock):
    def turn(text, *, mark):
        block = {"type": "text", "text": text}
        return {
            "role": "user",
            "content": [{**block, "cache_control": {"type": "ephemeral"}} if mark else block],
        }

    base = {"model": "claude-sonnet-4-6", "max_tokens": 9}
    [first] = api.run({**base, "messages": [turn(LONG, mark=True)]})
    clock.time -= 3 * 24 * 3600 - 301
    grown = [
        turn(LONG, mark=False),
        {"role": "assistant", "content": "ok"},
        turn("y" * 70, mark=True),
    ]

    answer = api.post("/v1/messages", {**base, "messages": grown})

    assert split(first) == (0, 2_012, 0, 0)
    assert answer.json["usage"]["cache_creation_input_tokens"] == 2_012 + 5 + 24


def test_too_many_marks_are_refused(api):
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    params = {**marked(LONG, "Hi"), "messages": [{"role": "user", "content": [block] * 4}]}

    [result] = api.run(params)

    assert result["error"]["error"]["message"] == (
        "A maximum of 4 blocks with cache_control may be provided. Found 5."
    )


def test_a_long_lifetime_may_not_come_after_a_short_one(api):
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    params = {**marked(LONG, "Hi"), "messages": [{"role": "user", "content": [block]}]}

    [result] = api.run(params)

    assert result["type"] == "errored"
