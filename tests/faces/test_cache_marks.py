"""The prompt cache on the command line: said before it costs, and held against what came."""

from pathlib import Path
from typing import Any

import pytest

MODEL = ("--model", "claude-haiku-4-5")
LONG = "Be kind, and careful with what you say. " * 1_000


@pytest.fixture
def system(tmp_path: Path) -> Path:
    path = tmp_path / "system.md"
    path.write_text(LONG)
    return path


def words(reviews: Path, system: Path) -> tuple[Any, ...]:
    return (reviews, "--prompt", "{{ text }}", "--system", system, *MODEL)


def test_the_plan_says_what_is_marked_and_on_what_figures(
    call: Any, reviews: Path, system: Path
) -> None:
    said = call("check", *words(reviews, system))

    (line,) = [one for one in said.out.splitlines() if one.startswith("prompt cache")]
    assert "the system prompt (about 10,000 tokens, shared by 3 requests)" in line
    assert "is marked for 5 minutes" in line
    assert "it loses below 33 %" in line


def test_as_json_the_decision_has_its_figures_and_its_sentence(
    call: Any, reviews: Path, system: Path
) -> None:
    plan = call("enqueue", *words(reviews, system), "--json").json["plan"]

    (choice,) = plan["cache"]["choices"]
    assert plan["cache"]["policy"] == "auto"
    assert (choice["marked"], choice["ttl"], choice["reason"]) == (True, "5m", "pays")
    assert float(choice["cached_usd"]) < float(choice["plain_usd"])
    assert choice["sentence"].startswith("the system prompt")


def test_no_marks_are_added_where_a_person_wants_none(
    call: Any, reviews: Path, system: Path
) -> None:
    said = call("check", *words(reviews, system), "--cache", "off")

    assert "prompt cache" not in said.out
    assert call("check", *words(reviews, system), "--cache", "off", "--json").json["cache"] is None


def test_always_says_that_it_is_expected_to_cost_more(
    call: Any, reviews: Path, system: Path
) -> None:
    said = call("check", *words(reviews, system), "--cache", "always")

    assert "marked for 1 hour, since --cache always asks for it" in said.out


def test_a_few_words_that_cannot_be_cached_are_no_news(
    call: Any, reviews: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.md"
    short.write_text("Be kind.")

    said = call("check", *words(reviews, short))

    assert "prompt cache" not in said.out


def test_the_end_and_the_status_show_how_much_was_read(
    call: Any, reviews: Path, system: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"

    ended = call("run", *words(reviews, system), "-o", output, "--yes")

    (line,) = [one for one in ended.out.splitlines() if one.startswith("cache marks")]
    assert "of the marked tokens were read" in line
    run = call("status", "--json").json["runs"][0]["run"]
    status = call("status", run)
    assert line.split(None, 2)[2] in status.out
    assert "prompt cache" in status.out
    assert call("status", run, "--json").json["runs"][0]["cache"]["reads"] > 0
