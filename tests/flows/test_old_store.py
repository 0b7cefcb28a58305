"""A home that the commit 9c6cf65 left, with batches in every state, opens and finishes its runs."""

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest

from backburner.client import Backburner
from backburner.clock import FakeClock
from backburner.emulator.settings import ItemFailure
from backburner.nouns.outcome import ExceptionState
from backburner.plan.packing import PackLimits
from backburner.store.engine import SCHEMA_VERSION

OLD = Path(__file__).parents[1] / "fixtures" / "store-0001"
FAILURES = ((0, 1), (4, 0), (5, 0))


@pytest.fixture
def facts() -> dict[str, Any]:
    return json.loads((OLD / "accepted.json").read_text())


@pytest.fixture
def world(make_world: Callable[..., Any], facts: dict[str, Any], make_client, clock: FakeClock):
    """A world that has accepted what the old one had, under the same ids."""
    made = make_world(fail_once=tuple(ItemFailure(ordinal=n, index=at) for n, at in FAILURES))
    client = make_client(made)
    for body in facts["bodies"]:
        requests = [{"custom_id": name, "params": params} for name, params in body]
        client.messages.batches.create(requests=requests)
        # The next one must not find the last attempt's failure still to come.
        clock.sleep(30.0)
        list(client.messages.batches.list())
    assert [batch.id for batch in made.ledger()] == facts["ids"]
    clock.sleep(max(facts["now"] - clock.now(), 0.0))
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(OLD / "vault", copy / "vault")
    database = sqlite3.connect(copy / "backburner.db")
    database.executescript((OLD / "store.sql").read_text())
    database.close()
    return copy


@pytest.fixture
def bb(home: Path, world: Any, make_client: Callable[..., anthropic.Anthropic], clock: FakeClock):
    with Backburner(
        home,
        client=make_client(world),
        clock=clock,
        limits=PackLimits(requests=3),
        environment={},
    ) as opened:
        yield opened


def states(bb: Backburner) -> dict[str, str]:
    with bb.tools.store.read() as tx:
        rows = tx.exec_driver_sql(
            "SELECT run.name, batch.state FROM batch JOIN run ON run.id = batch.run"
        )
        return dict(rows.all())


def test_it_has_batches_in_every_state_and_opens(bb):
    assert states(bb) == {
        "done": "done",
        "travelling": "done",
        "waiting": "done",
        **{name: name for name in ("unknown", "armed", "released", "sealed", "held")},
        **{name: name for name in ("sent", "ended")},
    }
    with bb.tools.store.read() as tx:
        version = tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        found = tx.exec_driver_sql("SELECT state FROM exception").scalars().all()
    assert version == SCHEMA_VERSION
    assert Counter(found) == Counter(
        [ExceptionState.FINAL, ExceptionState.TRAVELLING, ExceptionState.WAITING]
    )


def test_its_bytes_agree_with_it(bb):
    assert bb.verify().differences == []


def test_its_runs_are_finished_and_nothing_is_sent_twice(bb, world):
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE batch SET state = 'sealed', hold = NULL WHERE state = 'held'")

    for _ in range(40):
        bb.drain()
        bb.tools.clock.sleep(120.0)

    _, runs = bb.status()
    finished = {one.run.name: dict(one.count.outcomes) for one in runs if one.count.is_finished}
    assert set(states(bb)) <= set(finished)
    assert all(set(outcomes) == {"ok"} for outcomes in finished.values())
    assert bb.verify().differences == []
    # A retry travels under a name of its own; the same name twice would be the same try twice.
    sent = Counter(name for one in world.ledger() for name in one.custom_ids())
    assert set(sent.values()) == {1}
