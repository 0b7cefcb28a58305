"""One behaviour suite for every database that a store may be on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backburner.nouns.batch import BatchId
from backburner.nouns.run import Run
from backburner.store import Store
from backburner.store.batches import batch_get, batch_insert
from backburner.store.lanes import lane_pin
from backburner.store.runs import run_insert

NOW = 1_790_000_000.0


@pytest.fixture
def now() -> float:
    return NOW


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same store, as often as asked."""
    opened = []

    def open_one() -> Store:
        assert request.param == "sqlite"
        opened.append(Store(tmp_path))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """A store with one lane and one run."""
    store = open_store()
    with store.write() as tx:
        lane_pin(tx, "default", "http://emulator", NOW)
        run_insert(tx, a_run("r1"))
    return store


def a_run(name: str, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "id": name,
        "lane": "default",
        "name": "in.csv",
        "identity": f"identity of {name}",
        "parts": {"input": "a", "prompt": "b"},
        "spec": "s",
        "source": "i",
        "row_map": None,
        "rows": 3,
        "requests": 3,
        "collapsed": 0,
        "output": None,
        "prefix": "",
        "created_at": NOW,
        "finished_at": None,
        "written_at": None,
        "cancel_asked_at": None,
        "collapsed_sync": 0,
        "price_date": "",
    }
    return Run(**{**values, **changes})


@pytest.fixture
def new_run() -> Callable[..., Run]:
    return a_run


@pytest.fixture
def new_batch(store: Store) -> Callable[..., BatchId]:
    """Adds batches of the run, due now."""
    count = 0

    def insert(**changes: Any) -> BatchId:
        nonlocal count
        count += 1
        values = {
            "lane": "default",
            "run": "r1",
            "nonce": f"nonce{count:07d}",
            "betas": "",
            "requests": 3,
            "body_bytes": 100,
            "segment": "s",
            "due_at": NOW,
            "created_at": NOW,
            **changes,
        }
        with store.write() as tx:
            return batch_insert(tx, values)

    return insert


@pytest.fixture
def get(store: Store) -> Callable[[BatchId], Any]:
    """Reads a batch."""

    def read(batch_id: BatchId) -> Any:
        with store.read() as tx:
            return batch_get(tx, batch_id)

    return read
