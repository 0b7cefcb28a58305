"""Windows in time: nights on which the clock is changed, ends of months, and clocks that jump."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backburner.nouns.window import CronWindow, DailyWindow, Opening, Window
from backburner.plan.windows import missed, never_opens, next_openings, opening

EVERY_DAY = tuple(range(7))
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def daily(span: str, days: tuple[int, ...] = EVERY_DAY) -> DailyWindow:
    opens, closes = (int(one[:2]) * 60 + int(one[3:]) for one in span.split("-"))
    return DailyWindow(days=days, opens=opens, closes=closes)


def local(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def told(found: Opening | None, zone: str) -> tuple[str, str, float]:
    """When an opening begins and ends by the zone's clock, with offsets, and its real minutes."""
    assert found is not None
    first, last = (
        datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat(timespec="minutes")
        for at in (found.since, found.until)
    )
    return first, last, (found.until - found.since) / 60


@pytest.mark.parametrize(
    ("zone", "before", "span", "expected"),
    [
        # Spring: 02:00 becomes 03:00 in Berlin and New York, 02:30 on Lord Howe.
        (BERLIN, "2027-03-27T12:00", "23:00-06:00", ("27T23:00+01:00", "28T06:00+02:00", 360)),
        (BERLIN, "2027-03-27T12:00", "02:30-05:00", ("28T03:00+02:00", "28T05:00+02:00", 120)),
        (BERLIN, "2027-03-27T12:00", "01:00-02:30", ("28T01:00+01:00", "28T03:00+02:00", 60)),
        (BERLIN, "2027-03-27T12:00", "02:10-02:40", ("28T03:00+02:00", "28T03:30+02:00", 30)),
        (NEW_YORK, "2027-03-13T12:00", "23:00-06:00", ("13T23:00-05:00", "14T06:00-04:00", 360)),
        (NEW_YORK, "2027-03-13T12:00", "02:00-04:00", ("14T03:00-04:00", "14T04:00-04:00", 60)),
        (NEW_YORK, "2027-03-13T12:00", "02:00-03:00", ("14T03:00-04:00", "14T04:00-04:00", 60)),
        (LORD_HOWE, "2026-10-03T12:00", "23:00-06:00", ("03T23:00+10:30", "04T06:00+11:00", 390)),
        (LORD_HOWE, "2026-10-03T12:00", "02:15-05:00", ("04T02:30+11:00", "04T05:00+11:00", 150)),
        (LORD_HOWE, "2026-10-03T12:00", "02:00-02:30", ("04T02:30+11:00", "04T03:00+11:00", 30)),
        # Autumn: 03:00 becomes 02:00 in Berlin, 02:00 becomes 01:00 in New York, and 01:30 there.
        (BERLIN, "2027-10-30T12:00", "23:00-06:00", ("30T23:00+02:00", "31T06:00+01:00", 480)),
        (BERLIN, "2027-10-30T12:00", "02:15-02:45", ("31T02:15+02:00", "31T02:45+01:00", 90)),
        (BERLIN, "2027-10-30T12:00", "02:30-04:00", ("31T02:30+02:00", "31T04:00+01:00", 150)),
        (BERLIN, "2027-10-30T12:00", "00:00-02:30", ("31T00:00+02:00", "31T02:30+01:00", 210)),
        (NEW_YORK, "2027-11-06T12:00", "23:00-06:00", ("06T23:00-04:00", "07T06:00-05:00", 480)),
        (NEW_YORK, "2027-11-06T12:00", "01:00-01:30", ("07T01:00-04:00", "07T01:30-05:00", 90)),
        (LORD_HOWE, "2027-04-03T12:00", "23:00-06:00", ("03T23:00+11:00", "04T06:00+10:30", 450)),
        (LORD_HOWE, "2027-04-03T12:00", "01:30-01:45", ("04T01:30+11:00", "04T01:45+10:30", 45)),
    ],
)
def test_on_nights_with_another_clock_a_window_opens_once_as_the_rules_say(
    zone: str, before: str, span: str, expected: tuple[str, str, float]
):
    first, last, minutes = told(opening([daily(span)], zone, local(before, zone)), zone)

    assert (first[8:], last[8:], minutes) == expected


