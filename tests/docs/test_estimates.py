"""The tables of errors in docs/estimates.md are what the command prints."""

from pathlib import Path

from bench.tokens.__main__ import counted_table, table

PAGE = (Path(__file__).parents[2] / "docs" / "estimates.md").read_text(encoding="utf-8")


def test_the_errors_of_the_fit_are_those_that_the_command_prints() -> None:
    assert "\n".join(table()) in PAGE


def test_what_twenty_counts_are_worth_is_what_the_command_prints() -> None:
    assert "\n".join(counted_table()) in PAGE
