from datetime import UTC, datetime

from backburner.nouns.money import Money
from backburner.prices import tariff
from backburner.report.maths import DRAFTS_MODEL, TABLE_MODELS, TableRow, drafts, price_table

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def figures(row: TableRow) -> tuple[Money, Money, Money, Money]:
    return row.sync_input, row.sync_output, row.batch_input, row.batch_output


def test_the_table_of_the_readme_holds():
    rows = price_table(tariff(TABLE_MODELS, NOW))

    shown = [(row.model, *(money.show() for money in figures(row))) for row in rows]
    assert shown == [
        ("claude-haiku-4-5", "$1.00", "$5.00", "$0.50", "$2.50"),
        ("claude-sonnet-4-6", "$3.00", "$15.00", "$1.50", "$7.50"),
        ("claude-opus-4-7", "$5.00", "$25.00", "$2.50", "$12.50"),
    ]


def test_a_thousand_drafts_cost_half_in_a_batch():
    example = drafts(tariff([DRAFTS_MODEL], NOW))

    assert example.sync.usd() == "10.56"
    assert example.batch.usd() == "5.28"
