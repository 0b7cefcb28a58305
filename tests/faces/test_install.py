"""`install`: units that a service manager can read, and cron lines that do the whole night."""

import plistlib
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from heapq import heapify, heapreplace
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from .conftest import MODEL

BERLIN = ("--zone", "Europe/Berlin")
SRV = ("--home", "/srv/b b")
WORDS = ("--prompt", "Judge: {{ text }}", *MODEL)
WINDOWS = """
zone = "Europe/Berlin"
[lanes.nightly]
windows = [{ days = "mon-fri", from = "22:30", until = "06:00" }]
credential = { file = "/srv/key" }
[lanes.weekly]
windows = [{ cron = "15 3 * * 6", length = "2h" }]
credential = { file = "/srv/key" }
"""


def crontab(text: str) -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """The variables of a crontab, and each line's times and words after `backburner`."""
    variables, lines = {}, []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            variables[name] = value
            continue
        *times, command = line.split(None, 5)
        words = shlex.split(command.replace("\\%", "%"))
        start = next(n for n, word in enumerate(words) if word.endswith("backburner")) + 1
        lines.append((" ".join(times), words[start : words.index(">>")]))
    return variables, lines


def fires(times: str, zone: str, since: float):
    for at in CronSim(times, datetime.fromtimestamp(since, ZoneInfo(zone))):
        yield at.timestamp()


def local(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo('Europe/Berlin')):%a %H:%M}"


def test_the_cron_lines_do_the_night_and_write_what_a_worker_would(
    call, reviews, tmp_path, clock, world
):
    output = tmp_path / "out.csv"
    call("enqueue", reviews, *WORDS, "-o", output)
    text = call("install", "cron", *BERLIN, "--executable", "/usr/bin/backburner").out
    variables, lines = crontab(text)
    upcoming = [
        (next(times), n, times, words)
        for n, (times, words) in enumerate(
            (fires(times, variables["CRON_TZ"], clock.now()), words) for times, words in lines
        )
    ]
    heapify(upcoming)

    called, sent_at = 0, None
    while upcoming[0][0] < clock.now() + 14 * 3600 and not output.exists():
        at, n, times, words = upcoming[0]
        clock.sleep(at - clock.now())
        said = call(*words)
        assert said.code == 0, said.err
        called += 1
        sent_at = sent_at or (at if len(world.ledger()) else None)
        heapreplace(upcoming, (next(times), n, times, words))

    assert local(sent_at) == "Mon 23:00"
    assert local(clock.now()) == "Mon 23:10"
    assert called == 43
    rows = [line.split(",")[2] for line in output.read_text().splitlines()[1:]]
    assert rows == ["positive", "negative", "positive", "neutral"]
    assert len(world.ledger()) == 1


def test_every_line_names_the_state_directory_and_the_zone(call):
    variables, lines = crontab(call("install", "cron", *BERLIN, *SRV).out)

    assert variables == {"SHELL": "/bin/sh", "CRON_TZ": "Europe/Berlin", "TZ": "Europe/Berlin"}
    assert lines == [
        ("0 23 * * *", ["drain", "--lane", "default", "--home", "/srv/b b"]),
        ("*/10 * * * *", ["drain", "--collect", "--lane", "default", "--home", "/srv/b b"]),
    ]


def test_the_times_are_those_of_the_lanes_windows(call, home):
    home.mkdir()
    (home / "backburner.toml").write_text(WINDOWS)

    said = call("install", "cron", "--json").json

    assert [(one["schedule"], one["words"][:3]) for one in said["lines"]] == [
        ("30 22 * * 1,2,3,4,5", ["drain", "--lane", "nightly"]),
        ("15 3 * * 6", ["drain", "--lane", "weekly"]),
        ("*/10 * * * *", ["drain", "--collect", "--lane"]),
        ("*/10 * * * *", ["drain", "--collect", "--lane"]),
    ]
    assert "backburner.env" not in said["text"]


