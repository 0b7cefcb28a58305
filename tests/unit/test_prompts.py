"""What a prompt is made of, and the sample that is taken of many."""

import json
from typing import Any

import pytest

from backburner.plan.counting import correction_of, to_count
from backburner.plan.inputs import inputs_of
from backburner.plan.prompts import measure
from backburner.plan.sampling import Sampler
from backburner.plan.tokens import features_of, total
from backburner.plan.workloads import Tally

MARK = {"type": "ephemeral"}


def body(*content: Any, **params: Any) -> bytes:
    messages = [{"role": "user", "content": list(content) or "hello"}]
    return json.dumps({"model": "claude-haiku-4-5", "messages": messages, **params}).encode()


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def test_texts_are_counted_wherever_they_stand():
    result = {"type": "tool_result", "content": [text("three words here")]}
    document = {"type": "document", "source": {"type": "text", "data": "more of it"}}

    found = measure(body(text("one two"), result, document, system="You are brief."))

    every = ("one two", "three words here", "more of it", "You are brief.")
    assert found.text == total(map(features_of, every))
    assert not found.files


def test_escapes_are_counted_as_what_they_stand_for():
    assert measure(b'{"messages":[{"content":"\\u00e9t\\u00e9"}]}').text == features_of("été")


def test_the_last_mark_ends_what_is_marked():
    marked = measure(
        body(
            text("first", cache_control=MARK | {"ttl": "1h"}),
            text("second", cache_control=MARK),
            text("third"),
        )
    )

    assert marked.marked == total(map(features_of, ("first", "second")))
    assert marked.ttl == "5m"


def test_a_mark_on_the_whole_body_is_on_its_last_block():
    marked = measure(body(text("all of it"), cache_control=MARK | {"ttl": "1h"}))

    assert (marked.marked, marked.ttl) == (marked.text, "1h")


def test_tools_come_before_the_system_prompt():
    tools = [{"name": "f", "description": "does it", "cache_control": MARK}]

    found = measure(body(system="not marked", tools=tools))

    assert found.tools
    assert sum(found.marked) < sum(found.text)
    assert found.ttl == "5m"


@pytest.mark.parametrize(
    "params",
    [
        {"messages": None},
        {"messages": [3, {"content": 4}]},
        {"system": {"a": 1}, "tools": [1]},
        {"cache_control": 1, "output_config": {"format": {"schema": {"type": "object"}}}},
    ],
)
def test_a_body_of_an_odd_form_is_measured_all_the_same(params: dict[str, Any]):
    assert sum(measure(json.dumps(params).encode()).text) >= 0


def test_a_sample_holds_some_of_every_size():
    sampler = Sampler()
    for number in range(10_000):
        sampler.add(body("x" * (10 if number % 100 else 5_000)))

    found = sampler.strata()

    assert sum(one.requests for one in found) == 10_000
    assert [one.requests for one in found] == [9_900, 100]
    assert all(16 <= len(one.sample) <= 64 for one in found)


def test_the_same_input_gives_the_same_sample():
    def sampled() -> Any:
        sampler = Sampler()
        for number in range(3_000):
            sampler.add(body("x" * (number % 50)))
        return sampler.strata()

    assert sampled() == sampled()


def test_a_sample_does_not_fall_into_step_with_the_rows():
    sampler = Sampler()
    for number in range(8_192):
        sampler.add(body("ab"[number % 2] * 20))

    [stratum] = sampler.strata()

    odd = sum(b"bbb" in (one.body or b"") for one in stratum.sample)
    assert 0.35 < odd / len(stratum.sample) < 0.65


def test_few_large_bodies_are_kept_and_none_beyond_a_megabyte():
    sampler = Sampler()
    for _ in range(20):
        sampler.add(body("x" * 400_000))
        sampler.add(body("x" * 1_100_000))

    kept = [[one.body for one in stratum.sample] for stratum in sampler.strata()]

    assert len(kept[0]) <= 2
    assert kept[1] == [None] * len(kept[1])


def test_the_tokens_of_all_follow_from_the_sample():
    tally = Tally("claude-haiku-4-5")
    whole = 0
    for number in range(5_000):
        words = f"word {number} and " * (1 + number % 37)
        tally.add(body(words), 10)
        whole += inputs_of(one_of(words)).tokens.expected

    found = inputs_of(tally.workload("claude-haiku-4-5")).tokens

    assert found.expected == pytest.approx(whole, rel=0.02)
    assert found.low < whole < found.high


def one_of(words: str) -> Any:
    tally = Tally("claude-haiku-4-5")
    tally.add(body(words), 10)
    return tally.workload("claude-haiku-4-5")


def test_requests_of_every_size_are_counted_the_largest_first():
    tally = Tally("claude-haiku-4-5")
    for number in range(200):
        tally.add(body("x" * (4 ** (number % 4 + 2))), 10)
    work = tally.workload("claude-haiku-4-5")

    chosen = to_count(work, 20)

    assert len(chosen) == 20
    assert len({one.size.bit_length() for one in chosen}) == len(work.strata)
    assert chosen[0].size == max(one.size for one in chosen)


def test_counts_that_agree_are_trusted_more_than_counts_that_do_not():
    tally = Tally("claude-haiku-4-5")
    for number in range(100):
        tally.add(body(f"some words and {number} " * 20), 10)
    work = tally.workload("claude-haiku-4-5")
    chosen = to_count(work, 20)
    each = inputs_of(work).tokens.expected / 100

    same = correction_of(work.model, [(one, round(1.2 * each)) for one in chosen])
    mixed = correction_of(
        work.model, [(one, round((0.7 + i % 2) * each)) for i, one in enumerate(chosen)]
    )
    lonely = correction_of(work.model, [(chosen[0], round(1.2 * each))])

    assert same.factor == pytest.approx(1.2, abs=0.02)
    assert same.error < 0.05 < mixed.error
    assert lonely.error == 0.15
