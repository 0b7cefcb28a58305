"""After every single commit of whole lives, whatever happens in them, the store breaks no rule.

A death can only lie between two commits, so these are all the states that a start can find.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from backburner.client import Backburner
from backburner.client.home import Home
from backburner.emulator.faults import DropAfter, Status
from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import InDoubt, LaneStopped, StoreDamaged
from backburner.store import Store, Transaction
from backburner.store.invariants import breaches
from backburner.store.owners import Owner
from backburner.vault import Vault


class WatchedStore(Store):
    """Looks at the rules after each commit."""

    commits = 0

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with super().write() as tx:
            yield tx
        with self.read() as tx:
            assert list(map(str, breaches(tx))) == []
        self.commits += 1


@pytest.fixture
def watched(make_stage: Callable[..., Any]) -> Callable[..., tuple[Any, Backburner, WatchedStore]]:
    """Makes stages with a Backburner on a store that is watched."""

    def make(requests: int = 3, **settings: Any) -> tuple[Any, Backburner, WatchedStore]:
        stage = make_stage(**settings)
        stage.home.mkdir()
        store = WatchedStore(stage.home)
        vault = Vault(stage.home / "vault")
        home = Home(stage.home, store, vault, Owner(stage.home, stage.clock.token(10)))
        return stage, stage.open(home=home, requests=requests), store

    return make


def test_a_life_with_failures_and_retries(watched):
    failures = tuple(ItemFailure(ordinal=n, index=0) for n in range(3))
    rules = (
        Rule(match="text 5$", kind="refusal"),
        Rule(match="text 6$", kind="billing_error"),
        Rule(match="", answer="yes"),
    )
    stage, bb, store = watched(fail_once=failures, rules=rules)

    run = stage.run_of(bb, stage.table(8))
    for _ in range(2):
        with pytest.raises(LaneStopped):
            bb.run(run.id)
        bb.resume()
    bb.cancel(run.id)
    bb.run(run.id)

    assert {row["outcome"] for row in stage.rows()} == {"ok", "refused", "canceled"}
    assert store.commits > 20


@pytest.mark.parametrize("passes", range(4))
def test_a_life_that_is_canceled_at_some_stage(watched, passes):
    failures = (ItemFailure(ordinal=0, index=0),)
    stage, bb, _ = watched(fail_once=failures, turnaround=50.0)
    run = stage.run_of(bb, stage.table(7))
    for _ in range(passes):
        bb.drain()
        stage.clock.sleep(60.0)

    bb.cancel(run.id)
    for _ in range(5):
        bb.drain()
        stage.clock.sleep(3600.0)

    assert bb.status(run.id)[1][0].count.is_finished


def test_a_life_in_which_requests_expire_and_results_are_gone(watched):
    stage, bb, _ = watched(expired_share=0.5, seed=3)
    run = stage.run_of(bb, stage.table(6))
    bb.drain()
    stage.clock.sleep(40 * 86400.0)

    for _ in range(20):
        bb.drain()
        stage.clock.sleep(3700.0)

    assert bb.status(run.id)[1][0].count.ended


@pytest.mark.parametrize("fault", [Status(529, "overloaded_error"), DropAfter()])
def test_a_life_in_which_creating_fails(watched, fault):
    stage, bb, _ = watched()
    run = stage.run_of(bb, stage.table(4))
    stage.world.script("create", fault)

    with suppress(InDoubt):
        bb.run(run.id)

    assert stage.world.struck()


def test_a_store_that_breaks_a_rule_is_not_opened_but_by_verify(stage):
    bb = stage.open()
    stage.run_of(bb, stage.table(2))
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE batch SET state = 'sent'")

    with pytest.raises(StoreDamaged, match="batch 1 breaks the rule"):
        stage.open()

    found = stage.open(is_checked=False).verify()
    assert any("batch 1 breaks the rule" in words for words in found.differences)


def test_a_refused_start_leaves_nothing_open(stage):
    bb = stage.open()
    stage.run_of(bb, stage.table(2))
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE lane SET lease_until = 5.0, owner = NULL")

    with pytest.raises(StoreDamaged):
        stage.open()

    assert len(list((stage.home / "owners").iterdir())) == 1
