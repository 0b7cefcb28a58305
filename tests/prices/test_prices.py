from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices.types import ClauseEquals, ModelInfo, PriceVariant
from genai_prices.types import ModelPrice as TheirPrice

from backburner.client.home import tariff_source
from backburner.clock import FakeClock
from backburner.errors import ModelUnknown, PriceSuspect
from backburner.nouns.batch import Via
from backburner.nouns.tariff import Rates, Tariff
from backburner.prices import (
    DATA_START,
    DATED_IDS,
    OVERRIDES,
    known_models,
    read,
    tariff,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)

# Dollars per million tokens: input, output, 5-minute write, 1-hour write, read.
# Source: platform.claude.com pricing, 2026-08-21, and models/*/overview, September to November
# 2026. Typed by hand.
SYNC = {
    "claude-haiku-4-5": ("1", "5", "1.25", "2", "0.10"),
    "claude-haiku-4-5-20251001": ("1", "5", "1.25", "2", "0.10"),
    "claude-sonnet-5-5": ("2", "10", "2.50", "4", "0.10"),
    "claude-sonnet-5": ("2", "10", "2.50", "4", "0.20"),
    "claude-sonnet-4-6": ("3", "15", "3.75", "6", "0.30"),
    "claude-sonnet-4-5": ("3", "15", "3.75", "6", "0.30"),
    "claude-sonnet-4-5-20250929": ("3", "15", "3.75", "6", "0.30"),
    "claude-opus-5-5": ("4", "20", "5", "8", "0.20"),
    "claude-opus-5": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-8": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-7": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-6": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-5": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-5-20251101": ("5", "25", "6.25", "10", "0.50"),
    "claude-fable-5-2": ("8", "40", "10", "16", "0.20"),
    "claude-mythos-5-2": ("8", "40", "10", "16", "0.20"),
    "claude-fable-5-1": ("10", "50", "12.50", "20", "0.25"),
    "claude-mythos-5-1": ("10", "50", "12.50", "20", "0.25"),
    "claude-fable-5": ("10", "50", "12.50", "20", "1.00"),
    "claude-mythos-5": ("10", "50", "12.50", "20", "1.00"),
}
HAIKU_5_5 = ("0.10", "0.50", "0.125", "0.20", "0.01")
HAIKU_5_5_LONG = ("0.50", "2.50", "0.625", "1.00", "0.05")
BATCH_INPUT_AND_OUTPUT = {
    "claude-haiku-4-5": ("0.50", "2.50"),
    "claude-haiku-5-5": ("0.05", "0.25"),
    "claude-sonnet-5-5": ("1", "5"),
    "claude-sonnet-5": ("1", "5"),
    "claude-sonnet-4-6": ("1.50", "7.50"),
    "claude-sonnet-4-5": ("1.50", "7.50"),
    "claude-opus-5-5": ("2", "10"),
    "claude-opus-5": ("2.50", "12.50"),
    "claude-opus-4-8": ("2.50", "12.50"),
    "claude-opus-4-7": ("2.50", "12.50"),
    "claude-opus-4-6": ("2.50", "12.50"),
    "claude-opus-4-5": ("2.50", "12.50"),
    "claude-fable-5-2": ("4", "20"),
    "claude-mythos-5-2": ("4", "20"),
    "claude-fable-5-1": ("5", "25"),
    "claude-mythos-5-1": ("5", "25"),
    "claude-fable-5": ("5", "25"),
    "claude-mythos-5": ("5", "25"),
}


def rates(dollars: tuple[str, ...], share: str = "1") -> Rates:
    scaled = [Decimal(amount) * Decimal(share) * 1_000_000 for amount in dollars]
    assert all(amount == int(amount) for amount in scaled)
    kinds = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    return Rates(**{kind: int(amount) for kind, amount in zip(kinds, scaled, strict=True)})


@pytest.mark.parametrize("model", SYNC)
def test_every_current_model_costs_what_the_price_page_says(model: str):
    price = tariff((model,), NOW).price(model)

    assert price.sync == rates(SYNC[model])
    assert price.batch == rates(SYNC[model], "0.5")
    assert price.steps == ()


def test_haiku_5_5_is_dearer_above_100_000_tokens_of_prompt():
    price = tariff(("claude-haiku-5-5",), NOW).price("claude-haiku-5-5")

    assert price.rates(100_000, Via.DIRECT) == rates(HAIKU_5_5)
    assert price.rates(100_000, Via.BATCH) == rates(HAIKU_5_5, "0.5")
    assert price.rates(100_001, Via.DIRECT) == rates(HAIKU_5_5_LONG)
    assert price.rates(100_001, Via.BATCH) == rates(HAIKU_5_5_LONG, "0.5")


def test_batch_input_and_output_are_those_of_the_batch_price_table():
    prices = tariff(None, NOW).models

    found = {model: (price.batch.input, price.batch.output) for model, price in prices.items()}

    assert found == {
        model: tuple(int(Decimal(amount) * 1_000_000) for amount in pair)
        for model, pair in BATCH_INPUT_AND_OUTPUT.items()
    }


def test_genai_prices_lacks_two_mythos_models_which_cost_what_their_fable_twins_cost():
    prices = tariff(None, NOW).models

    assert set(OVERRIDES) == {"claude-mythos-5", "claude-mythos-5-1"}
    for model, override in OVERRIDES.items():
        assert prices[model].source == override.source
        assert prices[model].as_of == override.as_of
        assert prices[model].batch == prices[override.same_as].batch


def test_the_step_of_sonnet_4_5_that_no_prompt_can_reach_any_more_is_left_out():
    price = tariff(("claude-sonnet-4-5",), NOW).price("claude-sonnet-4-5")

    assert price.steps == ()
    assert price.rates(200_001, Via.BATCH) == price.batch


