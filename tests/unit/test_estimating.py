from dataclasses import fields
from datetime import date

import pytest

from backburner.nouns.batch import Via
from backburner.nouns.money import Money
from backburner.nouns.tariff import ModelPrice, Rates, Step, Tariff
from backburner.nouns.usage import Usage
from backburner.plan.estimating import Estimate, Workload, estimate
from backburner.plan.pricing import cost

HAIKU, STEPPED, OPUS = "claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-4-7"
DAY = date(2026, 10, 14)


def rates(base: int, *, output: int = 5) -> Rates:
    """Rates in nanodollars per token of plain input, with the usual cache factors."""
    return Rates(
        input=base * 1_000,
        output=base * output * 1_000,
        cache_write_5m=base * 1_250,
        cache_write_1h=base * 2_000,
        cache_read=base * 100,
    )


def model_price(model: str, base: int, steps: tuple[Step, ...] = ()) -> ModelPrice:
    return ModelPrice(
        model=model,
        sync=rates(base),
        batch=rates(base // 2),
        steps=steps,
        as_of=DAY,
        source="typed by hand",
    )


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

# Characters per token: the counting endpoint's for English prose, and those of ctok 1.3.0, an
# unofficial counter, for four other kinds of text. Before 4.7, and from 4.7 on.
MEASURED = {
    "english prose": (4.33, 3.60),
    "film reviews": (3.40, 2.58),
    "python": (3.56, 2.89),
    "debian rows as json": (2.80, 2.10),
    "rows of names and sums as json": (2.15, 1.47),
}


def workload(model: str, requests: int, bytes_each: int, **rest: object) -> Workload:
    return Workload(
        model=model,
        requests=requests,
        prompt_bytes=requests * bytes_each,
        smallest_prompt_bytes=bytes_each,
        largest_prompt_bytes=bytes_each,
        max_output_tokens=200 * requests,
        **rest,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("bytes_each", [40, 300, 20_000])
@pytest.mark.parametrize("text", MEASURED)
@pytest.mark.parametrize(("model", "generation"), [(HAIKU, 0), (OPUS, 1), (STEPPED, 1)])
def test_an_estimate_holds_the_measured_truth(
    model: str, generation: int, text: str, bytes_each: int
):
    frame = (7, 11)[generation]
    true = Usage(
        input_tokens=round(bytes_each / MEASURED[text][generation]) + frame, output_tokens=3
    )

    guess = estimate(TARIFF, workload(model, 1_000, bytes_each))

    assert guess.input_tokens_low <= 1_000 * true.input_tokens <= guess.input_tokens_high
    paid = Money(picodollars=1_000 * cost(TARIFF, model, true, Via.BATCH))
    assert guess.low <= paid <= guess.high
    sync = Money(picodollars=1_000 * cost(TARIFF, model, true, Via.DIRECT))
    assert guess.sync_low <= sync <= guess.sync_high


def test_an_estimate_is_a_range_even_for_one_short_request():
    guess = estimate(TARIFF, workload(HAIKU, 1, 450))

    assert guess == Estimate(
        requests=1,
        input_tokens_low=105,
        input_tokens_high=250,
        output_tokens_low=1,
        output_tokens_high=200,
        low=Money(picodollars=105 * 500_000 + 2_500_000),
        high=Money(picodollars=250 * 500_000 + 200 * 2_500_000),
        sync_low=Money(picodollars=105 * 1_000_000 + 5_000_000),
        sync_high=Money(picodollars=250 * 1_000_000 + 200 * 5_000_000),
        price_date=DAY,
    )


def test_newer_models_make_more_tokens_of_the_same_text():
    older, newer = (estimate(TARIFF, workload(m, 10, 1_000)) for m in (HAIKU, OPUS))

    assert newer.input_tokens_low > older.input_tokens_low
    assert newer.input_tokens_high > older.input_tokens_high


def test_a_model_whose_generation_is_unknown_gets_the_widest_range():
    tariff = Tariff(
        as_of=DAY, models={"claude-next": model_price("claude-next", 1_000)}, source="typed by hand"
    )
    guess = estimate(tariff, workload("claude-next", 10, 1_000))
    older, newer = (estimate(TARIFF, workload(m, 10, 1_000)) for m in (HAIKU, OPUS))

    assert guess.input_tokens_low == older.input_tokens_low
    assert guess.input_tokens_high == newer.input_tokens_high


def test_tools_add_their_hidden_tokens():
    plain = estimate(TARIFF, workload(HAIKU, 10, 1_000))
    tools = estimate(TARIFF, workload(HAIKU, 10, 1_000, requests_with_tools=10))

    assert tools.input_tokens_low - plain.input_tokens_low == 2_860
    assert tools.input_tokens_high - plain.input_tokens_high == 8_040


def test_cache_marks_widen_the_range_to_all_read_and_all_written():
    plain = estimate(TARIFF, workload(HAIKU, 10, 1_000))
    marked = estimate(TARIFF, workload(HAIKU, 10, 1_000, cache_marks=True))

    assert marked.low < plain.low
    assert marked.high > plain.high


def test_a_price_step_that_some_prompt_may_reach_is_in_the_high_figure_only():
    mixed = Workload(
        model=STEPPED,
        requests=2,
        prompt_bytes=401_000,
        smallest_prompt_bytes=1_000,
        largest_prompt_bytes=400_000,
        max_output_tokens=2,
    )

    guess = estimate(TARIFF, mixed)

    assert guess.low.picodollars == guess.input_tokens_low * 50_000 + 2 * 250_000
    assert guess.high.picodollars == guess.input_tokens_high * 250_000 + 2 * 1_250_000


def test_estimates_of_several_models_add_up():
    parts = [estimate(TARIFF, workload(model, 10, 1_000)) for model in (HAIKU, OPUS)]

    both = parts[0] + parts[1]

    for field in fields(Estimate):
        name = field.name
        if name != "price_date":
            assert getattr(both, name) == getattr(parts[0], name) + getattr(parts[1], name)
    assert both.price_date == DAY


def test_nothing_costs_nothing():
    guess = estimate(TARIFF, workload(HAIKU, 0, 0))

    assert guess.low == guess.high == guess.sync_high == Money.zero()
