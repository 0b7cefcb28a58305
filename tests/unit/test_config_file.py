"""`backburner.toml`: which file is read, what goes before what, and what is said of mistakes."""

from pathlib import Path

import pytest

from backburner.config import Settings, read_config, settings_from
from backburner.config.file import read_file
from backburner.config.lanes import lane_book
from backburner.config.zone import local_zone
from backburner.errors import ConfigError, ZoneNeeded
from backburner.nouns.lane import FromCommand, FromFile, FromKeyring, FromVariable, LaneTerms
from backburner.nouns.window import CronWindow, DailyWindow, Window

REAL = "https://api.anthropic.com"
NIGHT = """
zone = "Europe/Berlin"

[lanes.nightly]
credential = { env = "NIGHT_KEY" }
workspace = "wrkspc_1"
base_url = "http://127.0.0.1:8765/"
windows = [{ days = "mon-fri", from = "23:00", until = "06:00" }]
queue_limit = 50_000
budget = "25.00"
model = "claude-haiku-4-5"
max_tokens = 300
tags = ["seo"]
owner = "ann"
cache = "off"
"""


def settings(folder: Path, text: str = "", **environment: str) -> Settings:
    if text:
        (folder / "backburner.toml").write_text(text, encoding="utf-8")
    return settings_from({"TZ": "Europe/Berlin", **environment}, folder, REAL)


def test_a_lane_is_what_the_file_says_of_it(tmp_path: Path):
    terms = settings(tmp_path, NIGHT).lane_terms("nightly")

    assert terms.credential == FromVariable("NIGHT_KEY")
    assert (terms.workspace, terms.base_url) == ("wrkspc_1", "http://127.0.0.1:8765")
    assert terms.windows == (DailyWindow(days=(0, 1, 2, 3, 4), opens=23 * 60, closes=6 * 60),)
    assert (terms.zone, terms.queue_limit) == ("Europe/Berlin", 50_000)
    assert terms.budget == 25 * 10**12
    defaults = terms.defaults
    assert (defaults.model, defaults.max_tokens, defaults.cache) == ("claude-haiku-4-5", 300, "off")
    assert (defaults.tags, defaults.owner) == (("seo",), "ann")


def test_a_lane_of_the_file_has_a_word_for_a_name(tmp_path: Path):
    with pytest.raises(ConfigError, match="'a b' is no name of a lane"):
        settings(tmp_path, '[lanes."a b"]\n')


def test_a_lane_that_the_file_does_not_name_has_only_its_name_and_the_zone(tmp_path: Path):
    assert settings(tmp_path).lane_terms("x") == LaneTerms(name="x", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "window", "words"),
    [
        (
            "from = '9:30', until = '24:00', days = 'sat,sun'",
            DailyWindow(days=(5, 6), opens=570, closes=1440),
            "sat,sun 09:30-24:00",
        ),
        (
            "from = '22:00', until = '06:00', days = 'Friday-Monday'",
            DailyWindow(days=(0, 4, 5, 6), opens=1320, closes=360),
            "mon,fri-sun 22:00-06:00",
        ),
        (
            "from = '22:00', until = '06:00'",
            DailyWindow(days=(0, 1, 2, 3, 4, 5, 6), opens=1320, closes=360),
            "every day 22:00-06:00",
        ),
        (
            "cron = '0 23 * * 1-5', length = '7h30m'",
            CronWindow(cron="0 23 * * 1-5", seconds=27_000),
            "cron 0 23 * * 1-5 for 7h30m",
        ),
    ],
)
def test_windows_are_days_and_times_or_cron_and_a_length(
    tmp_path: Path, text: str, window: Window, words: str
):
    [found] = settings(tmp_path, f"[lanes.x]\nwindows = [{{ {text} }}]\n").lane_terms("x").windows

    assert found == window
    assert found.in_words() == words


