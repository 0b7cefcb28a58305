"""The check that ends every flow, and that finds what it is for."""

import pytest
from sqlalchemy import text

from backburner.emulator.faults import Late
from backburner.emulator.settings import ItemFailure

HOUR = 3600.0


def play(make_stage, settings):
    """A run with a retry and with a batch that was accepted twice."""
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0, kind="max_tokens"),), **settings)
    stage.world.script("create", Late(by=2 * HOUR))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["a", "a", "b", "c"]))
    bb.run(run.id)
    stage.clock.sleep(25 * HOUR)
    bb.drain()
    return stage, bb


def test_receipts_report_and_ledger_equal_the_emulators_bill(make_stage, differing):
    stage, bb = play(make_stage, {})

    assert differing(bb, [stage.world]) == []
    assert bb.savings().total.paid == stage.world.bill().total > 0
    assert bb.savings().total.twice > 0
    assert bb.savings().total.collapsed > 0


@pytest.mark.unbilled("the store is changed")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger SET paid = paid + 1",
        "UPDATE ledger SET paid = paid - 1 WHERE batch = 2",
        "DELETE FROM ledger WHERE batch = 2",
        "UPDATE ledger SET upstream_id = 'msgbatch_x' WHERE batch = 2",
        "UPDATE ledger SET paid = NULL WHERE batch = 2",
        "UPDATE duplicate SET upstream_id = 'msgbatch_x'",
    ],
)
def test_a_change_of_the_books_is_found(make_stage, differing, sql):
    stage, bb = play(make_stage, {})

    with bb.tools.store.write() as tx:
        assert tx.execute(text(sql)).rowcount

    assert differing(bb, [stage.world]) != []
