"""Inference in the US alone: what is booked, verified and delivered."""

import json
from decimal import Decimal

from msgspec import Raw

MODEL = "claude-sonnet-4-6"


def requests(*geos: str | None) -> list[dict[str, object]]:
    plain = {
        "model": MODEL,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Say: hello"}],
    }
    return [
        {"custom_id": str(n), "params": {**plain, **({"inference_geo": geo} if geo else {})}}
        for n, geo in enumerate(geos)
    ]


def test_the_receipt_is_the_bill_wherever_answers_were_made(stage):
    bb = stage.open()
    run = bb.enqueue(requests("us", None, "global", "us"))

    receipt = bb.run(run.id).receipt
    verified = bb.verify(run.id)

    assert receipt.paid.picodollars == stage.world.bill().total
    assert receipt.sync_equivalent.picodollars == 2 * receipt.paid.picodollars
    assert (verified.differences, verified.paid) == ([], stage.world.bill().total)


def test_a_run_in_the_us_costs_exactly_a_tenth_more(make_stage):
    bills = []
    for geo in (None, "us"):
        stage = make_stage()
        bb = stage.open()
        bb.run(bb.enqueue(requests(geo, geo)).id)
        bills.append(stage.world.bill().total)

    assert bills[1] * 10 == bills[0] * 11 > 0


def test_the_columns_of_a_table_in_the_us_sum_to_the_receipt(stage):
    bb = stage.open()
    run = stage.run_of(
        bb, stage.table(["one", "two", "one"]), model=MODEL, params={"inference_geo": raw("us")}
    )

    receipt = bb.run(run.id).receipt

    paid = sum(Decimal(row["cost_usd"]) for row in stage.rows())
    assert paid == Decimal(receipt.paid.usd())
    assert receipt.paid.picodollars == stage.world.bill().total
    assert bb.verify(run.id).differences == []


def raw(value: object) -> Raw:
    return Raw(json.dumps(value).encode())
