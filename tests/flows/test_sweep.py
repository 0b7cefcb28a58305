"""Files that a crash left in the vault go after a week; what counts stays."""

import os
from pathlib import Path

import pytest

from backburner.errors import StoreUnusable
from backburner.store.objects import objects_register
from backburner.worker.sweeping import AFTER, sweep

NAME = "segments/neverregistered.jsonl.zst"


@pytest.fixture
def orphan(stage) -> Path:
    path = stage.home / "vault" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left by a crash")
    return path


def age(path: Path, stage, seconds: float) -> None:
    at = stage.clock.now() - seconds
    os.utime(path, (at, at))


def test_an_unregistered_file_goes_after_a_week(stage, orphan: Path) -> None:
    age(orphan, stage, AFTER + 1)

    assert sweep(stage.open().tools) == 1
    assert not orphan.exists()


def test_a_younger_one_is_left_alone(stage, orphan: Path) -> None:
    age(orphan, stage, AFTER - 1)

    assert sweep(stage.open().tools) == 0
    assert orphan.exists()


def test_what_a_run_registered_stays_however_old(stage) -> None:
    bb = stage.open()
    stage.run_of(bb, stage.table(3))
    files = [path for path in (stage.home / "vault").rglob("*") if path.is_file()]
    for path in files:
        age(path, stage, 10 * AFTER)

    assert sweep(bb.tools) == 0
    assert all(path.exists() for path in files)


def test_who_registers_a_swept_name_fails_instead_of_relying_on_it(stage, orphan: Path) -> None:
    tools = stage.open().tools
    age(orphan, stage, AFTER + 1)
    sweep(tools)

    with pytest.raises(StoreUnusable), tools.store.write() as tx:
        objects_register(tx, [NAME])