@pytest.mark.parametrize(
    ("text", "credential"),
    [
        ('{ file = "/run/secrets/key" }', FromFile("/run/secrets/key")),
        ('{ command = ["pass", "show", "claude"] }', FromCommand(("pass", "show", "claude"))),
        ('{ keyring = "anthropic/ann" }', FromKeyring("anthropic", "ann")),
    ],
)
def test_a_credential_can_be_in_several_places(tmp_path: Path, text: str, credential: object):
    terms = settings(tmp_path, f"[lanes.x]\ncredential = {text}\n").lane_terms("x")

    assert terms.credential == credential


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("[lane.x]\n", "there is no lane", "did you mean lanes? there is zone, lanes"),
        ("[lanes.x]\nwindow = []\n", "no lanes.x.window", "did you mean windows?"),
        ("[lanes.x]\nworkspcae = 'w'\n", "no lanes.x.workspcae", "did you mean workspace?"),
        ("[worker]\nquite = 900\n", "no worker.quite", "did you mean quiet?"),
        ("[[lanes.x.windows]]\nform = '1:00'\n", "no lanes.x.windows[1].form", "mean from?"),
        ("[[lanes.x.windows]]\nfrom = '25:00'\n", "windows[1].from is '25:00', not a time", ""),
        ("[[lanes.x.windows]]\nfrom = '1:00'\n", "windows[1].until is '', not a time", ""),
        (
            "[[lanes.x.windows]]\nfrom='1:00'\nuntil='2:00'\ndays='mo-fri'\n",
            "days is 'mo-fri', not days such as mon-fri",
            "",
        ),
        (
            "[[lanes.x.windows]]\ncron='0 25 * * *'\nlength='7h'\n",
            "cron is '0 25 * * *', not a cron expression such as 0 23 * * 1-5 (bad hour)",
            "",
        ),
        (
            "[[lanes.x.windows]]\ncron='0 23 * * *'\nlength='7'\n",
            "length is '7', not a time such as 7h, 90m or 1h30m",
            "",
        ),
        (
            "[[lanes.x.windows]]\ncron='0 23 * * *'\nlength='7h'\ndays='mon'\n",
            "there is no lanes.x.windows[1].days",
            "there is cron, length",
        ),
        ("[lanes.x]\nzone = 'Berlin'\n", "lanes.x.zone is 'Berlin', not a zone", ""),
        ("zone = 'Europe/Berln'\n", "zone is 'Europe/Berln', not a zone", ""),
        ("[lanes.x]\nbudget = -1\n", "lanes.x.budget is -1, not US dollars", ""),
        ("[lanes.x]\nqueue_limit = 0\n", "queue_limit is 0, not a whole number", ""),
        ("[lanes.x]\nbase_url = 'localhost'\n", "base_url is 'localhost', not an address", ""),
        ("[lanes.x]\ntags = ['two words']\n", "tags is ['two words'], not one word", ""),
        ("[lanes.x]\ncredential = 'MY_KEY'\n", "credential is 'a text', not a place", ""),
        ("[lanes.x]\ncredential = {}\n", "credential is [], not one of env, file", ""),
        ("[lanes.x]\ncredential = { evn = 'K' }\n", "no lanes.x.credential.evn", "mean env?"),
        ("[lanes]\nx = 1\n", "lanes.x is 1, not a table", ""),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_may_stand_there(
    tmp_path: Path, text: str, told: str, hint: str
):
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)

    assert str(tmp_path / "backburner.toml") in str(caught.value)
    assert told in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "[lanes.x]\ncredential = { env = 'sk-ant-api03-secret' }\n",
        "[lanes.x]\ncredential = { command = ['echo', 'sk-ant-api03-secret'] }\n",
        "[lanes.sk-ant-api03-secret]\n",
    ],
)
def test_a_key_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str):
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)

    assert "holds a key" in str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_variable_goes_before_the_file_and_the_file_before_what_is_usual(tmp_path: Path):
    text = "[worker]\nquiet = 1000\nttl = 30\n[prices]\nallow_unknown = true\n"

    chosen = settings(tmp_path, text, BACKBURNER_QUIET="700", BACKBURNER_ALLOW_UNKNOWN_PRICE="0")

    assert (chosen.doubts.quiet, chosen.ttl, chosen.doubts.gap) == (700, 30, 60)
    assert not chosen.prices.allow_unknown


