"""The figures beside "never pay twice": ours under each fault, and the script that pays twice."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUESTS = 40


def figures(tmp_path, *faults, only):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.faults", "--requests", str(REQUESTS)]
    options = ["--faults", *faults, "--only", *only, "--json", str(path)]
    subprocess.run([*command, *options], cwd=ROOT, capture_output=True, check=True)
    found = json.loads(path.read_bytes())["figures"]
    return {(one["trouble"], one["contestant"]): one for one in found}


def test_under_every_fault_ours_sends_what_is_needed_pays_once_and_loses_no_row(tmp_path):
    faults = ["kill -9 after create", "results cut", "a line missing once", "3 % errors"]

    found = figures(tmp_path, *faults, only=["ours"])

    assert len(found) == 5
    for one in found.values():
        assert one["accepted"] == one["needed"], one
        assert (one["lost"], one["paid_again"]) == (0, 0), one
        assert one["times_the_bill"] == 1.0, one
    assert found["kill -9 after create", "ours"]["crashed"]
    assert found["3 % errors", "ours"]["needed"] > REQUESTS


def test_after_a_lost_answer_the_script_pays_twice_and_ours_once(tmp_path):
    lost = "answer to create lost"

    found = figures(tmp_path, lost, only=["sdk-script", "ours"])

    assert found[lost, "sdk-script"]["times_the_bill"] == 2.0
    assert found[lost, "sdk-script"]["paid_again"] == REQUESTS
    assert found[lost, "ours"]["times_the_bill"] == 1.0
    assert found[lost, "ours"]["accepted"] == REQUESTS
