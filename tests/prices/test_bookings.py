"""What collecting books and what `verify` recounts: both against figures worked out by hand."""

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from backburner.errors import PriceSuspect
from backburner.nouns.tariff import WEB_SEARCH, ModelPrice, Rates
from backburner.prices import tariff
from backburner.report.recount import recount
from backburner.worker.reading import Reading, read_results

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SONNET, HAIKU = "claude-sonnet-4-6", "claude-haiku-5-5"


def line(number: int, model: str, **usage: Any) -> bytes:
    message = {"model": model, "stop_reason": "end_turn", "usage": {"output_tokens": 0, **usage}}
    result = {"type": "succeeded", "message": message}
    return json.dumps({"custom_id": str(number), "result": result}).encode()


def look_up(model: str) -> ModelPrice:
    return tariff((model,), NOW).price(model)


def read(lines: list[bytes]) -> Reading:
    return read_results(
        BytesIO(b"\n".join(lines)),
        position_of=int,
        requests=len(lines),
        run_of=lambda _: "r",
        price_of=look_up,
    )


def both(lines: list[bytes]) -> tuple[int, int, int]:
    """What all lines cost: paid, uncached and sync, by the one reading and by the other."""
    charges = [one.charge for one in read(lines).bookings]
    booked = [
        (charge.paid, charge.uncached, charge.sync) for charge in charges if charge is not None
    ]
    found = recount(lines, name_of=str, run_of=lambda _: "r", price_of=look_up)
    counted = [(one.paid, one.uncached, one.sync) for one in found.sums.values()]
    assert booked == counted
    [figures] = booked
    return figures


def test_inference_in_the_us_costs_a_tenth_more_on_every_kind_of_token():
    used = line(
        0,
        SONNET,
        input_tokens=1_000,
        output_tokens=1_000,
        cache_read_input_tokens=1_000,
        cache_creation_input_tokens=2_000,
        cache_creation={"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 1_000},
        inference_geo="us",
    )

    paid, uncached, sync = both([used])

    # Dollars per million, in a batch and in the US: 1.65 in, 8.25 out, 2.0625 and 3.30 written,
    # 0.165 read.
    assert paid == 1_650_000_000 + 8_250_000_000 + 2_062_500_000 + 3_300_000_000 + 165_000_000
    assert uncached == 4 * 1_650_000_000 + 8_250_000_000
    assert sync == 2 * uncached


@pytest.mark.parametrize("geo", ["global", "not_available", None, "mars"])
def test_inference_anywhere_else_costs_the_usual_price(geo: str | None):
    assert both([line(0, SONNET, input_tokens=1_000, inference_geo=geo)])[0] == 1_500_000_000


def test_answers_of_one_model_from_two_places_are_one_booking_priced_each_by_its_own():
    lines = [
        line(0, SONNET, input_tokens=1_000, inference_geo="us"),
        line(1, SONNET, input_tokens=10, inference_geo="global"),
        line(2, SONNET, input_tokens=1_000, inference_geo="us"),
    ]

    [booking] = read(lines).bookings

    assert (booking.requests, booking.usage.input_tokens) == (3, 2_010)
    assert both(lines)[0] == 2 * 1_650_000_000 + 15_000_000


def test_the_price_step_and_the_tenth_for_the_us_multiply():
    used = line(
        0,
        HAIKU,
        input_tokens=1,
        output_tokens=100,
        cache_read_input_tokens=100_000,
        inference_geo="us",
    )

    # A prompt of 100,001 tokens. Dollars per million: 0.275 in, 1.375 out, 0.0275 read.
    assert both([used])[0] == 275_000 + 100 * 1_375_000 + 100_000 * 27_500


def test_web_searches_are_paid_in_full_and_are_no_saving():
    used = line(
        0,
        SONNET,
        input_tokens=1_000,
        inference_geo="us",
        server_tool_use={"web_search_requests": 3},
    )

    paid, uncached, sync = both([used])

    assert WEB_SEARCH * 1_000 == 10 * 10**12
    assert paid == uncached == 3 * WEB_SEARCH + 1_650_000_000
    assert sync - uncached == 1_650_000_000
    assert read([used]).bookings[0].usage.web_searches == 3


@pytest.mark.parametrize(
    "tools", [None, {}, {"web_search_requests": None, "web_fetch_requests": 9}]
)
def test_a_web_fetch_and_no_tool_at_all_cost_nothing(tools: dict[str, Any] | None):
    assert both([line(0, SONNET, server_tool_use=tools)]) == (0, 0, 0)


def test_a_rate_that_would_not_be_whole_in_the_us_is_refused_and_not_rounded():
    rates = Rates(input=1, output=10, cache_write_5m=10, cache_write_1h=10, cache_read=10)

    with pytest.raises(PriceSuspect, match="input at 1 picodollars"):
        rates.in_us()
