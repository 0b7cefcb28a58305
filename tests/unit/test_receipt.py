import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.money import Charge, Money
from backburner.nouns.outcome import Outcome
from backburner.report.receipt import Receipt, make_receipt

amounts = st.integers(0, 10**18)
charges = st.builds(Charge, paid=amounts, uncached=amounts, sync=amounts)


def receipt(**changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "run": "r1",
        "outcomes": {Outcome.OK: 1_998, Outcome.EXPIRED: 2},
        "requests": 1_900,
        "charges": [
            Charge(paid=400, uncached=500, sync=1_000),
            Charge(paid=7, uncached=7, sync=7),
        ],
        "paid_twice": 0,
        "unpriced": 0,
        "collapsed_sync": 50,
        "took": timedelta(seconds=17),
        "price_date": date(2026, 10, 14),
        "price_source": "genai-prices 0.2.3",
    }
    return make_receipt(**(values | changes))


@given(st.lists(charges), amounts, amounts)
def test_savings_and_payment_sum_to_the_sync_price_to_the_picodollar(
    ledger: list[Charge], collapsed: int, reused: int
):
    made = receipt(charges=ledger, collapsed_sync=collapsed, reused=1, reused_sync=reused)

    unasked = made.saved_by_collapse + made.saved_by_reuse
    assert made.paid + made.saved_by_batch + made.saved_by_cache + unasked == made.sync_equivalent
    assert made.paid.picodollars == sum(entry.paid for entry in ledger)


def test_each_saving_has_its_own_cause():
    made = receipt()

    assert made.sync_equivalent == Money(picodollars=1_057)
    assert made.saved_by_collapse == Money(picodollars=50)
    assert made.saved_by_batch == Money(picodollars=500)
    assert made.saved_by_cache == Money(picodollars=100)
    assert made.paid == Money(picodollars=407)
    assert made.saved == Money(picodollars=650)


def test_a_cache_that_was_written_and_not_read_shows_as_a_loss():
    made = receipt(charges=[Charge(paid=1_250, uncached=1_000, sync=2_000)])

    assert made.saved_by_cache == Money(picodollars=-250)


def test_outcomes_that_do_not_sum_to_the_rows_are_refused():
    values = {name: getattr(receipt(), name) for name in Receipt.__dataclass_fields__}

    with pytest.raises(ValueError, match="2001 rows"):
        Receipt(**(values | {"rows": 2_001}))


def test_savings_that_do_not_add_up_are_refused():
    values = {name: getattr(receipt(), name) for name in Receipt.__dataclass_fields__}

    with pytest.raises(ValueError, match="do not add up"):
        Receipt(**(values | {"saved_by_cache": Money(picodollars=101)}))


def test_what_was_reused_is_told_where_there_is_any():
    labels = [label for label, _ in receipt().lines()]
    reused = dict(receipt(reused=1, reused_sync=10**12).lines())

    assert "saved by reuse" not in labels
    assert reused["saved by reuse"] == "$1.00: the answers of 1 request are those of earlier runs"


def test_more_reused_than_requested_is_refused():
    with pytest.raises(ValueError, match="1900 requests cannot have reused 1901"):
        receipt(reused=1_901)


def test_more_requests_than_rows_are_refused():
    with pytest.raises(ValueError, match="2000 rows cannot make 2001 requests"):
        receipt(requests=2_001)


def test_the_terminal_shows_rows_by_outcome_and_each_saving():
    cents = 10**10

    lines = dict(
        receipt(
            charges=[Charge(paid=400 * cents, uncached=500 * cents, sync=1_000 * cents)],
            collapsed_sync=50 * cents,
        ).lines()
    )

    assert lines == {
        "rows": "2,000: 1,998 ok, 2 expired",
        "requests": "1,900 (100 rows shared one)",
        "paid": "$4.00",
        "the same calls sync": "$10.50",
        "saved by batch": "$5.00",
        "saved by cache": "$1.00",
        "saved by collapsing": "$0.50",
        "took": "17 s",
        "prices of": "2026-10-14 (genai-prices 0.2.3)",
    }


def test_answers_without_a_known_price_are_said():
    made = receipt(unpriced=1_200)

    assert dict(made.lines())["no known price"] == "1,200 answers, which are in no amount here"
    assert made.to_json()["answers_unpriced"] == 1_200


def test_outcomes_of_no_row_are_left_out_of_the_terminal():
    lines = dict(receipt(outcomes={"ok": 3, "expired": 0}, requests=3).lines())

    assert lines["rows"] == "3: 3 ok"
    assert lines["requests"] == "3"
    assert dict(receipt(outcomes={}, requests=0).lines())["rows"] == "0"


@pytest.mark.parametrize(
    ("took", "shown"),
    [
        (timedelta(seconds=-1), "0 s"),
        (timedelta(seconds=59.4), "59 s"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(hours=25, minutes=3, seconds=9), "25 h 3 min"),
    ],
)
def test_time_taken_is_said_in_two_units_at_most(took: timedelta, shown: str):
    assert dict(receipt(took=took).lines())["took"] == shown


def test_the_json_holds_exact_money_and_survives_encoding():
    made = receipt().to_json()

    assert json.loads(json.dumps(made)) == made
    assert made["paid_usd"] == "0.000000000407"
    assert made["outcomes"] == {"ok": 1_998, "expired": 2}
    assert made["rows_collapsed"] == 100
    assert made["took_seconds"] == 17.0
