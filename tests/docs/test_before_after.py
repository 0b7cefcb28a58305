"""The README's before and after: the same thousand requests, the same answers."""

import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.emulator.server import server_for
from backburner.emulator.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "before_after"


@pytest.fixture
def address() -> Iterator[str]:
    """An emulator whose batches have ended when they are first asked about."""
    ready: list[str] = []
    told = threading.Event()

    def tell(url: str) -> None:
        ready.append(url)
        told.set()

    server = server_for(Settings(turnaround=0.0), ready=tell)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert told.wait(30)
    yield ready[0]
    server.should_exit = True
    thread.join()


def control(address: str, name: str) -> bytes:
    with urllib.request.urlopen(f"{address}/_emulator/{name}") as answer:  # noqa: S310  # our emulator
        return answer.read()


def printed(script: str, address: str, home: Path) -> list[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")},
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": address,
        "BACKBURNER_HOME": str(home),
    }
    done = subprocess.run(
        [sys.executable, script], cwd=FOLDER, env=environment, capture_output=True, check=True
    )
    return done.stdout.decode().splitlines()


def test_both_programs_give_the_same_answers_to_a_thousand_requests(
    address: str, tmp_path: Path
) -> None:
    before = printed("before.py", address, tmp_path)
    after = printed("after.py", address, tmp_path)

    assert len(before) == 1000
    assert after == before


def test_the_second_program_called_once_more_pays_nothing_again(
    address: str, tmp_path: Path
) -> None:
    first = printed("after.py", address, tmp_path)
    batches = control(address, "batches")

    again = printed("after.py", address, tmp_path)

    assert again == first
    assert control(address, "batches") == batches


@pytest.mark.parametrize("name", ["before", "after"])
def test_the_readme_shows_the_programs_that_are_run(name: str) -> None:
    program = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    core = program.split(f"# {name}\n")[1].split("# end\n")[0]

    assert core in (ROOT / "README.md").read_text(encoding="utf-8")