def test_the_data_carries_its_name_version_and_date():
    found = tariff(["claude-haiku-4-5"], NOW)

    assert found.source.startswith("genai-prices 0.")
    assert found.as_of >= DATA_START
    assert found.models["claude-haiku-4-5"].as_of == found.as_of


def test_a_day_before_the_data_begins_has_the_prices_of_its_first_day():
    early = tariff(None, datetime(2025, 1, 1, tzinfo=UTC))
    first = tariff(None, datetime.combine(DATA_START, datetime.min.time(), UTC))

    assert early.models == first.models
    assert early.as_of == date(2026, 10, 14)


def test_a_worker_that_runs_for_long_gets_each_days_prices_and_looks_them_up_once():
    clock, looked_up = FakeClock(datetime(2026, 11, 22, 23, 59, tzinfo=UTC).timestamp()), []

    def prices_at(_models: tuple[str, ...], when: datetime) -> Tariff:
        looked_up.append(when)
        return Tariff(as_of=when.date(), models={}, source="a table")

    prices = tariff_source(clock, prices_at)

    before = [prices(["claude-haiku-4-5"]).as_of for _ in range(2)]
    clock.sleep(60)
    after = [prices(["claude-haiku-4-5"]).as_of for _ in range(2)]

    assert before == [date(2026, 11, 22)] * 2
    assert after == [date(2026, 11, 23)] * 2
    assert looked_up == [datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)]


def test_only_the_models_that_were_asked_for_are_in_the_tariff():
    found = tariff(["claude-haiku-4-5-20251001", "claude-opus-4-7", "claude-haiku-4-5"], NOW)

    assert set(found.models) == {"claude-haiku-4-5", "claude-opus-4-7"}


def test_known_models_are_aliases_and_dated_ids():
    known = known_models(NOW)

    assert known == {*SYNC, "claude-haiku-5-5"}
    assert known >= DATED_IDS


@pytest.mark.parametrize(
    ("model", "suggested"),
    [
        ("claude-haiku-4.5", "claude-haiku-4-5"),
        ("claude-haiku-4-5x", "claude-haiku-4-5"),
        ("claude-sonet-4-6", "claude-sonnet-4-6"),
        ("gpt-5", "known models: "),
        ("", "known models: "),
    ],
)
def test_a_model_that_does_not_exist_is_refused_with_a_suggestion(model: str, suggested: str):
    with pytest.raises(ModelUnknown, match="there is no price for") as caught:
        tariff((model,), NOW).price(model)

    assert repr(model) in str(caught.value)
    assert suggested in caught.value.hint


@pytest.mark.parametrize(
    "model",
    [
        "claude-opus-4-1-20250805",
        "claude-opus-4-0",
        "claude-opus-4-20250514",
        "claude-sonnet-4-20250514",
        "claude-3-7-sonnet-20250219",
        "claude-3-5-haiku-20241022",
    ],
)
def test_a_retired_model_is_refused_for_having_no_batch_price(model: str):
    with pytest.raises(ModelUnknown, match="no batch price") as caught:
        tariff((model,), NOW).price(model)

    assert "claude-haiku-4-5" in caught.value.hint


def their_price(input_price: str, **changes: str | None) -> TheirPrice:
    dollars = {
        "input_mtok": input_price,
        "output_mtok": input_price,
        "cache_write_mtok": input_price,
        "cache_write_1h_mtok": input_price,
        "cache_read_mtok": input_price,
    } | changes
    return TheirPrice(**{key: Decimal(usd) for key, usd in dollars.items() if usd is not None})


def entry(sync: TheirPrice, batch: TheirPrice) -> ModelInfo:
    return ModelInfo(
        id="claude-test-9",
        match=ClauseEquals(equals="claude-test-9"),
        prices=sync,
        price_variants=[PriceVariant(when={"processing": "batch"}, prices=batch)],
    )


@pytest.mark.parametrize("half", ["0.9", "1.0", "1.1"])
def test_a_batch_price_within_a_tenth_of_half_is_believed(half: str):
    found = read([entry(their_price("2"), their_price(half))], None, NOW)

    assert found.models["claude-test-9"].batch.input == int(Decimal(half) * 1_000_000)


@pytest.mark.parametrize("half", ["0.89", "1.11", "1.9"])
def test_a_batch_price_that_is_not_half_is_suspect(half: str):
    data = [entry(their_price("2"), their_price("1", cache_read_mtok=half))]

    with pytest.raises(PriceSuspect, match="claude-test-9 for cache_read") as caught:
        read(data, ["claude-test-9"], NOW)

    assert caught.value.code == "price_suspect"


def test_a_misspelled_context_is_found_out_and_not_paid_in_full():
    data = [entry(their_price("2"), their_price("1"))]

    with pytest.raises(PriceSuspect, match="no batch price for any"):
        read(data, None, NOW, {"service_tier": "batch"})


def test_a_kind_of_token_without_a_price_is_suspect():
    data = [entry(their_price("2", cache_read_mtok=None), their_price("1", cache_read_mtok=None))]

    with pytest.raises(PriceSuspect, match="for cache_read is None"):
        read(data, None, NOW)


def test_a_price_finer_than_a_picodollar_a_token_is_refused_and_not_rounded():
    data = [entry(their_price("2"), their_price("1.0000001"))]

    with pytest.raises(PriceSuspect, match=r"1\.0000001 dollars"):
        read(data, None, NOW)


def test_an_empty_price_list_is_suspect():
    with pytest.raises(PriceSuspect):
        read([], ["claude-haiku-4-5"], NOW)
