"""Every figure of the README's maths is computed by the code that charges for a run."""

from datetime import UTC, datetime
from pathlib import Path

from backburner import prices
from backburner.nouns.money import Money
from backburner.report.maths import TABLE_MODELS, drafts, price_table

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TARIFF = prices.tariff(TABLE_MODELS, datetime(2026, 11, 22, tzinfo=UTC))


def per_million(money: Money) -> str:
    return money.show()


def test_the_table_of_prices_is_what_the_tariff_says() -> None:
    for row in price_table(TARIFF):
        cells = (row.sync_input, row.sync_output, row.batch_input, row.batch_output)
        line = f"| {row.model} | {' | '.join(map(per_million, cells))} |"

        assert line in README


def test_a_batch_costs_half_of_sync_for_every_figure_shown() -> None:
    for row in price_table(TARIFF):
        assert row.batch_input + row.batch_input == row.sync_input
        assert row.batch_output + row.batch_output == row.sync_output


def test_the_thousand_drafts_cost_what_the_readme_says() -> None:
    example = drafts(TARIFF)

    assert f"**{example.sync.show()}** sync, **{example.batch.show()}** in a batch" in README


def test_the_readme_names_the_date_of_its_prices() -> None:
    assert f"prices of {TARIFF.as_of.isoformat()}" in README
