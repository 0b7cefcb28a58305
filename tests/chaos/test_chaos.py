"""Real processes are killed and stopped at random while everything goes wrong at the far side.

The harness is a program of its own, `python tests/chaos`, which judges by the emulator's ledger.
It goes on until its aims are met; no time is asserted, since a machine may be slow.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).parent
KILLS = 150
DOUBTS = 50


def figures_of(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(HARNESS), "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    (figures,) = json.loads(done.stdout)
    return figures


def test_killed_and_stopped_processes_lose_nothing_and_never_pay_twice() -> None:
    aims = ["--kills", str(KILLS), "--doubts", str(DOUBTS), "--minutes", "1", "--longest", "8"]

    figures = figures_of("--only", "none", *aims)

    assert figures["violations"] == []
    assert figures["kills"] >= KILLS
    assert sum(figures["doubts"].values()) >= DOUBTS
    assert figures["stalls"] > 0
    assert {"adopted", "absent"} <= figures["resolved"].keys()


@pytest.mark.parametrize("control", ["sdk-retries", "no-quiet", "by-count", "no-epoch"])
def test_without_a_safeguard_the_harness_finds_violations(control: str) -> None:
    figures = figures_of("--only", control)

    assert {violation["law"] for violation in figures["violations"]} & {2, 3}
