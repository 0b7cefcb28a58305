"""The savings of docs/routes.md are those of the example's rules at the prices of its day."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backburner import prices
from backburner.config import read_config, route_rules
from backburner.nouns.batch import Via
from backburner.nouns.money import Money
from backburner.nouns.route import Asked
from backburner.nouns.urgency import Urgency
from backburner.nouns.usage import Usage
from backburner.plan.pricing import charge
from backburner.plan.routing import route

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "routes.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples" / "routes.toml").read_text(encoding="utf-8")
OPUS = "claude-opus-4-7"
MIX = (
    ("triage that is waited for", 10, Asked(kind="triage", tags=frozenset({"waiting"}))),
    ("other triage", 30, Asked(kind="triage")),
    ("high stakes", 5, Asked(tags=frozenset({"legal"}))),
    ("drafts", 40, Asked(kind="draft")),
    ("the rest", 15, Asked()),
)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines()]


@pytest.fixture
def expected(tmp_path: Path) -> list[list[str]]:
    """The table as the rules and the prices make it."""
    (tmp_path / "backburner.toml").write_text(EXAMPLE, encoding="utf-8")
    rules = route_rules(read_config({}, tmp_path))
    rows, sums = [], [0, 0, 0, 0]
    for name, share, asked in MIX:
        give = route(rules, asked).give
        model, is_sync = give.model or OPUS, give.urgency is Urgency.NOW
        before, other = (_thousand(one, share) for one in (OPUS, model))
        paid = other if is_sync else other // 2
        figures = [before, paid, before - other, other - paid]
        sums = [one + more for one, more in zip(sums, figures, strict=True)]
        rows.append([name, f"{share} %", *map(_shown, figures)])
    return [*rows, ["all", "100 %", *map(_shown, sums)]]


def _thousand(model: str, share: int) -> int:
    price = prices.tariff([model], datetime(2026, 11, 23, tzinfo=UTC)).price(model)
    usage = Usage(input_tokens=1_000, output_tokens=300)
    charged = charge(price, usage, Via.BATCH)
    assert charged.sync == 2 * charged.paid
    return charged.sync * 10 * share


def _shown(picodollars: int) -> str:
    return Money(picodollars=picodollars).show()


def test_the_savings_are_what_the_rules_of_the_example_make_of_the_prices(expected):
    assert [row for row in ROWS if row in expected] == expected


def test_the_example_on_the_page_is_part_of_the_example_file():
    block = PAGE.partition("```toml\n")[2].partition("```")[0]

    [triage, drafts] = tomllib.loads(block)["routes"]
    whole = {rule["name"]: rule for rule in tomllib.loads(EXAMPLE)["routes"]}

    assert whole["triage-now"] == triage
    assert set(drafts["when"]["kind"]) <= set(whole["drafts"]["when"]["kind"])
    assert drafts["give"] == whole["drafts"]["give"]
