"""Starting: help is fast, fits a screen, and the packaged example is whole."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backburner.cli.main import main

HEAVY = {
    "alembic",
    "anthropic",
    "genai_prices",
    "httpx2",
    "jinja2",
    "pyarrow",
    "sqlalchemy",
    "uvicorn",
}
SCREEN = 48
COMMANDS = ("run", "enqueue", "drain", "status", "results", "cancel", "verify", "demo", "emulator")


def test_help_loads_nothing_that_is_slow():
    code = "import sys; from backburner.cli.main import main; main(['run', '--help']); "
    code += "print(*(name.partition('.')[0] for name in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY.isdisjoint(done.stdout.splitlines()[-1].split())


def test_help_fits_a_screen_and_names_every_command(capsys):
    code = main(["--help"], environment={})

    shown = capsys.readouterr().out
    assert code == 0
    assert len(shown.splitlines()) <= SCREEN
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []
    assert "..." not in shown.partition("Commands:")[2]


def test_every_option_of_run_has_a_line_of_its_own(capsys):
    main(["run", "--help"], environment={})

    assert len(capsys.readouterr().out.splitlines()) <= 2 * SCREEN


def test_the_version_is_told(capsys):
    assert main(["--version"], environment={}) == 0
    assert re.fullmatch(r"backburner \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "backburner", "frobnicate"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "No such command 'frobnicate'" in done.stderr


@pytest.fixture
def demo_folder():
    """Tells where a demonstration was, and removes it."""
    seen = []

    def folder(out: str) -> Path:
        match = re.search(r"^folder +(\S+)$", out, re.MULTILINE)
        assert match is not None
        seen.append(Path(match[1]))
        return seen[-1]

    yield folder
    for path in seen:
        shutil.rmtree(path)


def test_the_demonstration_shows_the_whole_job_and_says_that_nothing_is_paid(call, demo_folder):
    environment = {"ANTHROPIC_API_KEY": "real", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}

    said = call("demo", client=None, environment=environment)

    folder = demo_folder(said.out)
    assert said.code == 0
    assert said.err == ""
    assert "emulator's pretend model" in said.out
    assert "nothing is sent to Anthropic, and nothing is paid" in said.out
    assert "2,000 rows, each a request of its own" in said.out
    assert "1 server_error; 1 to be tried again" in said.out
    assert re.search(r"^rows +2,000: 2,000 ok$", said.out, re.MULTILINE)
    assert "troubleshooting ad-2500" in said.out.partition("The first rows of")[2]
    assert (folder / "labelled.csv").read_text().count("\n") == 2001
    assert "MIT" in (folder / "README.md").read_text()


def test_each_demonstration_has_a_home_of_its_own(call, demo_folder):
    folders = [demo_folder(call("demo", client=None).out) for _ in range(2)]

    assert folders[0] != folders[1]
    assert all((folder / "home" / "backburner.db").exists() for folder in folders)


def test_the_demonstration_drops_every_variable_that_could_lead_to_an_account(
    clock, capsys, demo_folder
):
    environment = {"ANTHROPIC_API_KEY": "a", "ANTHROPIC_PROFILE": "b", "KEPT": "c"}

    code = main(["demo"], environment=environment, clock=clock)

    demo_folder(capsys.readouterr().out)
    assert code == 0
    assert environment == {"KEPT": "c"}


def test_the_demonstration_runs_over_real_http_too(tmp_path, demo_folder):
    environment = {**os.environ, "ANTHROPIC_API_KEY": "real", "HTTP_PROXY": "http://127.0.0.1:9"}

    done = subprocess.run(
        [sys.executable, "-m", "backburner", "demo", "--serve"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    demo_folder(done.stdout)
    assert done.stderr == ""
    assert done.returncode == 0
    assert re.search(r"^rows +2,000: 2,000 ok$", done.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []
