"""`budget`, and what `run`, `enqueue`, `drain` and `status` say of budgets."""

import sqlite3

import pytest

from .conftest import MODEL

PROMPT = ("--prompt", "Judge: {{ text }}")
TOO_LITTLE = "0.0001"


@pytest.fixture
def held(call, requests):
    """A run of two requests that waits for its budget."""
    run = call("enqueue", requests, "--budget", TOO_LITTLE, "--json").json["run"]
    call("drain")
    return run


def test_without_budgets_it_says_how_to_set_one(call):
    said = call("budget")

    assert said.code == 0
    assert "no budgets: `backburner budget set day 5.00`" in said.out


def test_a_budget_is_set_shown_changed_and_removed(call):
    call("budget", "set", "tag:seo", "5")
    said = call("budget", "set", "tag:seo", "2.50")

    assert said.out == "the tag seo may cost $2.50\n"
    assert call("budget").out.splitlines()[1].split() == [
        "tag:seo",
        "$2.50",
        *["$0.00"] * 2,
        "$2.50",
    ]
    assert call("budget", "remove", "tag:seo").out == "the tag seo has no budget any more\n"
    assert call("budget", "--json").json == {"budgets": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "seo", "1"), "'seo' is no scope"),
        (("set", "tag:seo", "much"), "'much' is no amount"),
        (("remove", "tag:seo"), "tag:seo has no budget"),
        (("set", "run:nosuch", "1"), "there is no run 'nosuch'"),
    ],
)
def test_what_there_is_not_is_told(call, words, said):
    answer = call("budget", *words)

    assert answer.code == 2
    assert said in answer.err


def test_a_plan_shows_budget_tags_and_owner(call, requests):
    words = ("--budget", "5", "--tag", "seo", "--tag", "nightly", "--owner", "ann")

    said = call("enqueue", requests, *words)

    assert "$5.00 for this run: what could cost more is not sent, and waits" in said.out
    assert "nightly, seo" in said.out
    assert "ann" in said.out


def test_a_plan_says_that_what_is_likely_is_no_promise(call, requests):
    said = call("enqueue", requests, "--budget", "5", "--budget-mode", "expected")

    assert "reserved is what is likely, so it can become a little more" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tag", "two words"), "'two words' is no tag"),
        (("--owner", "a,b"), "'a,b' is no owner"),
        (("--budget", "lots"), "'lots' is no amount"),
        (("--budget-mode", "best"), "'best' is no budget mode"),
    ],
)
def test_words_that_mean_nothing_are_refused_before_anything_is_kept(call, requests, words, said):
    answer = call("enqueue", requests, *words)

    assert answer.code == 2
    assert said in answer.err
    assert call("status", "--json").json["runs"] == []


def test_drain_says_that_requests_wait_for_a_budget(call, requests):
    run = call("enqueue", requests, "--budget", TOO_LITTLE, "--json").json["run"]

    said = call("drain")

    assert f"held 2 requests in 1 batch: more than is left of the budget run:{run}" in said.out
    assert f"2 requests of run {run} wait for a budget:" in said.out


def test_status_says_which_wait_for_which_budget_and_what_lets_them_go(call, held):
    said = call("status", held)

    line = next(line for line in said.out.splitlines() if line.startswith("held"))
    assert f"requests 1 to 2 (2 requests) for the budget run:{held}" in line
    assert "$0.0001 of $0.0001 is left ($0.00 is spent)" in line
    assert f"`backburner budget set run:{held} 0.01` lets them go" in line
    assert "waiting for a budget" in call("status").out


def test_where_the_file_names_a_lanes_budget_status_names_the_file(call, home, requests, clock):
    home.mkdir(exist_ok=True)
    file = home / "backburner.toml"
    file.write_text(f'[lanes.default]\nbudget = "{TOO_LITTLE}"\n')
    run = call("enqueue", requests, "--json").json["run"]
    call("drain")

    said = call("status", run)
    refused = call("budget", "set", "lane:default", "0.01")
    file.write_text('[lanes.default]\nbudget = "0.01"\n')
    call("drain")
    clock.sleep(30)

    line = next(line for line in said.out.splitlines() if line.startswith("held"))
    assert f'`lanes.default.budget = "0.01"` in {file} lets them go' in line
    assert refused.code == 4
    assert str(file) in refused.err
    assert f"run {run} is finished: 2 ok" in call("drain").out


def test_the_command_that_status_names_lets_them_go(call, held, clock):
    call("budget", "set", f"run:{held}", "0.01")

    call("drain")
    clock.sleep(30)
    said = call("drain")

    assert f"run {held} is finished: 2 ok" in said.out


def test_run_ends_with_an_exit_code_of_its_own_when_the_rest_waits_for_a_budget(
    call, reviews, tmp_path
):
    words = (reviews, *PROMPT, *MODEL, "-o", tmp_path / "out.csv", "--yes")

    said = call("run", *words, "--budget", TOO_LITTLE)

    assert said.code == 8
    assert "(budget_reached)" in said.err
    assert "rows 1 to 4 (3 requests) for the budget run:" in said.err
    again = call("run", *words, "--budget", "1")
    assert again.code == 0


def test_budgets_are_json_with_exact_amounts(call, held):
    [budget] = call("budget", "--json").json["budgets"]

    assert budget["scope"] == f"run:{held}"
    assert (budget["limit_usd"], budget["spent_usd"], budget["reserved_usd"]) == (
        "0.0001",
        "0",
        "0",
    )
    assert budget["waiting"] == 2
    [run] = call("status", "--json").json["runs"]
    assert run["requests_waiting_for_budget"] == 2


def test_each_booking_bears_owner_and_tags(call, requests, clock, home):
    call("enqueue", requests, "--tag", "seo", "--tag", "a", "--owner", "ann")
    call("drain")
    clock.sleep(30)
    call("drain")

    with sqlite3.connect(home / "backburner.db") as store:
        assert set(store.execute("SELECT owner, tags FROM ledger")) == {("ann", "a,seo")}
