"""`{{ fields }}` on the command line: the plan says what the order of the columns brings."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

GUIDE = "The customer is always answered within a day, with care and in plain words. " * 60
WORDS = ("--prompt", "{{ fields }}", "--model", "claude-sonnet-5", "--max-tokens", 50)


@pytest.fixture
def complaints(tmp_path: Path) -> Path:
    path = tmp_path / "complaints.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "guide"])
        writer.writerows([n, f"complaint {n}", f"{n % 3} {GUIDE}"] for n in range(90))
    return path


@pytest.mark.parametrize("command", ["check", "plan"])
def test_the_plan_says_what_is_shared_and_what_is_possible(
    call: Any, complaints: Path, command: str
) -> None:
    said = call(command, complaints, *WORDS)

    assert said.code == 0, said.err
    share = r"3 columns in 1 order: 9\d\.\d % of their text begins as in an earlier row"
    assert re.search(share, said.out)
    assert "in the table's order 0.0 %; no order can do better" in said.out
    assert "3 beginnings of messages" in said.out
    assert "saves nothing" not in said.out


def test_check_and_run_say_the_same_in_json(call: Any, complaints: Path) -> None:
    checked = call("check", complaints, *WORDS, "--json").json["fields"]
    planned = call("enqueue", complaints, *WORDS, "--json").json["plan"]["fields"]

    assert checked == planned
    assert checked["columns"] == ["id", "text", "guide"]
    assert (checked["shared_in_table_order"], checked["of_bound"]) == (0.0, 1.0)
    assert checked["shared"] > 0.9
    assert checked["long_enough"]


def test_rows_that_share_too_little_to_be_cached_are_told_so(call: Any, reviews: Path) -> None:
    said = call("check", reviews, *WORDS)

    assert "no beginning is long enough to be cached, so that saves nothing" in said.out


def test_a_column_before_the_fields_is_worth_a_warning(call: Any, complaints: Path) -> None:
    prompt = ("--prompt", "{{ id }}: {{ fields }}", *WORDS[2:])

    said = call("check", complaints, *prompt)

    assert "the prompt names 'id' before {{ fields }} (fields_late)" in said.out


def test_a_prompt_without_the_word_says_nothing_of_it(call: Any, reviews: Path) -> None:
    words = (reviews, "--prompt", "{{ text }}", *WORDS[2:])

    assert "fields" not in call("check", *words).out
    assert call("check", *words, "--json").json["fields"] is None


def test_faults_of_the_table_are_told_once(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("id,text\n1,a\n2\n")

    said = call("check", path, *WORDS, "--json")

    assert said.code != 0
    assert said.json["fault_count"] == 1
    assert said.json["fields"] is None
