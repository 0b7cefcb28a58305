"""`prune` on the command line: what it shows, asks and removes, and what is said afterwards."""

import pytest

PRUNE = ("prune", "--older-than", "1h")


@pytest.fixture
def finished(call, requests, clock, tmp_path) -> str:
    """A run that was finished a day ago."""
    run = call("run", requests, "-o", tmp_path / "out.jsonl", "--yes", "--json").json["run"]
    clock.sleep(86_400)
    return run


def test_prune_shows_what_goes_and_removes_it(call, finished, tmp_path):
    said = call(*PRUNE, "--yes")

    assert said.code == 0
    assert finished in said.out
    assert "1 run, " in said.out
    assert "counts and costs are kept" in said.out
    assert (tmp_path / "out.jsonl").exists()


def test_prune_asks_and_removes_nothing_where_that_is_not_wanted(call, finished):
    said = call(*PRUNE, ask=lambda _page, _question: "n")

    assert said.code == 130
    assert "Nothing was removed." in said.out
    assert call("status", finished, "--json").json["runs"][0]["pruned_at"] is None


def test_a_dry_run_only_tells(call, finished):
    said = call(*PRUNE, "--dry-run", "--json")

    assert (said.json["runs"], said.json["removed"]) == ([finished], False)
    assert said.json["bytes"] > 0
    assert call("results", finished).code == 0


def test_status_verify_and_report_go_on(call, finished):
    before = call("report", "--json").json
    call(*PRUNE, "--yes")

    status, verified = call("status", finished), call("verify")

    assert "its prompts and answers are gone" in status.out
    assert verified.code == 0
    assert f"run {finished} was pruned on" in verified.out
    assert call("report", "--json").json == before


def test_results_of_a_pruned_run_are_refused_with_what_is_left(call, finished):
    call(*PRUNE, "--yes")

    said = call("results", finished, "--json")

    assert said.code == 2
    assert said.error["code"] == "pruned"
    assert "--new asks all of it again" in said.error["hint"]


def test_one_run_is_pruned_by_name(call, finished):
    said = call("prune", "--run", finished, "--yes", "--json")

    assert said.json["runs"] == [finished]


def test_prune_needs_an_age(call, finished):
    said = call("prune", "--yes", "--json")

    assert said.code == 2
    assert said.error["code"] == "choice_needed"
    assert finished


def test_nothing_to_prune_is_said(call, home):
    said = call(*PRUNE)

    assert said.code == 0
    assert "nothing is to be pruned" in said.out
    assert home.exists()
