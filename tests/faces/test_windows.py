"""`windows`, `config show`, and `drain` in a lane with a window, as a person types them."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

MODEL = ("--model", "claude-haiku-4-5")
NIGHT = """
zone = "Europe/Berlin"

[lanes.nightly]
credential = { command = ["pass", "show", "very-secret-entry"] }
windows = [{ days = "mon-fri", from = "23:00", until = "06:00" }]
queue_limit = 50_000
model = "claude-haiku-4-5"
max_tokens = 77
owner = "ann"
tags = ["night"]
cache = "off"

[worker]
quiet = 700
"""


@pytest.fixture
def config(home: Path) -> Path:
    home.mkdir()
    file = home / "backburner.toml"
    file.write_text(NIGHT)
    return file


def go_to(clock, text: str) -> None:
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    clock.sleep(at - clock.now())


@pytest.mark.usefixtures("config")
def test_the_next_openings_are_shown_in_local_time_and_utc(call, clock):
    go_to(clock, "2027-03-26T12:00")

    said = call("windows", "--next", "2")

    assert said.code == 0
    assert said.out.splitlines() == [
        "lane nightly: mon-fri 23:00-06:00, Europe/Berlin",
        "opens             closes            open for  opens in UTC",
        "Fri 26 Mar 23:00  Sat 27 Mar 06:00  7 h       Fri 26 Mar 22:00",
        "Mon 29 Mar 23:00  Tue 30 Mar 06:00  7 h       Mon 29 Mar 21:00",
    ]


def test_a_night_on_which_the_clock_is_changed_is_marked(call, clock, config):
    config.write_text(NIGHT.replace("mon-fri", "sat"))
    go_to(clock, "2027-10-30T23:30")

    said = call("windows", "--next", "1")
    told = call("windows", "--next", "1", "--json").json

    assert "8 h" in said.out
    assert "open now; the clock goes back 1 h" in said.out
    [opening] = told["lanes"][0]["openings"]
    assert opening["opens"] == "2027-10-30T23:00+02:00"
    assert (opening["closes"], opening["seconds"]) == ("2027-10-31T06:00+01:00", 8 * 3600)
    assert opening["is_open"]


def test_without_windows_it_is_said_that_lanes_may_always_send(call):
    assert "no lane has windows in" in call("windows").out


@pytest.mark.usefixtures("config")
def test_a_drain_outside_the_window_says_what_waits_and_what_sends_it(call, clock, reviews):
    go_to(clock, "2027-03-26T12:00")
    words = (reviews, "--prompt", "{{ text }}", *MODEL, "--lane", "nightly")

    kept = call("enqueue", *words)
    outside = call("drain", "--lane", "nightly")
    status = call("status", "--lane", "nightly")
    inside = call("drain", "--now", "--lane", "nightly")

    assert "it waits for the window, which opens 23:00" in kept.out
    assert "3 requests wait for the window, which opens 23:00 (Europe/Berlin)" in outside.out
    assert "in 11 h 0 min" in outside.out
    assert "`backburner drain --now --lane nightly` sends them now" in outside.out
    assert "waiting for window, opens 23:00" in status.out
    assert "sent 3 requests" in inside.out


@pytest.mark.usefixtures("config")
def test_what_a_person_does_not_say_the_lane_says(call, reviews):
    words = (reviews, "--prompt", "{{ text }}", "--lane", "nightly")

    kept = call("enqueue", *words)
    status = call("status", "--lane", "nightly", "--json").json

    assert "claude-haiku-4-5, answers of at most 77 tokens" in kept.out
    [run] = status["runs"]
    assert (run["tags"], run["owner"]) == (["night"], "ann")


@pytest.mark.usefixtures("config")
def test_what_a_person_says_goes_before_the_lane(call, reviews):
    words = (reviews, "--prompt", "{{ text }}", "--lane", "nightly", "--max-tokens", "9")

    kept = call("enqueue", *words, "--owner", "bob", "--tag", "mine", "--cache", "auto")
    [run] = call("status", "--lane", "nightly", "--json").json["runs"]

    assert "answers of at most 9 tokens" in kept.out
    assert (run["tags"], run["owner"]) == (["mine"], "bob")


def test_a_pass_that_only_collects_cannot_also_send_all(call):
    assert call("drain", "--collect", "--now").code == 2


def test_every_setting_is_listed_with_its_origin_and_no_secret(call, config, home):
    environment = {"BACKBURNER_QUIET": "800", "ANTHROPIC_API_KEY": "sk-ant-api-very-secret"}

    said = call("config", "show", environment=environment)
    told = call("config", "show", "--json", environment=environment).json

    origins = {one["setting"]: (one["value"], one["from"], one["name"]) for one in told["settings"]}
    assert told["config"] == str(config)
    assert origins["worker.quiet"] == (800, "environment", "BACKBURNER_QUIET")
    assert origins["lanes.nightly.queue_limit"] == (50_000, "file", None)
    assert origins["worker.gap"] == (60, "default", None)
    assert origins["home"] == (str(home), "environment", "BACKBURNER_HOME")
    assert origins["credential"] == ("(set, not shown)", "environment", "ANTHROPIC_API_KEY")
    assert "very-secret" not in said.out
    assert "lanes.nightly.credential.command" in said.out


@pytest.mark.parametrize(
    "text",
    [
        '[lanes.x]\nbase_url = "http://ann:word@host"\n',
        '[lanes.x]\nbase_url = "http://:word@host/v1"\n',
        '[notify.x]\nwebhook = "https://ann:word@host"\nsecret = { env = "S" }\n',
    ],
)
@pytest.mark.parametrize("command", [("config", "show"), ("doctor",), ("status",)])
def test_a_password_in_an_address_of_the_file_is_refused_and_not_shown(call, config, text, command):
    config.write_text(text)

    said = call(*command)

    assert said.code == 4
    assert "one with a user or password" in said.out + said.err
    assert "word@" not in said.out + said.err


@pytest.mark.parametrize("command", [("config", "show"), ("doctor",), ("status",)])
def test_a_password_in_the_variable_for_the_address_is_refused_and_not_shown(call, command):
    environment = {"ANTHROPIC_BASE_URL": "http://ann:word@host", "ANTHROPIC_API_KEY": "k"}

    said = call(*command, client=None, environment=environment)

    assert said.code == 4
    assert "ANTHROPIC_BASE_URL holds a user or a password" in said.err
    assert "word@" not in said.out + said.err


def test_the_next_step_of_a_broken_file_is_not_the_command_that_fails_for_it(call, config):
    config.write_text("[lanes.x]\nqueue_limit = 0\n")

    said = call("config", "show")

    assert said.code == 4
    assert "hint: change it, or leave it out if the usual will do" in said.err


def test_another_file_is_named_before_the_command(call, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("[worker]\nttl = 7\n")

    told = call("--config", other, "config", "show", "--json").json
    late = call("config", "show", "--config", other)

    origins = {one["setting"]: (one["value"], one["from"], one["name"]) for one in told["settings"]}
    assert origins["worker.ttl"][0] == 7
    assert origins["config"] == (str(other), "flag", "--config")
    assert late.code == 2
    assert "before the command" in late.err


def test_the_doctor_looks_at_the_lanes_own_address_and_credential(call, config):
    config.write_text(
        '[lanes.x]\nbase_url = "http://127.0.0.1:7"\ncredential = { env = "X_KEY" }\n'
    )

    without = call("doctor", "--lane", "x", client=None)
    there = call("doctor", "--lane", "x", client=None, environment={"X_KEY": "k"})

    assert "pins it to http://127.0.0.1:7" in without.out
    assert "the variable X_KEY is not set" in without.out
    assert "set; whether it is good, only a call can tell" in there.out


@pytest.mark.usefixtures("config")
def test_a_lane_without_windows_is_said_to_have_none(call, requests):
    call("enqueue", requests, "--lane", "other")

    assert "lane other has no windows" in call("windows", "--lane", "other").out
