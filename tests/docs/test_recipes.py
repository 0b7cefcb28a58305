"""The recipes of examples/: they run, and their pages show what is printed."""

import csv
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DRIVER = runpy.run_path(str(ROOT / "examples" / "recipes.py"))
RECIPES = {recipe.name: recipe for recipe in DRIVER["recipes"]()}
TABLE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
LINES = [re.split(r" {2,}", line) for line in TABLE.splitlines()]


@pytest.mark.parametrize("name", RECIPES)
def test_twenty_rows_of_a_recipe_are_all_answered(name: str, tmp_path: Path) -> None:
    printed = DRIVER["serve"](RECIPES[name], tmp_path, ["--limit", "20"])
    rows = DRIVER["table_rows"](RECIPES[name], printed)

    assert rows[0][1] == "20"
    assert all(row[2] == f"{row[1]} ok" for row in rows)


@pytest.mark.parametrize("name", RECIPES)
def test_the_page_of_a_recipe_shows_what_is_printed(name: str, tmp_path: Path) -> None:
    shown = RECIPES[name].blocks

    printed = DRIVER["page_blocks"](RECIPES[name], tmp_path)

    assert printed == [block for block in shown if block in printed]


@pytest.mark.parametrize("name", RECIPES)
def test_the_table_of_all_recipes_says_what_their_pages_say(name: str) -> None:
    ends = [block for block in RECIPES[name].blocks if block.startswith("rows  ")]

    for row in DRIVER["table_rows"](RECIPES[name], ends):
        assert row in LINES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_why_it_can_wait_and_whose_the_data_is(name: str) -> None:
    page = (RECIPES[name].folder / "README.md").read_text(encoding="utf-8")

    assert "\n## Where the data comes from\n" in page
    assert "licence" in page
    assert f"(../examples/{name}/README.md)" in TABLE


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_a_hundred_rows_or_more(name: str) -> None:
    source = ROOT / RECIPES[name].commands[0][1]

    assert rows_of(source) >= 100


def test_the_check_of_translations_names_the_rows_that_lost_a_placeholder(tmp_path: Path) -> None:
    recipe = RECIPES["translation"]
    kitchen = DRIVER["Kitchen"](recipe, tmp_path)
    kitchen.call([*recipe.commands[0], "--yes"])
    kitchen.close()

    check: Any = runpy.run_path(str(recipe.folder / "check.py"))
    found = check["spoiled"](tmp_path / "translated.csv")

    assert len(found) == 2
    assert "\n".join(found) + "\n" in recipe.blocks


def rows_of(source: Path) -> int:
    if source.is_dir():
        return sum(1 for _ in source.iterdir())
    with source.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))
