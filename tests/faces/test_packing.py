"""Packing from the command line: the plan, the receipt, and a check before the rest goes."""

import pytest

from backburner.emulator.settings import Rule

from .conftest import MODEL, RULES

WORDS = ("--prompt", "Judge: {{ text }}", *MODEL, "--pack", 4)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "many.csv"
    rows = ["good one", "bad one", *(f"film {n}" for n in range(10))]
    path.write_text("text\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_the_plan_and_the_receipt_say_how_rows_share_requests(call, table, tmp_path):
    output = tmp_path / "out.csv"

    said = call("run", table, *WORDS, "--yes", "-o", output)

    assert said.code == 0
    assert "12 rows, packed into 3 requests" in said.out
    assert "3 of 4 rows each on average; 0 rows asked alone" in said.out
    assert "saved by packing" in said.out
    assert output.read_text().splitlines()[2].startswith("bad one,negative,ok")


def test_a_check_in_which_all_agree_lets_the_rest_go(call, table, world):
    said = call("run", table, *WORDS, "--pack-check", 4, "--yes")

    assert said.code == 0
    assert "4 of 4 (100.0%); of all rows 39.8% to 100.0%" in said.out
    assert [batch.count for batch in world.ledger()] == [1, 4, 2]


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_check_in_which_some_differ_holds_the_rest(call, table, make_world, make_client, words):
    world = make_world(rules=(Rule("bad", "negative", slip="drop"), *RULES))
    client = make_client(world)

    said = call("run", table, *WORDS, "--pack-check", 4, "--yes", *words, client=client)

    assert said.code == 3
    assert sum(batch.count for batch in world.ledger()) == 5
    if words:
        check = said.json["pack_check"]
        assert (check["equal"], check["compared"], check["held"]) == (3, 4, 2)
        assert [row["equal"] for row in check["answers"]] == [True, False, True, True]
        call("release", said.json["run"], client=client)
        assert call("run", table, *WORDS, "--pack-check", 4, "--yes", client=client).code == 0
    else:
        assert "no answer" in said.out
        assert "The other 2 requests are held." in said.out


def test_a_person_is_asked_whether_the_rest_may_go(call, table, world):
    answers = iter(["", "n", "y"])
    words = ("run", table, *WORDS, "--pack-check", 4)

    no = call(*words, ask=lambda *_: next(answers))
    yes = call(*words, ask=lambda *_: next(answers))

    assert no.code == 130
    assert yes.code == 0
    assert sum(batch.count for batch in world.ledger()) == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*WORDS, "--canary", 2), "--pack and --canary do not go together"),
        ((*WORDS, "--leaders"), "a run has packs or leaders, not both"),
        (("--prompt", "x {{ text }}", *MODEL, "--pack-check", 4), "--pack-check comes without"),
        ((*WORDS, "--param", 'output_config={"format":{}}'), "--param output_config has a format"),
    ],
)
def test_options_that_do_not_go_together_are_refused(call, table, words, told):
    said = call("run", table, *words, "--yes")

    assert said.code == 2
    assert told in said.err


@pytest.mark.parametrize("command", [("check",), ("plan", "--offline")])
def test_what_keeps_nothing_says_how_rows_would_share_requests(call, table, command):
    said = call(command[0], table, *WORDS, *command[1:])

    assert said.code == 0
    assert "12 rows, packed into 3 requests" in said.out
