import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.errors import ModelUnknown
from backburner.nouns.batch import Via
from backburner.nouns.money import Charge, Money
from backburner.nouns.tariff import Step, Tariff
from backburner.nouns.usage import Usage
from backburner.plan.pricing import charge, cost, rates_for

from .price_list import DAY, model_price, rates

HAIKU, STEPPED, OPUS = "claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-4-7"
STEP = Step(above_prompt_tokens=100_000, sync=rates(500), batch=rates(250))
TARIFF = Tariff(
    as_of=DAY,
    models={
        HAIKU: model_price(HAIKU, 1_000),
        STEPPED: model_price(STEPPED, 100, (STEP,)),
        OPUS: model_price(OPUS, 5_000),
    },
    source="typed by hand",
)
MILLION = 1_000_000

counts = st.integers(0, 10_000)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_write_5m_tokens=counts,
    cache_write_1h_tokens=counts,
    cache_read_tokens=counts,
)
models = st.sampled_from(sorted(TARIFF.models))
vias = st.sampled_from(Via)


@given(models, vias, usages, usages)
def test_cost_is_linear_within_a_step(model: str, via: Via, a: Usage, b: Usage):
    assert cost(TARIFF, model, a + b, via) == cost(TARIFF, model, a, via) + cost(
        TARIFF, model, b, via
    )


@given(models, usages)
def test_a_batch_costs_exactly_half(model: str, usage: Usage):
    assert 2 * cost(TARIFF, model, usage, Via.BATCH) == cost(TARIFF, model, usage, Via.DIRECT)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(input_tokens=MILLION), "0.5"),
        (Usage(output_tokens=MILLION), "2.5"),
        (Usage(cache_write_5m_tokens=MILLION), "0.625"),
        (Usage(cache_write_1h_tokens=MILLION), "1"),
        (Usage(cache_read_tokens=MILLION), "0.05"),
    ],
)
def test_every_kind_of_token_has_its_own_batch_price(usage: Usage, usd: str):
    assert Money(picodollars=cost(TARIFF, HAIKU, usage, Via.BATCH)).usd() == usd


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(input_tokens=100_000), "0.005"),
        (Usage(input_tokens=100_001), "0.02500025"),
        (Usage(input_tokens=1, cache_read_tokens=100_000), "0.00250025"),
        (Usage(input_tokens=100_001, output_tokens=1_000), "0.02625025"),
        (Usage(input_tokens=100_000, output_tokens=100_000), "0.03"),
    ],
)
def test_above_a_step_every_token_of_the_request_is_dearer(usage: Usage, usd: str):
    assert Money(picodollars=cost(TARIFF, STEPPED, usage, Via.BATCH)).usd() == usd


def test_of_several_steps_the_highest_one_reached_holds():
    steps = tuple(
        Step(above_prompt_tokens=above, sync=rates(above), batch=rates(above // 2))
        for above in (100, 200)
    )
    price = model_price(HAIKU, 10, steps)

    found = [price.rates(tokens, Via.DIRECT).input for tokens in (100, 101, 200, 201)]

    assert found == [10_000, 100_000, 100_000, 200_000]


def test_a_dated_id_has_the_price_of_its_alias():
    assert rates_for(TARIFF, f"{HAIKU}-20251001", 0, Via.BATCH) == TARIFF.models[HAIKU].batch


def test_an_unknown_model_is_refused_with_the_nearest_known():
    with pytest.raises(ModelUnknown, match="'claude-haiku-45'") as caught:
        cost(TARIFF, "claude-haiku-45", Usage(), Via.BATCH)

    assert HAIKU in caught.value.hint
    assert caught.value.code == "model_unknown"


def test_a_model_like_no_other_is_refused_with_all_that_are_known():
    with pytest.raises(ModelUnknown) as caught:
        rates_for(TARIFF, "gpt-7", 0, Via.BATCH)

    assert caught.value.hint == f"known models: {HAIKU}, {STEPPED}, {OPUS}"


@given(models, vias, usages)
def test_a_charge_compares_with_no_cache_and_with_sync(model: str, via: Via, usage: Usage):
    plain = Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.output_tokens)

    charged = charge(TARIFF.price(model), usage, via)

    assert charged == Charge(
        paid=cost(TARIFF, model, usage, via),
        uncached=cost(TARIFF, model, plain, via),
        sync=cost(TARIFF, model, plain, Via.DIRECT),
    )
