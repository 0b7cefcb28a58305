from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.money import PICODOLLARS, Charge, Money

amounts = st.integers(-(10**24), 10**24).map(lambda n: Money(picodollars=n))
charges = st.builds(Charge, paid=st.integers(), uncached=st.integers(), sync=st.integers())


@given(st.lists(amounts))
def test_the_total_is_the_same_in_any_order(parts: list[Money]):
    total = Money.total(parts)

    assert total == sum(reversed(parts), start=Money.zero())
    assert total.picodollars == sum(part.picodollars for part in parts)


@given(amounts, amounts)
def test_what_is_added_can_be_taken_away(a: Money, b: Money):
    assert a + b - b == a
    assert a - b == -(b - a)
    assert (a < b) == (a.picodollars < b.picodollars)


@given(amounts)
def test_usd_is_exact_and_has_no_needless_digit(amount: Money):
    text = amount.usd()

    assert Fraction(text) * PICODOLLARS == amount.picodollars
    assert "." not in text or not text.endswith("0")
    assert not text.endswith(".")


@given(amounts)
def test_show_is_off_by_less_than_a_cent_and_by_less_than_a_tenth(amount: Money):
    shown = Decimal(amount.show().replace("$", "").replace(",", ""))

    error = abs(int(shown * PICODOLLARS) - amount.picodollars)
    assert error <= PICODOLLARS // 200
    assert error * 20 <= abs(amount.picodollars) or abs(amount.picodollars) < 10


@pytest.mark.parametrize(
    ("picodollars", "usd", "show"),
    [
        (0, "0", "$0.00"),
        (1, "0.000000000001", "$0.000000000001"),
        (123_000_000, "0.000123", "$0.00012"),
        (1_200_000_000, "0.0012", "$0.0012"),
        (9_960_000_000, "0.00996", "$0.01"),
        (12_345_000_000, "0.012345", "$0.012"),
        (50_000_000_000, "0.05", "$0.05"),
        (99_600_000_000, "0.0996", "$0.10"),
        (5_280_000_000_000, "5.28", "$5.28"),
        (5_285_000_000_000, "5.285", "$5.29"),
        (5_000_000_000_000, "5", "$5.00"),
        (1_234_500_000_000_000, "1234.5", "$1,234.50"),
        (-1_200_000_000, "-0.0012", "-$0.0012"),
        (-5_280_000_000_000, "-5.28", "-$5.28"),
    ],
)
def test_money_is_written_for_machines_and_for_people(picodollars: int, usd: str, show: str):
    amount = Money(picodollars=picodollars)

    assert amount.usd() == usd
    assert amount.show() == show


@given(charges, charges)
def test_charges_add_up_figure_by_figure(a: Charge, b: Charge):
    total = a + b

    assert total.paid == a.paid + b.paid
    assert total.uncached == a.uncached + b.uncached
    assert total.sync == a.sync + b.sync
