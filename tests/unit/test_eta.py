"""When work will be back, as a range, and a machine that slept."""

import pytest

from backburner.cli.deadlines import eta_in_words
from backburner.plan.eta import Eta, UnderWay, eta_of, slept
from backburner.plan.turnaround import prior

NOW = 1_790_000_000.0


def away(*minutes):
    return eta_of([UnderWay(sent_at=NOW - 60 * each, curve=prior()) for each in minutes], NOW)


def words(first, last, basis="from your last 30 batches"):
    return eta_in_words(Eta(median=NOW + first, late=NOW + last, basis=basis), NOW)


def test_nothing_under_way_is_nothing_to_expect():
    assert eta_of([], NOW) is None


def test_a_fresh_batch_is_back_when_such_batches_are():
    eta = away(0)

    assert eta.median - NOW == pytest.approx(420, rel=0.01)
    assert eta.late - NOW == pytest.approx(111 * 60, rel=0.01)


def test_the_longer_a_batch_is_away_the_longer_it_will_be():
    fresh, old = away(0), away(120)

    assert old.median - NOW > fresh.median - NOW
    assert old.median > NOW


def test_several_batches_are_back_when_the_slowest_is():
    assert away(0, 0, 0, 0).late > away(0).late
    assert away(0, 120).median == away(120).median


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (720, 2400, "12-40 min "),
        (420, 6660, "7 min to 1 h 51 min "),
        (20, 90, "20 s to 1 min "),
        (-5, 90, "0 s to 1 min "),
    ],
)
def test_a_range_is_told_in_the_units_that_it_needs(first, last, told):
    said = words(first, last)

    assert said.startswith(told)
    assert said.endswith("), from your last 30 batches")


def test_a_machine_slept_if_its_steady_clock_stood_still():
    assert slept(7200, 5) == 7195
    assert slept(7200, 7199) == 0
    assert slept(5, 60) == 0
