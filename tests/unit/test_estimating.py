"""What work will cost, as ranges."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.money import Money
from backburner.nouns.tariff import Step, Tariff
from backburner.plan.estimating import HIT_RATES, Estimate, Known, estimate, estimate_all
from backburner.plan.inputs import Correction
from backburner.plan.other_models import cheaper
from backburner.plan.outputs import Answered, Likeness
from backburner.plan.workloads import Tally, Workload

from .price_list import DAY, model_price, rates

HAIKU, STEPPED, OPUS = "claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-4-7"
STEP = Step(above_prompt_tokens=100_000, sync=rates(500), batch=rates(250))
PRICES = [
    model_price(HAIKU, 1_000),
    model_price(STEPPED, 100, (STEP,)),
    model_price(OPUS, 5_000),
    model_price("claude-sonnet-4-5", 3_000),
    model_price("claude-sonnet-4-6", 3_000),
    model_price("claude-sonnet-5-5", 2_000),
    model_price("claude-opus-5-5", 4_000),
]
TARIFF = Tariff(as_of=DAY, models={price.model: price for price in PRICES}, source="typed by hand")


def work(texts: list[str], model: str = HAIKU, max_tokens: int = 200, **params: object) -> Workload:
    tally = Tally(model)
    for text in texts:
        messages = [{"role": "user", "content": text}]
        tally.add(json.dumps({"messages": messages, **params}).encode(), max_tokens)
    return tally.workload(model)


def guess(texts: list[str], model: str = HAIKU, **params: object) -> Estimate:
    return estimate(TARIFF, work(texts, model, **params))


def answered(*tokens: int, likeness: Likeness = Likeness.PROMPT) -> Answered:
    return Answered(run="r-1", likeness=likeness, tokens=tokens)


texts = st.lists(st.text(min_size=1, max_size=100), min_size=1, max_size=8)
histories = st.none() | st.builds(
    Answered,
    run=st.just("r-1"),
    likeness=st.sampled_from(Likeness),
    tokens=st.lists(st.integers(1, 500), min_size=1, max_size=5).map(tuple),
)


@given(texts, st.sampled_from(sorted(TARIFF.models)), histories, st.integers(1, 10_000))
def test_low_is_at_most_what_is_expected_and_that_at_most_high(
    texts: list[str], model: str, history: Answered | None, max_tokens: int
):
    found = estimate(TARIFF, work(texts, model, max_tokens), Known(answered=history))

    for one in (found.price, found.sync, found.uncached):
        assert one.low <= one.expected <= one.high
    assert found.price.high <= found.ceiling
    assert found.output_tokens.high <= max_tokens * len(texts)


@given(texts, histories, st.integers(2, 5))
def test_more_of_the_same_requests_never_cost_less(
    texts: list[str], history: Answered | None, times: int
):
    # As much of them was looked at: of what was not, less is sure, and the range is wider.
    some = work(texts)
    strata = tuple(
        type(one)(
            requests=one.requests * times,
            body_bytes=one.body_bytes * times,
            sample=one.sample * times,
        )
        for one in some.strata
    )
    more = replace(
        some,
        requests=some.requests * times,
        max_output_tokens=some.max_output_tokens * times,
        strata=strata,
    )
    known = Known(answered=history)

    few, many = estimate(TARIFF, some, known).price, estimate(TARIFF, more, known).price

    assert few.low <= many.low
    assert few.expected <= many.expected
    assert few.high <= many.high


def test_a_batch_costs_half_of_the_same_calls_sync():
    found = guess(["some words"] * 10)

    assert 2 * found.price.expected.picodollars == found.sync.expected.picodollars


def test_the_figures_are_tokens_times_rates():
    found = guess(["word " * 100] * 10)

    tokens = found.input_tokens.expected, found.output_tokens.expected
    assert 900 < tokens[0] < 1_100
    assert found.price.expected.picodollars == pytest.approx(
        tokens[0] * 500_000 + tokens[1] * 2_500_000, rel=1e-6
    )
    assert found.price_date == DAY


def test_without_history_answers_may_have_any_length():
    found = guess(["a"] * 10, max_tokens=1_000)

    assert (found.output_tokens.low, found.output_tokens.high) == (10, 10_000)
    assert 1_000 < found.output_tokens.expected < 2_000
    assert found.ceiling == found.price.high


@pytest.mark.parametrize("max_tokens", [1, 2, 3])
def test_very_short_answers_have_a_range_too(max_tokens: int):
    found = guess(["a"], max_tokens=max_tokens).output_tokens

    assert 1 <= found.low <= found.expected <= found.high == max_tokens


def test_the_closer_the_history_the_narrower_the_range():
    works = work(["a"] * 100)
    history = (30, 40, 50) * 30

    widths = []
    for likeness in Likeness:
        found = estimate(TARIFF, works, Known(answered=answered(*history, likeness=likeness)))
        assert found.output_tokens.expected == 4_000
        widths.append(found.output_tokens.high - found.output_tokens.low)

    assert widths == sorted(widths)
    assert widths[0] < 0.5 * 4_000


def test_history_beyond_the_limit_counts_as_the_limit():
    found = estimate(TARIFF, work(["a"] * 10, max_tokens=20), Known(answered=answered(10, 500)))

    assert found.output_tokens.expected == 150
    assert found.output_tokens.high == 200


def test_a_limit_beyond_what_the_model_writes_counts_as_what_it_writes():
    found = guess(["a"], max_tokens=10_000_000)

    assert found.output_tokens.high == 64_000


def test_counts_narrow_the_range_and_move_it():
    works = work(["some words of text " * 20] * 50)
    plain = estimate(TARIFF, works)

    counted = estimate(
        TARIFF, works, Known(correction=Correction(requests=20, factor=1.1, error=0.03))
    )

    assert counted.input_tokens.expected == pytest.approx(1.1 * plain.input_tokens.expected, 0.01)
    assert width(counted) < width(plain) / 3
    assert counted.counted == 20


def width(one: Estimate) -> int:
    return one.input_tokens.high - one.input_tokens.low


def test_newer_models_make_more_tokens_of_the_same_text():
    older, newer = (guess(["plain English words"] * 9, m) for m in (HAIKU, OPUS))

    assert newer.input_tokens.expected > 1.1 * older.input_tokens.expected


@pytest.mark.parametrize("model", [HAIKU, f"{HAIKU}-20251001"])
@pytest.mark.parametrize(("choice", "hidden"), [("auto", 496), ("any", 588), ("tool", 588)])
def test_tools_add_their_hidden_tokens(model: str, choice: str, hidden: int):
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    plain = guess(["a"] * 10, model)
    found = guess(["a"] * 10, model, tools=tools, tool_choice={"type": choice})

    added = found.input_tokens.expected - plain.input_tokens.expected
    assert 10 * hidden < added < 10 * (hidden + 40)


MARKED = {
    "system": [
        {"type": "text", "text": "word " * 6_000, "cache_control": {"type": "ephemeral"}},
    ]
}


def test_marked_prompts_have_a_price_for_each_hit_rate():
    found = guess(["a"] * 10, **MARKED)

    assert [rate for rate, _ in found.cached] == list(HIT_RATES)
    by_rate = [price.expected for _, price in found.cached]
    assert by_rate == sorted(by_rate, reverse=True)
    assert by_rate[0] < found.uncached.expected
    assert by_rate[-1].picodollars < 0.3 * found.uncached.expected.picodollars


def test_the_price_of_marked_prompts_reaches_from_all_read_to_none():
    found = guess(["a"] * 10, **MARKED)

    assert found.price.low <= found.cached[-1][1].low
    assert found.price.high > found.uncached.high


def test_a_known_hit_rate_is_what_is_reckoned_with():
    works = work(["a"] * 10, **MARKED)

    found = estimate(TARIFF, works, Known(hit_rate=HIT_RATES[0]))

    assert found.price.expected == found.cached[0][1].expected


def test_a_marked_prefix_below_the_shortest_is_plain_input():
    block = {"type": "text", "text": "short", "cache_control": {"type": "ephemeral", "ttl": "1h"}}

    found = guess(["a"] * 10, system=[block])

    assert {price.expected for _, price in found.cached} == {found.uncached.expected}


def test_without_marks_there_is_no_price_by_hit_rate():
    found = guess(["a"])

    assert found.cached == ()
    assert found.price == found.uncached


def test_a_price_step_holds_for_the_requests_beyond_it_only():
    short, long = guess(["word"], STEPPED), guess(["word " * 200_000], STEPPED)

    assert short.input_tokens.expected * 50_000 < short.price.expected.picodollars
    assert long.price.expected.picodollars > long.input_tokens.expected * 250_000


def test_images_and_documents_are_named_and_not_guessed():
    image = {"type": "image", "source": {"type": "base64", "data": "QUJD" * 5_000}}
    plain = work(["a"])
    tally = Tally(HAIKU)
    content = [{"type": "text", "text": "a"}, image]
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    tally.add(body, 200)

    found = estimate(TARIFF, tally.workload(HAIKU))

    assert found.without_files == 1
    assert found.input_tokens.expected == estimate(TARIFF, plain).input_tokens.expected


def test_estimates_of_several_models_add_up():
    works = [work(["a"] * 10), work(["a"] * 5, OPUS, **MARKED)]
    parts = [estimate(TARIFF, one) for one in works]

    both = estimate_all(TARIFF, works)

    assert both is not None
    assert both.price == parts[0].price + parts[1].price
    assert both.input_tokens == parts[0].input_tokens + parts[1].input_tokens
    assert both.ceiling == parts[0].ceiling + parts[1].ceiling
    assert both.cached[0][1] == parts[0].uncached + parts[1].cached[0][1]


def test_nothing_costs_nothing():
    found = estimate(TARIFF, Workload(model=HAIKU, requests=0, max_output_tokens=0, strata=()))

    assert found.price.low == found.ceiling == Money.zero()
    assert estimate_all(TARIFF, []) is None


def others(model: str, history: Answered | None = None) -> list[str]:
    works = work(["some words"] * 10, model)
    found = cheaper(TARIFF, works, Known(answered=history))
    return [name for name, _ in found]


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (OPUS, ["claude-opus-5-5", "claude-sonnet-5-5"]),
        ("claude-sonnet-4-6", ["claude-sonnet-5-5", STEPPED]),
        (HAIKU, [STEPPED]),
        (STEPPED, []),
    ],
)
def test_the_next_cheaper_models_are_the_newest_of_their_lines(model: str, names: list[str]):
    assert others(model, answered(100)) == names


def test_a_model_that_retires_is_never_named():
    tariff = replace(TARIFF, models={m: TARIFF.models[m] for m in (OPUS, "claude-sonnet-4-5")})

    found = cheaper(tariff, work(["a"], OPUS), Known())

    assert found == ()


def test_a_cheaper_model_is_priced_by_its_own_tokens():
    works = work(["it is in the box " * 20] * 10, "claude-sonnet-4-6")
    known = Known(answered=answered(100))

    [(name, found), _] = cheaper(TARIFF, works, known)

    here = estimate(TARIFF, works, known)
    assert name == "claude-sonnet-5-5"
    assert found.input_tokens.expected > 1.1 * here.input_tokens.expected
    assert found.output_tokens.expected > 1.1 * here.output_tokens.expected
    assert found.price.expected.picodollars > 2 / 3 * here.price.expected.picodollars
