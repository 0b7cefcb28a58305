"""A tenth more for inference in the US alone, in an estimate."""

from datetime import date

import pytest

from backburner.nouns.tariff import ModelPrice, Rates, Tariff
from backburner.plan.estimating import Estimate, Workload, estimate
from backburner.runs.stager import workloads_of

MODEL = "claude-sonnet-4-6"


def rates(share: int) -> Rates:
    return Rates(
        input=3_000_000 // share,
        output=15_000_000 // share,
        cache_write_5m=3_750_000 // share,
        cache_write_1h=6_000_000 // share,
        cache_read=300_000 // share,
    )


PRICE = ModelPrice(
    model=MODEL, sync=rates(1), batch=rates(2), as_of=date(2026, 10, 14), source="typed by hand"
)
TARIFF = Tariff(as_of=PRICE.as_of, models={MODEL: PRICE}, source="typed by hand")


def guess(in_us: int) -> Estimate:
    return estimate(
        TARIFF,
        Workload(
            model=MODEL,
            requests=10,
            prompt_bytes=1_000,
            smallest_prompt_bytes=100,
            largest_prompt_bytes=100,
            max_output_tokens=1_000,
            requests_in_us=in_us,
        ),
    )


def test_where_every_request_asks_for_the_us_all_of_it_is_a_tenth_dearer():
    usual, dearer = guess(0), guess(10)

    for name in ("low", "high", "sync_low", "sync_high"):
        assert 10 * getattr(dearer, name).picodollars == 11 * getattr(usual, name).picodollars


def test_where_some_ask_for_it_only_the_high_figure_is():
    usual, mixed = guess(0), guess(1)

    assert (mixed.low, mixed.sync_low) == (usual.low, usual.sync_low)
    assert 10 * mixed.high.picodollars == 11 * usual.high.picodollars


@pytest.mark.parametrize(
    ("geo", "count"), [(b'"us"', 1), (b'"global"', 0), (b"null", 0), (b'"\\u0075s"', 1)]
)
def test_bodies_that_ask_for_the_us_are_counted(geo: bytes, count: int):
    body = b'{"model":"m","max_tokens":5,"messages":[{}],"inference_geo":' + geo + b"}"
    plain = b'{"model":"m","max_tokens":5,"messages":[{}]}'

    [work] = workloads_of([plain, body])

    assert (work.requests, work.requests_in_us) == (2, count)
