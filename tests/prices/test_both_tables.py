"""Our prices are genai-prices', the emulator's are typed from the price page: they are the same."""

from datetime import UTC, datetime
from itertools import product

import pytest

from backburner.emulator import catalogue, prices
from backburner.emulator.shapes import CacheCreation
from backburner.emulator.shapes import Usage as EmulatedUsage
from backburner.nouns.batch import Via
from backburner.nouns.usage import Usage
from backburner.plan.pricing import charge
from backburner.prices import known_models, tariff

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CURRENT = [model.id for model in catalogue.MODELS if model.lifecycle != "retired"]
USED = {
    "input": Usage(input_tokens=1_000),
    "output": Usage(output_tokens=1_000),
    "written for 5 minutes": Usage(cache_write_5m_tokens=1_000),
    "written for an hour": Usage(cache_write_1h_tokens=1_000),
    "read": Usage(cache_read_tokens=1_000),
    "up to the step": Usage(input_tokens=1, output_tokens=1, cache_read_tokens=99_999),
    "above the step": Usage(input_tokens=1, output_tokens=1, cache_read_tokens=100_000),
    "all, above the step": Usage(
        input_tokens=40_001,
        output_tokens=7,
        cache_write_5m_tokens=30_000,
        cache_write_1h_tokens=20_000,
        cache_read_tokens=10_000,
    ),
}
TIERS = {Via.BATCH: "batch", Via.DIRECT: "standard"}


def emulated(usage: Usage, tier: str, geo: str) -> EmulatedUsage:
    return EmulatedUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_creation_input_tokens=usage.cache_write_tokens,
        cache_read_input_tokens=usage.cache_read_tokens,
        cache_creation=CacheCreation(usage.cache_write_5m_tokens, usage.cache_write_1h_tokens),
        service_tier=tier,
        inference_geo=geo,
    )


@pytest.mark.parametrize("used", USED)
@pytest.mark.parametrize("model", CURRENT)
def test_each_kind_of_token_costs_what_the_emulator_bills(model: str, used: str) -> None:
    usage, price = USED[used], tariff((model,), NOW).price(model)

    for (via, tier), geo in product(TIERS.items(), ("us", "global", "not_available")):
        ours = charge(price.located(geo), usage, via).paid

        assert ours == prices.cost(model, emulated(usage, tier, geo)) > 0


def test_both_know_the_same_current_models() -> None:
    aliases = {model.id for model in map(catalogue.find, known_models(NOW)) if model is not None}

    assert aliases == set(CURRENT)
    assert all(catalogue.find(model) for model in known_models(NOW))
