"""Every figure of the README's maths is printed by a command, and computed as runs are charged."""

import io
import re
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backburner import prices
from backburner.cli.main import main
from backburner.clock import FakeClock
from backburner.nouns.money import Money
from backburner.report.maths import (
    HIT_PERCENTS,
    MATHS_MODEL,
    MOVED_PERCENTS,
    SHARERS,
    TABLE_MODELS,
    drafts,
    percent_more,
    price_table,
    saved_percent,
    shared_prefix,
)

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
MATHS = README.partition("## The maths\n")[2].partition("\n## ")[0]
TARIFF = prices.tariff(TABLE_MODELS, datetime(2026, 11, 22, tzinfo=UTC))


@pytest.fixture(scope="module")
def printed() -> str:
    with redirect_stdout(io.StringIO()) as out:
        assert main(["prices", "--maths"], environment={}, clock=FakeClock()) == 0
    return out.getvalue()


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def test_each_amount_and_each_share_that_was_computed_is_printed_by_the_command(
    printed: str,
) -> None:
    amounts = re.findall(r"\$[\d.,]*\d", MATHS)

    assert len(amounts) == 12 + 2 + 5 + 8
    assert set(amounts) <= set(re.findall(r"\$[\d.,]*\d", printed))
    for percent in ("60 %", "100 %", "30 %", "50 %", "43 %"):
        assert percent in MATHS
        assert re.search(rf"(?<!\d){percent}", printed)


def test_the_table_of_prices_is_what_the_tariff_says() -> None:
    for one in price_table(TARIFF):
        cells = (one.sync_input, one.sync_output, one.batch_input, one.batch_output)

        assert row(one.model, *(money.show() for money in cells)) in MATHS


def test_a_batch_costs_half_of_sync_for_every_figure_shown() -> None:
    for one in price_table(TARIFF):
        assert one.batch_input + one.batch_input == one.sync_input
        assert one.batch_output + one.batch_output == one.sync_output


def test_the_thousand_drafts_cost_what_the_readme_says() -> None:
    example = drafts(TARIFF)

    assert f"**{example.sync.show()}** sync, **{example.batch.show()}** in a batch" in MATHS
    assert (example.sync.usd(), example.batch.usd()) == ("10.56", "5.28")


def test_the_shared_prompt_costs_what_the_readme_says() -> None:
    shared = shared_prefix(TARIFF)

    assert row("sync", shared.plain.sync.show()) in MATHS
    assert row("in a batch", shared.plain.batch.show()) in MATHS
    assert f"all others read the cache | {shared.ideal.show()} |" in MATHS
    assert f"for 5 minutes, all others read | {shared.floor.five_minutes.show()} |" in MATHS
    assert f"for an hour, all others read | {shared.floor.hour.show()} |" in MATHS
    for percent, one in zip(HIT_PERCENTS, shared.cached, strict=True):
        assert one.hits * 100 == percent * SHARERS
        assert row(f"{percent} %", one.five_minutes.show(), one.hour.show()) in MATHS


def test_the_shared_prompt_is_what_pencil_and_paper_say() -> None:
    """Dollars a million on Sonnet 4.6 in a batch: 1.50 plain, 1.875 and 3 written, 0.15 read."""
    shared = shared_prefix(TARIFF)
    found = [(one.five_minutes.usd(), one.hour.usd()) for one in (*shared.cached, shared.floor)]

    assert (shared.plain.sync.usd(), shared.plain.batch.usd()) == ("15", "7.5")
    assert shared.ideal.usd() == "0.7635"
    assert found == [
        ("9.375", "15"),
        ("6.7875", "10.725"),
        ("4.2", "6.45"),
        ("0.9225", "1.035"),
        ("0.76725", "0.7785"),
    ]


def test_marks_of_an_hour_that_seldom_hit_cost_more_than_none() -> None:
    shared = shared_prefix(TARIFF)
    more = percent_more(shared.cached[1].hour, shared.plain.batch)

    assert f"So at {HIT_PERCENTS[1]} %, marks of an hour cost {more} % more than" in MATHS


@pytest.mark.parametrize("moved", [0, 1, 37, *MOVED_PERCENTS])
def test_the_total_saving_is_half_of_the_share_that_was_moved(moved: int) -> None:
    assert saved_percent(TARIFF, moved) == (moved + 1) // 2


def test_the_readme_says_how_much_has_to_move() -> None:
    for moved in MOVED_PERCENTS:
        assert f"To save {saved_percent(TARIFF, moved)} %" in MATHS
        assert f"you move {moved} %" in MATHS


def test_percent_more_rounds_half_up_below_and_above() -> None:
    hundred = Money(picodollars=1_000)

    found = [percent_more(Money(picodollars=amount), hundred) for amount in (1_005, 995, 1_004)]

    assert found == [1, 0, 0]


def test_the_readme_names_the_date_of_its_prices_and_the_model() -> None:
    assert f"prices of {TARIFF.as_of.isoformat()}" in MATHS
    assert MATHS.count(MATHS_MODEL) == 3
