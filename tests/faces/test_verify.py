"""`verify` from outside: facts and 0, or what differs and 6."""

import sqlite3

import pytest

from .conftest import MODEL

WORDS = ("--prompt", "Judge: {{ text }}", *MODEL, "--yes")


@pytest.fixture
def run(call, reviews, tmp_path):
    """A finished run's id."""
    return call("run", reviews, *WORDS, "-o", tmp_path / "out.csv", "--json").json["run"]


def change(home, sql):
    database = sqlite3.connect(home / "backburner.db")
    with database:
        database.execute(sql)
    database.close()


def test_a_sound_run_is_said_to_agree(call, run):
    said = call("verify", run)
    told = call("verify", "--json")

    assert (said.code, told.code) == (0, 0)
    assert "nothing differs from the stored bytes" in said.out
    assert told.json["differences"] == []
    assert (told.json["runs"], told.json["result_lines"]) == (1, 3)


def test_what_differs_is_told_line_by_line_and_ends_in_6(call, run, home):
    change(home, "UPDATE ledger SET output_tokens = output_tokens + 1")

    said = call("verify", run)
    told = call("verify", run, "--json")

    assert (said.code, told.code) == (6, 6)
    assert f"differs        batch 1: the ledger of run {run}" in said.out
    assert "output_tokens booked, and the lines say" in said.out
    assert "1 difference between the store and its bytes (store_damaged)" in said.err
    assert told.json["differences"][0].startswith("batch 1: the ledger")
    assert told.error["code"] == "store_damaged"


@pytest.mark.unbilled("its ledger was changed")
def test_a_store_that_other_commands_refuse_is_verified(call, run, home):
    change(home, "UPDATE batch SET upstream_id = NULL, state = 'sent'")

    assert call("status").code == 6
    said = call("verify", run)
    assert said.code == 6
    assert "differs        the store: batch 1 breaks the rule: it has the id" in said.out
