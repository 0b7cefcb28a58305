"""The night of `make night`: by a worker, and by the lines that `install cron` prints."""

import csv
import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from backburner.cli.output import Page

NIGHT = Path(__file__).parents[2] / "examples" / "night" / "night.py"

ROWS = 120


@pytest.fixture(scope="module")
def night() -> ModuleType:
    spec = importlib.util.spec_from_file_location("night", NIGHT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def play(night: ModuleType, tmp_path: Path) -> Any:
    """Plays a night, and gives the folder and what was printed."""

    def played(name: str, keeper: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        with night.stage(folder, Page()) as tonight:
            night.play(tonight, keeper(tonight), ROWS)
            night.morning(tonight)
        return folder

    return played


def by_cron(night: ModuleType) -> Any:
    """The lines that `install cron` prints for the night's home."""

    def keeper(tonight: Any) -> Any:
        program = str(tonight.folder / "backburner")
        printed = tonight.call(["install", "cron", "--executable", program])
        assert "\nTZ=Europe/Berlin\n" in printed
        command = rf"^((?:\S+ ){{5}}).*; {re.escape(program)} (.*) >> \S+$"
        lines = re.findall(command, printed, re.MULTILINE)
        assert [schedule.strip() for schedule, _ in lines] == ["0 23 * * *", "*/10 * * * *"]
        return night.by_cron([(schedule, shlex.split(words)) for schedule, words in lines])

    return keeper


def answers(folder: Path, night: ModuleType) -> dict[str, list[dict[str, str]]]:
    """Every output without the ids of requests, which are drawn anew each night."""
    found = {}
    for name in night.OUTPUTS:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            found[name] = [
                {key: value for key, value in row.items() if key != "request_id"}
                for row in csv.DictReader(file)
            ]
    return found


def test_cron_lines_bring_by_morning_what_a_worker_brings(
    play: Any, night: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    by_worker = answers(play("worker", lambda _night: night.by_worker), night)
    told = capsys.readouterr().out

    by_lines = answers(play("cron", by_cron(night)), night)

    assert by_lines == by_worker
    assert {row["outcome"] for rows in by_worker.values() for row in rows} == {"ok"}
    assert "to be tried again" in told
    assert f"23:00:00  sent {ROWS} requests" in told
    assert told.count("0 s after it was asked") == len(night.CHATS)