def test_what_is_too_short_for_anthropic_is_refused_for_the_address_of_a_lane_too(tmp_path: Path):
    text = f"[worker]\nquiet = 5\n[lanes.real]\nbase_url = '{REAL}'\n"
    (tmp_path / "backburner.toml").write_text(text)

    with pytest.raises(ConfigError, match=f"BACKBURNER_QUIET=5 is too short for {REAL}"):
        settings_from({}, tmp_path, "http://127.0.0.1:1")


@pytest.mark.parametrize("value", ["inf", "nan", "1e308", "604801", "0", "-1", "soon"])
@pytest.mark.parametrize("name", ["QUIET", "GAP", "TTL"])
def test_a_variable_for_seconds_takes_up_to_a_week(tmp_path: Path, name: str, value: str):
    with pytest.raises(ConfigError, match=f"BACKBURNER_{name}='{value}' is no number of seconds"):
        settings(tmp_path, **{f"BACKBURNER_{name}": value})


@pytest.mark.parametrize("value", ["inf", "nan", "1e400", "-1", "9" * 400])
@pytest.mark.parametrize(
    "setting",
    [
        "worker.quiet",
        "worker.gap",
        "worker.ttl",
        "retry.longest_wait",
        "retry.capacity_seconds",
        "retry.expired.wait",
        "retention.local_days",
        "lanes.x.queue_limit",
    ],
)
def test_a_figure_of_the_file_has_a_sane_size(tmp_path: Path, setting: str, value: str):
    table, _, key = setting.rpartition(".")

    with pytest.raises(ConfigError, match=setting):
        settings(tmp_path, f"[{table}]\n{key} = {value}\n")


def test_another_file_is_read_where_a_variable_names_it(tmp_path: Path):
    other = tmp_path / "other.toml"
    other.write_text("[worker]\nttl = 7\n")

    assert settings(tmp_path, "[worker]\nttl = 8\n", BACKBURNER_CONFIG=str(other)).ttl == 7


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"there is no file .*other\.toml"):
        settings(tmp_path, BACKBURNER_CONFIG=str(tmp_path / "other.toml"))


def test_the_file_by_its_old_name_is_refused_with_the_way_to_rename_it(tmp_path: Path):
    (tmp_path / "config.toml").write_text("")

    with pytest.raises(ConfigError, match="is not read any more") as caught:
        read_config({}, tmp_path)

    assert caught.value.hint.startswith("mv ")


def test_windows_need_a_zone_that_something_says(tmp_path: Path):
    text = "[lanes.x]\nwindows = [{ from = '23:00', until = '06:00' }]\n"
    (tmp_path / "backburner.toml").write_text(text)
    file = read_file(tmp_path / "backburner.toml", {})

    with pytest.raises(ZoneNeeded) as caught:
        lane_book(file, localtime=tmp_path / "none")

    assert caught.value.code == "zone_needed"


def test_a_container_has_no_zone_but_the_one_that_is_said(tmp_path: Path):
    utc = link(tmp_path, "UTC")
    berlin = link(tmp_path, "Europe/Berlin")
    container = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}

    assert local_zone(container, tmp_path / "none") is None
    assert local_zone(container, utc) is None
    assert local_zone(container, berlin) == "Europe/Berlin"
    assert local_zone({**container, "TZ": "Asia/Tokyo"}, utc) == "Asia/Tokyo"


def test_a_zone_that_is_no_name_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="TZ='CET-1CEST' is no zone"):
        local_zone({"TZ": "CET-1CEST"}, tmp_path / "none")


def link(folder: Path, zone: str) -> Path:
    target = folder / "zoneinfo" / zone
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch()
    path = folder / zone.replace("/", "-")
    path.symlink_to(target)
    return path
