"""A process dies after every other effect, and the budgets still tell the truth.

The truth is made anew after each death: what is reserved belongs to batches that are on their way
or in doubt, what is spent is in the ledger, and in the end it is what the server bills.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from backburner.emulator.faults import Status
from backburner.emulator.settings import ItemFailure
from backburner.nouns.budget import billing_of, is_day
from backburner.nouns.money import PICODOLLARS
from backburner.nouns.run import Run
from backburner.store import Store
from backburner.store.budgets import ON_THEIR_WAY, budgets_all
from backburner.store.invariants import breaches
from backburner.store.ledger import ledger_of_run
from backburner.telemetry import BudgetHeld

from .conftest import Deaths
from .test_crash import KilledError, Life, Tripwire

STRIDE = 8
STAGED = 12
"""Effects before anything is released; `test_crash` dies at those."""

SCOPES = ("lane:default", "tag:seo", "owner:ann", "day")


class BudgetedLife(Life):
    """The same life under a budget of every kind; its first create is refused.

    There is room for one batch and a retry at a time, so the second batch waits for the first.
    """

    def __init__(self, stage: Any, amount: int) -> None:
        super().__init__(stage)
        self.amount = amount
        stage.world.script("create", Status(529))
        with_budgets = stage.open()
        for scope in SCOPES:
            with_budgets.set_budget(scope, str(amount / PICODOLLARS))
        with_budgets.close()

    def begin(self, bb: Any) -> Run:
        """Stage the run, or find it."""
        billing = billing_of("1", ("seo",), "ann")
        run: Run = self.stage.run_of(bb, self.source, billing=billing)
        return run

    def check_the_budgets(self) -> None:
        """What is reserved and spent is what batches and ledger say."""
        store = Store(self.stage.home)
        with store.read() as tx:
            assert breaches(tx) == []
            found = {one.scope: one for one in budgets_all(tx)}
            rows = tx.exec_driver_sql(
                "SELECT reservation.scope, batch.state FROM reservation "
                "JOIN batch ON batch.id = reservation.batch WHERE reservation.state = 'reserved'"
            ).all()
            runs = tx.exec_driver_sql("SELECT id FROM run").scalars().all()
            paid = sum(row.paid or 0 for run in runs for row in ledger_of_run(tx, run))
        store.close()
        assert {state for _, state in rows} <= set(ON_THEIR_WAY)
        assert all(one.reserved + one.spent <= one.amount for one in found.values())
        spent = {scope: one.spent for scope, one in found.items() if not is_day(scope)}
        # A life may go on over midnight.
        spent["day"] = sum(one.spent for scope, one in found.items() if is_day(scope))
        assert set(spent) >= set(SCOPES)
        assert set(spent.values()) == {paid}


@pytest.fixture
def make_budgeted(make_stage: Callable[..., Any]) -> Callable[[], BudgetedLife]:
    failing = (ItemFailure(ordinal=1, index=1),)
    return lambda: BudgetedLife(make_stage(turnaround=0.5, fail_once=failing), 12 * 10**8)


def test_a_death_after_an_effect_leaves_the_budgets_true(
    make_budgeted: Callable[[], BudgetedLife], deaths: Deaths
) -> None:
    for at in deaths(STAGED + 2, STRIDE):
        life, wire = make_budgeted(), Tripwire(at, "after")
        with suppress(KilledError):
            life.live(wire)
        life.check_the_budgets()
        if not wire.tripped:
            assert any(isinstance(event, BudgetHeld) for event in life.stage.events)
            break

        life.live(Tripwire(0, "after"))
        life.check_the_budgets()
        life.check_the_books()
        life.check_the_server()
        life.stage.close()
        life.stage.world.close()
    assert at > 40
