"""What `--by 07:00` and `--within 6h` mean, on every day of the year."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from backburner.errors import InputError
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.promises import Said, moment_by, timing_of

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=BERLIN).timestamp()


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "by", "there"),
    [
        ("2026-11-23T18:00", "07:00", "2026-11-24T07:00"),
        ("2026-11-23T18:00", "7:00", "2026-11-24T07:00"),
        ("2026-11-23T18:00", "23:30", "2026-11-23T23:30"),
        ("2026-11-23T18:00", "18:00", "2026-11-24T18:00"),
        ("2026-11-30T18:00", "07:00", "2026-12-01T07:00"),
        ("2026-12-31T18:00", "07:00", "2027-01-01T07:00"),
        ("2028-02-28T18:00", "07:00", "2028-02-29T07:00"),
        ("2028-02-29T18:00", "07:00", "2028-03-01T07:00"),
        ("2027-02-28T18:00", "07:00", "2027-03-01T07:00"),
        ("2026-11-23T18:00", "2026-11-27T07:00", "2026-11-27T07:00"),
        ("2026-11-23T18:00", "2026-11-27 07:00", "2026-11-27T07:00"),
        ("2026-11-23T18:00", "2028-02-29T07:00", "2028-02-29T07:00"),
    ],
)
def test_a_time_is_the_next_such_and_a_day_with_a_time_is_that_moment(now, by, there):
    at = datetime.fromisoformat(now).replace(tzinfo=BERLIN).timestamp()

    assert moment_by(by, at, BERLIN) == (
        datetime.fromisoformat(there).replace(tzinfo=BERLIN).timestamp()
    )


def test_a_zone_that_is_written_is_obeyed():
    assert moment_by("2026-11-24T07:00Z", NOW, BERLIN) == utc("2026-11-24T07:00")
    assert moment_by("2026-11-24T07:00-05:00", NOW, BERLIN) == utc("2026-11-24T12:00")


@pytest.mark.parametrize(
    ("zone", "now", "by", "then"),
    [
        # 02:00 to 03:00 is skipped: the first moment after is 03:00 in summer time.
        (BERLIN, "2027-03-27T22:00", "02:30", "2027-03-28T01:00"),
        (NEW_YORK, "2027-03-14T03:00", "02:30", "2027-03-14T07:00"),
        # There the clocks move by half an hour, at 02:00.
        (LORD_HOWE, "2026-10-03T10:00", "02:15", "2026-10-03T15:30"),
    ],
)
def test_a_time_that_the_clocks_skip_is_the_first_moment_after_the_gap(zone, now, by, then):
    assert moment_by(by, utc(now), zone) == utc(then)


@pytest.mark.parametrize(
    ("zone", "now", "by", "then"),
    [
        (BERLIN, "2026-10-24T20:00", "02:30", "2026-10-25T00:30"),
        (NEW_YORK, "2026-11-01T02:00", "01:30", "2026-11-01T05:30"),
        (LORD_HOWE, "2027-04-03T10:00", "01:45", "2027-04-03T14:45"),
    ],
)
def test_a_time_that_the_clocks_show_twice_is_the_first(zone, now, by, then):
    assert moment_by(by, utc(now), zone) == utc(then)


@pytest.mark.parametrize(("zone", "hours"), [(BERLIN, 12), (NEW_YORK, 12)])
def test_a_night_may_be_an_hour_shorter_or_longer(zone, hours):
    spring = {BERLIN: (2027, 3, 27), NEW_YORK: (2027, 3, 13)}[zone]
    evening = datetime(*spring, 19, 0, tzinfo=zone).timestamp()

    assert moment_by("07:00", evening, zone) - evening == (hours - 1) * 3600


@pytest.mark.parametrize(
    "text", ["", "7", "25:00", "07:60", "soon", "2026-11-24", "2026-02-29T07:00"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError, match="no time"):
        moment_by(text, NOW, BERLIN)


def test_a_deadline_makes_the_urgency():
    assert timing_of(Said(by="07:00", rescue="2.00"), NOW, BERLIN) == Timing(
        urgency=Urgency.DEADLINE,
        deadline=datetime(2026, 11, 24, 7, 0, tzinfo=BERLIN).timestamp(),
        rescue=2 * 10**12,
    )
    assert timing_of(Said(within="6h"), NOW, BERLIN).deadline == NOW + 6 * 3600


def test_without_a_deadline_a_run_waits_for_the_window_or_does_not():
    assert timing_of(Said(), NOW, BERLIN) == Timing()
    assert timing_of(Said(urgency="soon"), NOW, BERLIN) == Timing(urgency=Urgency.SOON)
    assert timing_of(Said(urgency="now"), NOW, BERLIN) == Timing(urgency=Urgency.NOW)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Said(by="07:00", within="6h"), "two deadlines"),
        (Said(by="2026-11-22T07:00"), "in the past"),
        (Said(by="07:00", urgency="soon"), "says it again"),
        (Said(urgency="deadline"), "no urgency of a run"),
        (Said(urgency="later"), "no urgency of a run"),
        (Said(rescue="2.00"), "needs a deadline"),
        (Said(within="6"), "no span"),
        (Said(by="07:00", rescue="much"), "no amount"),
    ],
)
def test_what_contradicts_itself_is_refused(asked, words):
    with pytest.raises(InputError, match=words):
        timing_of(asked, NOW, BERLIN)
