"""`--by`, `--within`, `--urgency` and `--rescue` from outside."""

import re

import pytest

PLACE = {"TZ": "UTC"}


@pytest.fixture
def enqueue(call, requests):
    return lambda *words: call("enqueue", requests, *words, environment=PLACE)


def test_a_plan_tells_the_deadline_and_how_sure_it_is(enqueue):
    said = enqueue("--within", "6h")

    assert said.code == 0
    assert re.search(
        r"deadline +\w{3} \d\d:\d\d; 95 of 100 such runs are back by [\w: ]*\d\d:\d\d "
        r"\(from a general prior: no history yet\)",
        said.out,
    )
    assert "warning" not in said.out


def test_an_unsafe_promise_is_warned_of_before_anything_is_sent(enqueue):
    said = enqueue("--within", "20m")

    assert "and the deadline is" in said.out
    assert "it is kept in 70 of 100" in said.out
    assert re.search(r"rescue +none: --rescue 2.00 asks sync for what would be late", said.out)


def test_a_rescue_is_told_with_the_most_that_it_may_cost(enqueue):
    said = enqueue("--within", "20m", "--rescue", "2.00")

    assert re.search(
        r"rescue +what is not back by \d\d:\d\d is asked sync, for at most \$2\.00; "
        r"\d\d of 100 such runs need it",
        said.out,
    )
    assert "warning" not in said.out


def test_json_has_the_deadline_as_a_number_and_the_chance(enqueue, clock):
    plan = enqueue("--within", "6h", "--json").json["plan"]

    assert plan["deadline"]["deadline"] == clock.now() + 6 * 3600
    assert plan["deadline"]["is_safe"] is True
    assert 0.95 < plan["deadline"]["chance"] < 1


def test_without_a_deadline_nothing_is_said_of_one(enqueue):
    assert enqueue("--json").json["plan"]["deadline"] is None


def test_a_run_that_is_found_gets_the_new_deadline(enqueue, call, clock):
    first = enqueue("--within", "6h", "--json").json["run"]

    again = enqueue("--within", "2h", "--json").json["run"]

    [run] = call("status", first, "--json").json["runs"]
    assert again == first
    assert run["deadline"] == clock.now() + 2 * 3600


def test_a_run_that_is_found_keeps_its_deadline_where_none_is_named(enqueue, call, clock):
    run = enqueue("--within", "6h", "--json").json["run"]

    enqueue()

    assert call("status", run, "--json").json["runs"][0]["deadline"] == clock.now() + 6 * 3600


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--by", "tomorrow"), "--by tomorrow is no time"),
        (("--by", "2020-01-01T07:00"), "is in the past"),
        (("--by", "07:00", "--within", "6h"), "two deadlines"),
        (("--within", "6"), "no span of time"),
        (("--rescue", "2.00"), "a rescue needs a deadline"),
        (("--urgency", "later"), "no urgency of a run"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(enqueue, call, words, told):
    said = enqueue(*words)

    assert said.code != 0
    assert told in said.err
    assert "no runs yet" in call("status").out


def test_a_local_time_needs_a_zone(call, requests):
    said = call("enqueue", requests, "--by", "07:00", environment={"TZ": ""})

    # Machines say their zone, and containers do not.
    assert said.code == 0 or "nothing says in which zone" in said.err


def test_forecasts_are_scored_when_their_time_is_over(enqueue, call, clock):
    enqueue("--within", "6h")
    call("drain")
    clock.sleep(60)
    call("drain")

    early = call("report", "--forecasts")
    clock.sleep(3 * 3600)
    late = call("report", "--forecasts")

    assert "none can be judged yet" in early.out
    assert "1 of 1 batches ended by the time forecast for 95 of 100" in late.out
    assert call("report", "--forecasts", "--json").json["batches"] == 1


def test_status_tells_of_a_deadline_that_was_kept(enqueue, call, clock):
    run = enqueue("--within", "6h", "--json").json["run"]
    call("drain")
    clock.sleep(60)
    call("drain")

    assert re.search(r"^deadline +[\w ]*\d\d:\d\d, kept$", call("status", run).out, re.MULTILINE)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_deadline_is_shown_in_the_zone_in_which_it_was_given(call, home, requests, zone):
    home.mkdir(exist_ok=True)
    (home / "backburner.toml").write_text(f'[lanes.default]\nzone = "{zone}"\n')

    said = call("enqueue", requests, "--by", "08:00", environment=PLACE)

    [run] = call("status", "--json").json["runs"]
    assert re.search(r"deadline +\w{3} 08:00", said.out)
    assert re.search(r"deadline +(\w{3} )?08:00", call("status", run["run"], environment=PLACE).out)
