"""A tenth more for inference in the US alone, in an estimate."""

from datetime import date

import pytest

from backburner.nouns.tariff import ModelPrice, Rates, Tariff
from backburner.plan.estimating import Estimate, estimate_all
from backburner.runs.stager import workloads_of

MODEL = "claude-sonnet-4-6"
PLAIN = (
    b'{"model":"claude-sonnet-4-6","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}'
)


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


def body(geo: bytes) -> bytes:
    return PLAIN[:-1] + b',"inference_geo":' + geo + b"}"


def guess(bodies: list[bytes]) -> Estimate:
    found = estimate_all(TARIFF, workloads_of(bodies))
    assert found is not None
    return found


@pytest.mark.parametrize("geo", [b'"us"', b'"\\u0075s"'])
def test_where_every_request_asks_for_the_us_all_of_it_is_a_tenth_dearer(geo: bytes):
    usual, dearer = guess([PLAIN] * 10), guess([body(geo)] * 10)

    for name in ("price", "sync"):
        for end in ("low", "expected", "high"):
            before, after = (getattr(getattr(one, name), end) for one in (usual, dearer))
            assert 10 * after.picodollars == pytest.approx(11 * before.picodollars, abs=10)


def test_where_some_ask_for_it_they_alone_are_dearer():
    usual, mixed = guess([PLAIN] * 10), guess([PLAIN] * 5 + [body(b'"us"')] * 5)

    assert 20 * mixed.price.high.picodollars == pytest.approx(
        21 * usual.price.high.picodollars, rel=0.01
    )


@pytest.mark.parametrize("geo", [b'"global"', b"null"])
def test_elsewhere_it_costs_no_more(geo: bytes):
    assert guess([body(geo)]).price == guess([PLAIN]).price
