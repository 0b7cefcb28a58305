"""`--reuse`: the plan says what was answered before, and the receipt what that saved."""

import re
from pathlib import Path

import pytest

from .conftest import MODEL, Said

PROMPT = ("--prompt", "Judge: {{ text }}")
MORE = "id,text\n1,a bad film\n2,a long film\n3,a good film\n4,a good film\n"


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Reviews of which two were judged before, and one was not."""
    path = tmp_path / "more.csv"
    path.write_text(MORE)
    return path


def judged(call, source: Path, *words: object) -> Said:
    return call("run", source, *PROMPT, *MODEL, "-o", f"{source}.out.csv", "--yes", *words)


def test_the_plan_says_how_many_are_not_sent_and_prices_the_others_alone(call, reviews, more):
    judged(call, reviews)

    said = judged(call, more, "--reuse", "30d")

    plan = said.out.partition("\n\n")[0]
    assert re.search(
        r"^reused +2 requests answered by earlier runs; 1 request to be sent$", plan, re.MULTILINE
    )
    assert "answers of at most 1,024 tokens" in plan
    assert "sent 1 request " in said.out
    assert re.search(
        r"^saved by reuse +\$0\.0*[1-9]\d*: the answers of 2 requests are those of earlier runs$",
        said.out,
        re.MULTILINE,
    )


def test_where_all_was_answered_before_nothing_is_priced_or_sent(call, reviews, world):
    judged(call, reviews)

    said = judged(call, reviews, "--new", "--reuse", "12h")

    assert said.code == 0
    assert "nothing is sent or paid" in said.out
    assert "estimated price" not in said.out
    assert re.search(r"^paid +\$0\.00$", said.out, re.MULTILINE)
    assert len(world.ledger()) == 1
    assert call("verify").code == 0


def test_where_nothing_was_answered_before_the_plan_says_so(call, reviews):
    said = judged(call, reviews, "--reuse", "30d")

    assert re.search(
        r"^reused +nothing: lane default has no such answer of the last 30d$",
        said.out,
        re.MULTILINE,
    )
    assert "estimated price" in said.out


def test_with_json_the_plan_and_the_receipt_count_them(call, reviews, more):
    judged(call, reviews)

    said = judged(call, more, "--reuse", "1w", "--json").json

    assert (said["plan"]["requests"], said["plan"]["requests_reused"]) == (3, 2)
    assert said["receipt"]["requests_reused"] == 2
    assert float(said["receipt"]["saved_by_reuse_usd"]) > 0


def test_what_was_enqueued_is_written_by_the_next_drain(call, reviews, tmp_path):
    judged(call, reviews)
    output = tmp_path / "again.csv"

    kept = call(
        "enqueue", reviews, *PROMPT, *MODEL, "-o", output, "--new", "--reuse", "30d", "--json"
    )
    call("drain")

    assert kept.json["plan"]["requests_reused"] == 3
    assert output.read_text().count("positive") == 2


def test_the_report_has_a_column_for_it_where_there_is_any(call, reviews):
    judged(call, reviews)
    before = call("report")
    judged(call, reviews, "--new", "--reuse", "30d")

    after = call("report")

    assert "reuse" not in before.out
    assert re.search(r"^run +answers +sync +collapsing +reuse +batch", after.out, re.MULTILINE)
    assert call("report", "--json").json["total"]["saved_by_reuse_usd"] != "0"


@pytest.mark.parametrize("span", ["30", "d", "0d", "1y", "-1d", "9999999d"])
def test_what_is_no_span_is_refused_with_an_example(call, reviews, span):
    said = judged(call, reviews, f"--reuse={span}", "--json")

    assert said.code == 2
    assert said.error["message"] == f"--reuse {span} is no span of time"
    assert "30d" in said.error["hint"]


def test_packs_and_reuse_are_refused_together(call, reviews):
    said = judged(call, reviews, "--reuse=30d", "--pack=2", "--json")

    assert said.code == 2
    assert "--pack or --reuse" in said.error["hint"]


def test_a_list_is_told_that_this_is_for_tables(call, requests):
    said = call("run", requests, "--yes", "--reuse", "30d", "--json")

    assert said.code == 2
    assert "--reuse belongs to a table" in said.error["message"]
