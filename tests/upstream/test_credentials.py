"""A lane's credential: where it is taken from, and that nothing tells what it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backburner.errors import KeyMissing
from backburner.nouns.lane import (
    Credential,
    FromCommand,
    FromFile,
    FromKeyring,
    FromVariable,
    LaneTerms,
)
from backburner.upstream.credentials import names_credential, with_credential

SECRET = "a-secret"  # noqa: S105  # of nobody
COMMON = {"ANTHROPIC_API_KEY": "common", "ANTHROPIC_AUTH_TOKEN": "token", "HOME": "/nowhere"}


def lane(credential: Credential | None, base_url: str | None = None) -> LaneTerms:
    return LaneTerms(name="night", credential=credential, base_url=base_url)


def test_a_lane_that_says_nothing_has_the_credential_and_address_of_the_environment():
    assert with_credential(COMMON, lane(None)) == COMMON


def test_a_lanes_own_credential_and_address_go_before_those_of_the_environment(tmp_path: Path):
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\nnot this\n")

    found = with_credential(COMMON, lane(FromFile(str(file)), "http://127.0.0.1:1"))

    assert found == {
        "ANTHROPIC_API_KEY": SECRET,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
        "HOME": "/nowhere",
    }


@pytest.mark.parametrize("name", ["NIGHT_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_variable_of_the_sdk_stays_what_it_is(name: str):
    found = with_credential({**COMMON, name: SECRET}, lane(FromVariable(name)))

    kept = name if name == "ANTHROPIC_AUTH_TOKEN" else "ANTHROPIC_API_KEY"
    assert {key: value for key, value in found.items() if key.startswith("ANTHROPIC")} == {
        kept: SECRET
    }


def test_what_a_command_prints_is_the_credential():
    words = (sys.executable, "-c", f"print({SECRET!r}); print('and more')")

    assert with_credential({}, lane(FromCommand(words)))["ANTHROPIC_API_KEY"] == SECRET


def test_a_keyring_is_asked_where_it_is_installed(tmp_path: Path):
    (tmp_path / "keyring.py").write_text(
        "def get_password(service, user):\n"
        f"    return {SECRET!r} if (service, user) == ('anthropic', 'ann') else None\n"
    )
    script = (
        "from backburner.upstream.credentials import with_credential\n"
        "from backburner.nouns.lane import FromKeyring, LaneTerms\n"
        "terms = LaneTerms(name='x', credential=FromKeyring('anthropic', 'ann'))\n"
        "print(with_credential({}, terms)['ANTHROPIC_API_KEY'])\n"
    )
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.strip() == SECRET


@pytest.mark.parametrize(
    ("credential", "told"),
    [
        (FromVariable("NIGHT_KEY"), "the variable NIGHT_KEY is not set"),
        (FromFile("/nowhere/key"), "the file /nowhere/key cannot be read"),
        (FromCommand(("no-such-command", SECRET)), "the command no-such-command did not run"),
        (
            FromCommand((sys.executable, "-c", f"print({SECRET!r}); raise SystemExit(3)")),
            "ended with 3",
        ),
        (FromCommand((sys.executable, "-c", "print()")), "it is empty"),
    ],
)
def test_a_missing_credential_is_told_with_the_lane_and_without_a_secret(
    credential: Credential, told: str
):
    with pytest.raises(KeyMissing) as caught:
        with_credential(COMMON, lane(credential))

    assert "lane 'night'" in str(caught.value)
    assert told in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_whether_there_is_one_is_known_without_looking_at_it(tmp_path: Path):
    (tmp_path / "key").touch()

    assert names_credential({"NIGHT_KEY": "x"}, lane(FromVariable("NIGHT_KEY")))
    assert not names_credential(COMMON, lane(FromVariable("NIGHT_KEY")))
    assert names_credential({}, lane(FromFile(str(tmp_path / "key"))))
    assert not names_credential({}, lane(FromFile(str(tmp_path / "none"))))
    assert names_credential({}, lane(FromCommand(("never-run",))))
    assert names_credential({}, lane(FromKeyring("a", "b")))
    assert not names_credential({}, lane(None))
