"""`--where`: only some rows of a table are asked, and only they are in the output."""

import json
import re
from pathlib import Path

import pyarrow.parquet
import pytest

from backburner.emulator.settings import ItemFailure, Rule

CITIES = b"name,people\r\nBonn,300\r\n\r\nRome,2800\nOslo,700\nParis,2100"
MODEL = ("--model", "claude-haiku-4-5")
LARGE = ("--where", "people|int > 1000")


RULES = tuple(Rule(name, name.lower()) for name in ("Bonn", "Rome", "Oslo", "Paris"))


@pytest.fixture
def world(make_world):
    return make_world(rules=(*RULES, Rule("bad", "negative"), Rule("", "neutral")))


@pytest.fixture
def cities(tmp_path):
    path = tmp_path / "cities.csv"
    path.write_bytes(CITIES)
    return path


@pytest.fixture
def run(call, cities, tmp_path):
    """Runs over the cities; gives what was said, and the first two columns of the output."""

    def ran(*words):
        output = tmp_path / "answered.csv"
        said = call("run", cities, "--prompt", "{{ name }}", *MODEL, "-o", output, "--yes", *words)
        text = output.read_bytes().decode() if output.exists() else ""
        return said, [line.split(",")[:2] for line in text.splitlines() if line]

    return ran


def test_the_output_holds_the_chosen_rows_alone(run, world):
    said, lines = run(*LARGE)

    assert lines == [["name", "people"], ["Rome", "2800"], ["Paris", "2100"]]
    assert "cities.csv: 2 rows, each a request of its own" in said.out
    assert "where                people|int > 1000; 2 rows left out" in said.out
    assert "rows                 2: 2 ok" in said.out
    assert [batch.count for batch in world.ledger()] == [2]


def test_a_limit_counts_the_chosen_rows(run):
    _, lines = run(*LARGE, "--limit", "1")

    assert lines[1:] == [["Rome", "2800"]]


def test_each_answer_stands_beside_its_own_row(run):
    said, _ = run("--where", "name != 'Bonn'", "--prefix", "x_", "--json")
    output = Path(said.json["outputs"][0]["output"])
    rows = [line.split(",") for line in output.read_text().splitlines()[1:] if line]

    assert [row[:3:2] for row in rows] == [["Rome", "rome"], ["Oslo", "oslo"], ["Paris", "paris"]]
    assert said.json["plan"]["rows_left_out"] == 1


def test_fields_are_planned_over_the_chosen_rows_alone(call, cities):
    words = ("enqueue", cities, "--prompt", "{{ fields }}", *MODEL, *LARGE, "--json")
    fields = call(*words).json["plan"]["fields"]

    assert fields["rows"] == 2


def test_the_same_words_go_on_with_the_run_and_others_make_a_new_one(run):
    first, _ = run(*LARGE, "--json")
    again, _ = run(*LARGE, "--json")
    other, _ = run("--where", "people|int > 2500", "--json")

    assert again.json["run"] == first.json["run"]
    assert other.json["run"] != first.json["run"]
    assert other.json["plan"]["changed"] == ["the choice of rows"]


def test_a_chain_takes_the_output_of_the_first_run_as_input_of_the_second(call, reviews, tmp_path):
    first, second = tmp_path / "labelled.csv", tmp_path / "replies.csv"
    call("run", reviews, "--prompt", "{{ text }}", *MODEL, "-o", first, "--yes")
    where = ("--where", "answer == 'negative'", "--prefix", "reply_")
    said = call("run", first, *where, "--prompt", "{{ id }}", *MODEL, "-o", second, "--yes")

    assert said.code == 0
    lines = second.read_text().splitlines()
    assert lines[0].startswith("id,text,answer,outcome")
    assert [line.split(",")[:3] for line in lines[1:]] == [["2", "a bad film", "negative"]]


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_look_at_the_input_counts_the_chosen_rows(call, cities, command):
    offline = ("--offline",) if command == "plan" else ()
    said = call(command, cities, "--prompt", "{{ name }}", *MODEL, *LARGE, *offline, "--json")

    assert (said.json["rows"], said.json["rows_left_out"]) == (2, 2)


def test_rows_are_chosen_where_work_is_kept_for_later(call, cities):
    said = call("enqueue", cities, "--prompt", "{{ name }}", *MODEL, *LARGE)

    assert "2 rows left out" in said.out
    assert call("status", "--json").json["runs"][0]["requests"] == 2


def test_a_list_of_requests_has_no_rows_to_choose(call, requests):
    said = call("run", requests, "--where", "custom_id == 'good'", "--yes")

    assert said.code == 2
    assert "--where belongs to a table" in said.err


def test_a_condition_that_fits_no_row_sends_nothing(run, world):
    said, _ = run("--where", "name == 'Atlantis'")

    assert said.code == 2
    assert "no row meets --where (input_empty)" in said.err
    assert list(world.ledger()) == []


class TestFailing:
    @pytest.fixture
    def world(self, make_world):
        return make_world(fail_once=(ItemFailure(0, 1, "invalid_request_error"),))

    def test_a_failed_row_is_named_by_its_number_in_the_input(self, run, call, tmp_path):
        said, _ = run(*LARGE, "--json")
        failed = call("status", said.json["run"], "--failed")

        assert re.search(r"^\w+-00001 +4  rejected", failed.out, re.MULTILINE)
        review = (tmp_path / "answered.review.csv").read_text().splitlines()
        assert review[1].startswith("4,")

    def test_a_retry_chooses_among_the_chosen_rows(self, run, call):
        said, _ = run(*LARGE, "--json")
        retry = ("retry", said.json["run"], "--yes", "--json", "--where")

        assert call(*retry, "name == 'Bonn'").json["retried"] == 0
        assert call(*retry, "name == 'Paris' and outcome == 'rejected'").json["retried"] == 1


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_other_formats_hold_the_chosen_rows_too(call, tmp_path, ending):
    rows = [{"name": "Bonn", "people": 300}, {"name": "Rome", "people": 2800}]
    source, output = tmp_path / f"cities.{ending}", tmp_path / f"answered.{ending}"
    write(source, rows)
    words = ("--prompt", "{{ name }}", *MODEL, "--where", "people > 1000")
    said = call("run", source, *words, "-o", output, "--yes")

    assert said.code == 0
    assert [(row["name"], row["answer"]) for row in read(output)] == [("Rome", "rome")]


def write(path, rows):
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def read(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return pyarrow.parquet.read_table(path).to_pylist()