@pytest.mark.parametrize(
    ("zone", "before", "cron", "expected"),
    [
        (BERLIN, "2027-03-27T12:00", "30 2 * * *", "2027-03-28T03:00+02:00"),
        (BERLIN, "2027-10-30T12:00", "30 2 * * *", "2027-10-31T02:30+02:00"),
        (NEW_YORK, "2027-03-13T12:00", "0 2 * * *", "2027-03-14T03:00-04:00"),
        (NEW_YORK, "2027-11-06T12:00", "30 1 * * *", "2027-11-07T01:30-04:00"),
        (LORD_HOWE, "2026-10-03T12:00", "15 2 * * *", "2026-10-04T02:30+11:00"),
        (LORD_HOWE, "2027-04-03T12:00", "45 1 * * *", "2027-04-04T01:45+11:00"),
    ],
)
def test_a_cron_window_opens_once_on_such_nights_and_lasts_its_real_time(
    zone: str, before: str, cron: str, expected: str
):
    window = CronWindow(cron=cron, seconds=7200)

    found = next_openings([window], zone, local(before, zone), 2)

    assert told(found[0], zone)[::2] == (expected, 120)
    assert found[1].since - found[0].since > 20 * 3600


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE])
@pytest.mark.parametrize("window", [daily("23:00-06:00"), CronWindow(cron="0 23 * * *", seconds=1)])
def test_every_evening_of_a_year_has_one_opening_at_its_local_time(zone: str, window: Window):
    found = next_openings([window], zone, local("2027-01-01T12:00", zone), 366)

    begins = [datetime.fromtimestamp(one.since, ZoneInfo(zone)) for one in found]
    assert {(one.hour, one.minute) for one in begins} == {(23, 0)}
    assert len({one.date() for one in begins}) == 366
    assert (begins[-1].date() - begins[0].date()).days == 365


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens():
    friday = daily("23:00-06:00", (4,))

    assert is_open(friday, "2026-11-27T23:00")
    assert is_open(friday, "2026-11-28T05:59")
    assert not is_open(friday, "2026-11-28T06:00")
    assert not is_open(friday, "2026-11-27T05:59")


def test_a_window_is_open_from_its_first_second_to_the_one_before_it_closes():
    night = daily("23:00-23:30")
    at = local("2026-11-23T23:00", BERLIN)

    assert opening([night], BERLIN, at) == Opening(at, at + 1800)
    assert opening([night], BERLIN, at + 1799) == Opening(at, at + 1800)
    assert opening([night], BERLIN, at + 1800) == Opening(at + 86400, at + 86400 + 1800)


def test_the_last_day_of_a_month_and_a_leap_day_are_days_like_others():
    zone = BERLIN
    january = next_openings([daily("23:00-06:00")], zone, local("2027-01-31T12:00", zone), 2)
    leap = next_openings([daily("23:00-06:00")], zone, local("2028-02-28T12:00", zone), 3)
    last = CronWindow(cron="0 23 L * *", seconds=3600)
    ends = next_openings([last], zone, local("2028-01-01T12:00", zone), 3)

    assert [told(one, zone)[0][:10] for one in january] == ["2027-01-31", "2027-02-01"]
    assert [told(one, zone)[0][5:10] for one in leap] == ["02-28", "02-29", "03-01"]
    assert [told(one, zone)[0][5:10] for one in ends] == ["01-31", "02-29", "03-31"]


def test_windows_that_touch_are_one_opening():
    halves = [daily("20:00-23:00"), daily("23:00-02:00"), daily("22:00-22:30")]

    found = opening(halves, BERLIN, local("2026-11-23T12:00", BERLIN))

    assert told(found, BERLIN)[2] == 6 * 60


def test_a_lane_that_is_open_all_week_is_open_at_any_time():
    always = daily("00:00-24:00")

    found = opening([always], BERLIN, local("2026-11-23T12:00", BERLIN))

    assert found is not None
    assert found.since <= local("2026-11-23T12:00", BERLIN) < found.until


def test_a_clock_that_jumps_changes_nothing_but_the_time():
    night = [daily("23:00-06:00")]
    before, after = local("2026-11-23T23:30", BERLIN), local("2026-11-24T08:00", BERLIN)

    first = opening(night, BERLIN, before)
    jumped = opening(night, BERLIN, after)
    back = opening(night, BERLIN, before)

    assert first == back
    assert first is not None
    assert jumped == Opening(first.since + 86400, first.until + 86400)


def test_what_was_missed_began_after_the_last_look_and_is_over():
    night = [daily("23:00-06:00")]
    looked, now = local("2026-11-21T23:10", BERLIN), local("2026-11-24T09:00", BERLIN)

    def missed_by(now: float, *, seen_at: float | None = looked, waiting: float = looked) -> Any:
        return missed(night, BERLIN, seen_at=seen_at, waiting_since=waiting, now=now)

    last = ("2026-11-23T23:00+01:00", "2026-11-24T06:00+01:00")
    assert told(missed_by(now), BERLIN)[:2] == last
    assert told(missed_by(now, seen_at=None), BERLIN)[:2] == last
    assert missed_by(now, seen_at=local("2026-11-23T23:10", BERLIN)) is None
    assert missed_by(now, waiting=local("2026-11-24T07:00", BERLIN)) is None
    assert missed_by(local("2026-11-22T23:30", BERLIN)) is None


def test_what_came_while_a_window_was_open_waited_for_it_too():
    came, now = local("2026-11-23T23:10", BERLIN), local("2026-11-24T09:00", BERLIN)

    found = missed([daily("23:00-06:00")], BERLIN, seen_at=None, waiting_since=came, now=now)

    assert found is not None


@pytest.mark.parametrize(
    ("cron", "wrong"),
    [
        ("0 23 * * 1-5", None),
        ("0 23 * *", "five fields"),
        ("0 0 23 * * *", "five fields"),
        ("0 25 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
    ],
)
def test_a_cron_expression_that_never_opens_is_found(cron: str, wrong: str | None):
    found = never_opens(cron)

    assert (found is None) if wrong is None else (found is not None and wrong in found)


def is_open(window: Window, text: str) -> bool:
    at = local(text, BERLIN)
    found = opening([window], BERLIN, at)
    return found is not None and found.since <= at
