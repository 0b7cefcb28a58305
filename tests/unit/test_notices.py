"""What leads to which notice, and to whom it may be posted."""

from dataclasses import replace

import pytest

from backburner.nouns.batch import Hold
from backburner.nouns.lane import FromVariable
from backburner.nouns.notice import Channel, Kind, Messenger
from backburner.nouns.run import Run
from backburner.plan.addresses import is_public
from backburner.plan.notices import (
    MOST_TRIES,
    RunNews,
    StoppedLane,
    notices_of,
    try_again_after,
)

NOW = 1_790_000_000.0
DAY = 86400.0
RUN = Run(
    id="k8tz2hm4",
    lane="nightly",
    name="/srv/in/reviews.csv",
    identity="",
    parts={},
    spec="",
    source="",
    row_map=None,
    rows=4,
    requests=3,
    collapsed=1,
    output="/srv/out.csv",
    prefix="",
    created_at=NOW - DAY,
    finished_at=None,
    written_at=None,
    cancel_asked_at=None,
    collapsed_sync=0,
    price_date="",
)


def told(*runs: RunNews, lanes: tuple[StoppedLane, ...] = (), now: float = NOW):
    return notices_of(runs, lanes, now, lambda _lane, at: f"at {at - NOW:.0f}", "2026-09-21")


def news(**more) -> RunNews:
    run = replace(RUN, **more.pop("run", {}))
    return RunNews(**{"run": run, "held": {}, **more})


def test_a_run_that_waits_for_nobody_is_no_news():
    assert told(news(moves=True)) == []


def test_a_finished_run_says_what_came_and_what_it_cost():
    (one,) = told(news(outcomes={"ok": 1999, "refused": 1}, paid=5_280_000_000_000))

    assert one.id == "run.finished:k8tz2hm4"
    assert one.subject == "Backburner: run k8tz2hm4 (reviews.csv) is finished"
    assert one.text == "1,999 ok, 1 refused; paid $5.28. Its answers are in /srv/out.csv."
    assert one.facts["paid_usd"] == "5.28"
    assert one.facts["outcomes"] == {"ok": 1999, "refused": 1}


def test_a_canary_that_is_back_needs_a_person_and_one_under_way_does_not():
    held = {Hold.CANARY: 90}

    assert told(news(held=held, moves=True)) == []
    (one,) = told(news(held=held))
    assert one.kind is Kind.NEEDS_ATTENTION
    assert "backburner release k8tz2hm4" in one.subject


@pytest.mark.parametrize("what", [{"held": {Hold.PERSON: 3}}, {"doubted": 2}])
def test_what_only_a_person_can_send_on_needs_one(what):
    (one,) = told(news(**what))

    assert one.id == "run.needs_attention:k8tz2hm4:2026-09-21"


def test_a_promise_that_will_be_broken_is_told_once_for_each_deadline():
    run = {"deadline": NOW + 3600}

    (one,) = told(news(run=run, late_at=NOW + 5400, moves=True))
    (other,) = told(news(run={"deadline": NOW + 7200}, late_at=NOW + 9000, moves=True))

    assert one.id == f"deadline.at_risk:k8tz2hm4:{NOW + 3600:.0f}"
    assert one.id != other.id
    assert "may be late" in one.subject
    assert one.text == "promised by at 3600; expected by at 5400."


def test_a_promise_that_was_broken_says_by_what():
    run = {"deadline": NOW - 60, "missed_at": NOW, "miss_cause": "the batch took 14 h"}

    (one,) = told(news(run=run, moves=True))

    assert "has missed its deadline" in one.subject
    assert one.text == "promised by at -60; the batch took 14 h."


@pytest.mark.parametrize("hold", [Hold.BUDGET, Hold.UNBOUNDED])
def test_what_waits_for_a_budget_is_told_once_a_day(hold):
    (one,) = told(news(held={hold: 1200}))

    assert one.id == "budget.held:k8tz2hm4:2026-09-21"
    assert "1,200 requests" in one.subject


@pytest.mark.parametrize(("days", "told_of"), [(24, 0), (25, 1), (28, 1)])
def test_results_that_nobody_collects_are_told_before_they_are_deleted(days, told_of):
    found = told(news(moves=True, oldest=NOW - days * DAY))

    assert len(found) == told_of
    assert all(one.kind is Kind.EXPIRING for one in found)


def test_a_stopped_lane_is_one_notice_however_many_runs_wait():
    (one,) = told(lanes=(StoppedLane(name="nightly", reason="the key was refused", runs=50),))

    assert one.id == "run.needs_attention:lane:nightly:2026-09-21"
    assert "50 runs wait" in one.text
    assert one.facts["run"] is None


def test_a_channel_gets_the_kinds_and_lanes_that_it_names():
    (one,) = told(news(outcomes={"ok": 1}))
    target = Messenger(FromVariable("X"))

    assert Channel(name="all", target=target).wants(one)
    assert Channel(name="some", target=target, kinds=(Kind.RUN_FINISHED,)).wants(one)
    assert not Channel(name="risk", target=target, kinds=(Kind.AT_RISK,)).wants(one)
    assert not Channel(name="day", target=target, lanes=("daily",)).wants(one)


def test_a_notice_is_tried_ever_later_and_given_up_after_hours():
    waits = [try_again_after(tries) for tries in range(1, MOST_TRIES + 1)]

    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-2:] == [3600, None]
    assert 4 * 3600 < sum(wait for wait in waits if wait) < 8 * 3600


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.7",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # an address like any other
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    ],
)
def test_an_address_that_not_anybody_could_reach_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_an_address_that_anybody_could_reach_is_public(address):
    assert is_public(address)
