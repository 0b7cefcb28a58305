"""A whole life at a price of one's own, and what `verify` says when that price changes."""

import os
from pathlib import Path
from typing import Any

import pytest

from backburner.client import Backburner
from backburner.client.estimating import estimate_staged
from backburner.client.preparing import Fresh, RunOptions
from backburner.plan.estimating import Estimate
from backburner.store.ledger import ledger_of_run

MODEL = "claude-haiku-4-5"
OWN = "[prices.claude-haiku-4-5]\ninput = {}\noutput = {}\n"


def stated(stage: Any, price: float, day: float = 1_800_000_000.0) -> None:
    """Another price in the home's file, of a day."""
    stage.home.mkdir(exist_ok=True)
    file: Path = stage.home / "backburner.toml"
    file.write_text(OWN.format(price, 5 * price))
    os.utime(file, (day, day))


def finished(stage: Any) -> tuple[Any, str, Any]:
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    return bb, run.id, bb.run(run.id).receipt


def estimated(stage: Any, bb: Backburner) -> Estimate | None:
    options = RunOptions(source=str(stage.table(3)), prompt="{{ text }}", model=MODEL, max_tokens=9)
    prepared = bb.intake.prepare(options)
    assert isinstance(prepared, Fresh)
    return estimate_staged(bb.tools, prepared.staged)


@pytest.mark.unbilled("prices of one's own")
def test_all_figures_are_at_the_own_price_and_name_it(stage):
    stated(stage, 0.80)

    bb, run, receipt = finished(stage)

    # Four fifths of the list price, which the emulator bills.
    assert 5 * receipt.paid.picodollars == 4 * stage.world.bill().total
    assert receipt.saved_by_batch == receipt.paid
    assert (receipt.price_source, str(receipt.price_date)) == ("backburner.toml", "2027-01-15")
    with bb.tools.store.read() as tx:
        assert [row.price_date for row in ledger_of_run(tx, run)] == ["2027-01-15"]
    assert bb.verify(run).differences == bb.verify(run).notes == []


def test_a_price_that_was_stated_since_leaves_what_was_booked_alone(stage):
    _, run, receipt = finished(stage)
    stated(stage, 0.80)

    bb = stage.open()
    found = bb.verify(run)

    assert bb.receipt(run).paid == receipt.paid
    assert found.differences == []
    [note] = found.notes
    assert note == (
        "what was booked at prices of 2026-10-14 is compared in tokens alone: "
        "the price of claude-haiku-4-5-20251001 is of 2027-01-15 now"
    )


@pytest.mark.unbilled("prices of one's own")
def test_a_price_that_was_changed_on_the_same_day_is_no_difference_either(stage):
    stated(stage, 0.80)
    _, run, _ = finished(stage)
    stated(stage, 0.90)

    found = stage.open().verify(run)

    assert found.differences == []
    [note] = found.notes
    assert note.endswith("backburner.toml has another price for claude-haiku-4-5-20251001 now")


@pytest.mark.unbilled("prices of one's own")
def test_tokens_are_compared_whatever_became_of_the_price(stage):
    stated(stage, 0.80)
    bb, run, _ = finished(stage)
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE ledger SET output_tokens = output_tokens + 1, paid = paid + 1")

    [difference] = bb.verify(run).differences

    assert "output_tokens booked" in difference


def test_an_estimate_is_at_the_own_price(stage):
    bb = stage.open()
    usual = estimated(stage, bb)
    bb.close()
    stated(stage, 0.80)

    own = stage.open()
    cheaper = estimated(stage, own)

    assert usual is not None
    assert cheaper is not None
    assert 5 * cheaper.price.low.picodollars == 4 * usual.price.low.picodollars
    assert str(cheaper.price_date) == "2027-01-15"
