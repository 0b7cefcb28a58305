"""Web searches in a batch: paid in full, in every figure, and no part of any saving."""

import json
from decimal import Decimal

import pytest
from msgspec import Raw

from backburner.emulator.settings import Rule
from backburner.nouns.tariff import WEB_SEARCH
from backburner.store.ledger import ledger_of_run

MODEL = "claude-sonnet-4-6"
TOOLS = [{"type": "web_search_20260209", "name": "web_search", "max_uses": 9}]
RULES = (
    Rule(match="search twice", answer="found", searches=2),
    Rule(match="search once", answer="found", searches=1),
    Rule(match="", answer="known"),
)


@pytest.fixture
def played(make_stage):
    """A finished table of four rows: three requests, three searches."""
    stage = make_stage(rules=RULES)
    bb = stage.open()
    run = stage.run_of(
        bb,
        stage.table(["search twice", "search once", "no need", "search twice"]),
        model=MODEL,
        params={"tools": Raw(json.dumps(TOOLS).encode())},
    )
    return stage, bb, run, bb.run(run.id).receipt


def test_the_receipt_is_the_bill_searches_included(played):
    stage, bb, run, receipt = played

    assert receipt.paid.picodollars == stage.world.bill().total
    assert receipt.paid.picodollars > 3 * WEB_SEARCH
    assert (bb.verify(run.id).differences, bb.verify(run.id).notes) == ([], [])


def test_searches_stand_in_the_ledger_and_in_a_line_of_the_receipt(played):
    _, bb, run, receipt = played

    with bb.tools.store.read() as tx:
        [row] = ledger_of_run(tx, run.id)
    assert row.web_searches == 3
    assert dict(receipt.lines())["of it web searches"] == "$0.03 for 3, at full price"
    assert receipt.to_json()["web_searches_usd"] == "0.03"


def test_a_search_more_in_the_ledger_is_found(played):
    _, bb, run, _ = played
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE ledger SET web_searches = web_searches + 1")

    [difference] = bb.verify(run.id).differences

    assert difference.endswith("4 web_searches booked, and the lines say 3")


def test_a_run_without_searches_says_nothing_of_them(stage):
    bb = stage.open()

    receipt = bb.run(stage.run_of(bb, stage.table(2)).id).receipt

    assert "of it web searches" not in dict(receipt.lines())


def test_a_batch_saves_half_of_the_tokens_and_nothing_of_the_searches(played):
    _, _, _, receipt = played

    tokens = receipt.paid.picodollars - 3 * WEB_SEARCH

    assert receipt.saved_by_batch.picodollars == tokens
    assert receipt.saved_by_cache.picodollars == 0


def test_a_row_that_shares_anothers_request_saves_its_searches_too(played):
    _, _, _, receipt = played

    assert receipt.saved_by_collapse.picodollars > 2 * WEB_SEARCH


def test_the_column_of_costs_sums_to_what_was_paid(played):
    stage, _, _, receipt = played

    assert sum(Decimal(row["cost_usd"]) for row in stage.rows()) == Decimal(receipt.paid.usd())
