"""A real process is killed with SIGKILL at each stage of a run, and the next one finishes it.

The child says on its pipe that it has come to a place, and waits there for its death. A second
child makes the same call. The emulator is a server of its own, in a thread of the test.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.client import Backburner
from backburner.emulator.server import server_for
from backburner.emulator.settings import Rule, Settings

ROWS = 40
CHILD = Path(__file__).with_name("child.py")

STAGES = ["staging", "commit", "upload", "sent", "poll", "collect", "judged", "output"]
"""Where a child may die without leaving a doubt."""


@pytest.fixture
def emulator() -> Iterator[str]:
    settings = Settings(
        turnaround=0.3,
        retry_after=0,
        rules=(Rule(match=r"^Say: (.*)$", answer=r"\1"),),
    )
    ready = threading.Event()
    address = []

    def listening(url: str) -> None:
        address.append(url)
        ready.set()

    server = server_for(settings, ready=listening)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert ready.wait(10)
    yield address[0]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    rows = "".join(f"{n},text {n}\n" for n in range(ROWS))
    path.write_text(f"id,text\n{rows}", encoding="utf-8")
    return path


class Nursery:
    """Bears processes, one at a time."""

    def __init__(self) -> None:
        self._zygote = subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _bear(self, url: str, source: Path, place: str) -> int:
        print(json.dumps([url, str(source), place]), file=self._zygote.stdin, flush=True)
        return int(self._said().removeprefix("pid "))

    def _said(self) -> str:
        return self._zygote.stdout.readline().strip()

    def kill_at(self, url: str, source: Path, stage: str) -> None:
        """Let a process come to a stage, and kill it there."""
        pid = self._bear(url, source, stage)
        said = self._said()
        os.kill(pid, signal.SIGKILL)
        assert said == f"at {stage}"
        assert self._said() == "exit -9"

    def finish(self, url: str, source: Path) -> str:
        """Let a process come to its end."""
        self._bear(url, source, "")
        said = self._said()
        assert self._said() == "exit 0", said
        return said

    def close(self) -> None:
        self._zygote.stdin.close()
        self._zygote.wait(10)
        self._zygote.stdout.close()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


def batches(url: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{url}/_emulator/batches") as answer:  # noqa: S310
        return json.loads(answer.read())


def paid(source: Path) -> int:
    """What the books and the receipts of the dead and the living say together."""
    with Backburner(source.parent / "home", environment={}, is_pinned=False) as opened:
        report = opened.savings()
        receipts = [opened.receipt(group.key).paid.picodollars for group in report.groups]
    assert sum(receipts) == report.total.paid
    return report.total.paid


def charged(url: str) -> int:
    with urllib.request.urlopen(f"{url}/_emulator/bill") as answer:  # noqa: S310
        return json.loads(answer.read())["total"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_is_finished_by_the_next_call(
    emulator: str, source: Path, nursery: Nursery, stage: str
) -> None:
    nursery.kill_at(emulator, source, stage)

    assert nursery.finish(emulator, source) == f"ok={ROWS}"

    heading, *rows = (source.parent / "out.csv").read_text(encoding="utf-8").splitlines()
    assert heading.startswith("id,text,answer,outcome,")
    starts = [f"{n},text {n},text {n},ok,end_turn," for n in range(ROWS)]
    assert all(row.startswith(start) for row, start in zip(rows, starts, strict=True))
    assert sorted(batch["count"] for batch in batches(emulator)) == [20, 20]
    assert not list(source.parent.glob(".out.csv*"))
    assert paid(source) == charged(emulator) > 0


@pytest.mark.parametrize("stage", ["armed", "answered"])
def test_a_run_killed_between_armed_and_its_answer_is_finished_without_paying_twice(
    emulator: str, source: Path, nursery: Nursery, stage: str
) -> None:
    nursery.kill_at(emulator, source, stage)

    assert nursery.finish(emulator, source) == f"ok={ROWS}"

    assert sorted(batch["count"] for batch in batches(emulator)) == [20, 20]
    assert paid(source) == charged(emulator) > 0