def test_windows_in_another_zone_than_cron_goes_by_are_refused(call, home):
    home.mkdir()
    (home / "backburner.toml").write_text(WINDOWS)

    said = call("install", "cron", "--zone", "Asia/Tokyo")

    assert said.code == 2
    assert "windows are in Europe/Berlin" in said.err


def test_the_systemd_unit_refers_to_the_key_and_runs_a_worker(call):
    words = (
        "--executable",
        "/usr/b b/100%/backburner",
        "--user",
        "queue",
        "--env-file",
        "/etc/b.env",
    )

    text = call("install", "systemd", *BERLIN, *SRV, *words, "--lane", "default").out

    values = [line.partition("=")[::2] for line in text.splitlines() if "=" in line]
    assert ("User", "queue") in values
    assert ("EnvironmentFile", "/etc/b.env") in values
    assert ("Environment", '"BACKBURNER_HOME=/srv/b b"') in values
    assert ("Environment", "TZ=Europe/Berlin") in values
    start = dict(values)["ExecStart"]
    assert shlex.split(start.replace("%%", "%")) == [
        "/usr/b b/100%/backburner",
        *("worker", "--json-logs", "--lane", "default", "--home", "/srv/b b"),
    ]


def test_systemd_reads_paths_with_blanks_and_signs_as_they_are(call):
    odd = "/srv/my 100%$x[1]"
    words = ("--executable", f"{odd}/backburner", "--home", odd, "--user", "queue")

    text = call("install", "systemd", *BERLIN, *words).out

    assert "\nEnvironmentFile=/srv/my 100%%$x\\[1]/backburner.env\n" in text
    assert '\nEnvironment="BACKBURNER_HOME=/srv/my 100%%$x[1]"\n' in text
    assert '\nExecStart="/srv/my 100%%$x[1]/backburner" worker ' in text
    assert text.count('--home "/srv/my 100%%$$x[1]"\n') == 1


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd is installed")
def test_systemd_finds_nothing_wrong_with_the_unit(call, tmp_path):
    home = tmp_path / "my home"
    words = ("--executable", "/bin/true", "--user", "root", "--home", home)
    unit = tmp_path / "backburner.service"

    unit.write_text(call("install", "systemd", *BERLIN, *words).out)

    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert "backburner.service" not in checked.stderr


def test_the_launchd_unit_is_a_property_list(call):
    text = call("install", "launchd", *BERLIN, *SRV, "--env-file", "/srv/a--b.env").out

    unit = plistlib.loads(text.encode())
    shell, option, command = unit["ProgramArguments"]
    assert (shell, option) == ("/bin/sh", "-c")
    assert shlex.split(command)[:4] == ["set", "-a;", ".", "/srv/a--b.env;"]
    assert shlex.split(command)[-4:] == ["worker", "--json-logs", "--home", "/srv/b b"]
    assert unit["EnvironmentVariables"] == {"BACKBURNER_HOME": "/srv/b b", "TZ": "Europe/Berlin"}


def test_the_kubernetes_unit_brings_the_settings_and_refers_to_a_secret(call, home):
    home.mkdir()
    (home / "backburner.toml").write_text(WINDOWS)

    text = call("install", "kubernetes", "--image", "ours/backburner:1").out

    assert 'image: "ours/backburner:1"' in text
    assert "secretRef: {name: backburner}" in text
    assert "runAsNonRoot: true" in text
    assert "[lanes.nightly]" in text
    assert '- "0.0.0.0:9464"' in text
    assert str(home) not in text


@pytest.mark.parametrize("kind", ["systemd", "cron", "launchd", "kubernetes"])
def test_no_unit_holds_a_key(call, kind):
    said = call("install", kind, *BERLIN, environment={"ANTHROPIC_API_KEY": "sk-ant-very-secret"})

    assert said.code == 0
    assert "very-secret" not in said.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--zone", "Mars/Olympus"), "is no zone"),
        ((*BERLIN, "--home", "here"), "is not a full path"),
        ((*BERLIN, "--env-file", "/srv/a\nb"), "is not a full path"),
    ],
)
def test_what_a_unit_cannot_say_is_refused(call, words, what):
    said = call("install", "cron", *words)

    assert said.code == 2
    assert what in said.err
