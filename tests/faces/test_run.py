"""`backburner run`: plan, question, progress, receipt, output."""

import csv
import json
import re
from pathlib import Path

import pytest

from backburner.emulator.settings import ItemFailure

from .conftest import MODEL, REVIEWS, RULES

PROMPT = ("--prompt", "Judge: {{ text }}")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_comes_back_with_answers_beside_its_rows(call, reviews, tmp_path):
    output = tmp_path / "out.csv"

    said = call("run", reviews, *PROMPT, *MODEL, "-o", output, "--yes")

    assert said.code == 0
    assert said.err == ""
    assert [row["answer"] for row in rows(output)] == [
        "positive",
        "negative",
        "positive",
        "neutral",
    ]
    assert [row["id"] for row in rows(output)] == ["1", "2", "3", "4"]


def test_the_plan_says_what_will_be_done_and_what_it_costs(call, reviews, home, tmp_path):
    output = tmp_path / "out.csv"

    said = call("run", reviews, *PROMPT, *MODEL, "-o", output, "--batch-size", 2, "--yes")

    plan = said.out.partition("\n\n")[0]
    assert "4 rows, 3 requests; 1 row shares that of an identical row" in plan
    assert "claude-haiku-4-5, answers of at most 1,024 tokens" in plan
    assert re.search(r"batches +2,", plan)
    price = r"\$0\.0\d+ to \$0\.0\d+, about \$0\.0\d+"
    assert re.search(rf"estimated price +{price} \(prices of 20", plan)
    assert re.search(rf"the same calls sync +{price}", plan)
    assert "nothing like them was answered yet" in plan
    assert str(output) in plan
    assert f"{home}, lane default" in plan


def test_the_receipt_counts_every_row_and_says_what_was_saved(call, reviews, tmp_path):
    said = call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "out.csv", "--yes")

    assert re.search(r"^rows +4: 4 ok$", said.out, re.MULTILINE)
    for label in ("paid", "the same calls sync", "saved by batch", "saved by cache", "took"):
        assert re.search(rf"^{label} +", said.out, re.MULTILINE)
    assert re.search(r"^saved by collapsing +\$0\.0*[1-9]", said.out, re.MULTILINE)


def test_under_a_pipe_each_event_is_a_plain_line(call, reviews, tmp_path):
    said = call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "out.csv", "--yes")

    assert "\x1b" not in said.out
    assert re.search(r"^\d\d:\d\d:\d\d  sent 3 requests ", said.out, re.MULTILINE)
    assert re.search(r"with Anthropic: 1 batch; back in 7 min to 1 h 5\d min ", said.out)
    assert re.search(r"no history yet; \w{3} \d\d:\d\d at the latest; you may close", said.out)
    assert re.search(r"^\d\d:\d\d:\d\d  collected 3 requests: 3 ok$", said.out, re.MULTILINE)


def test_with_json_there_is_one_object_and_nothing_else(call, reviews, tmp_path):
    output = tmp_path / "out.csv"

    said = call("run", reviews, *PROMPT, *MODEL, "-o", output, "--yes", "--json")

    assert said.out.count("\n") == 1
    assert said.json["receipt"]["outcomes"] == {"ok": 4}
    assert said.json["plan"]["requests"] == 3
    assert said.json["outputs"][0]["output"] == str(output)


def test_enter_means_yes(call, reviews, tmp_path, world):
    questions = []

    def ask(_page, question):
        questions.append(question)
        return ""

    said = call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "out.csv", ask=ask)

    assert said.code == 0
    assert questions == ["Send 3 requests? [Y/n] "]
    assert len(world.ledger()) == 1


def test_no_sends_nothing_and_keeps_nothing(call, reviews, home, world):
    said = call("run", reviews, *PROMPT, *MODEL, ask=lambda *_: "n")

    assert said.code == 130
    assert "Nothing was sent, and nothing is kept." in said.out
    assert list(world.ledger()) == []
    assert [path for path in (home / "vault").rglob("*") if path.is_file()] == []
    assert "no runs yet" in call("status").out


def test_without_a_model_a_person_is_shown_the_prices_and_picks_one(call, reviews, tmp_path):
    answers = iter(["nonsense", "claude-haiku-4-5", ""])

    said = call("run", reviews, *PROMPT, "-o", tmp_path / "out.csv", ask=lambda *_: next(answers))

    assert said.code == 0
    assert re.search(r"claude-haiku-4-5 +\$0\.50 +\$2\.50 +\$1\.00 +\$5\.00", said.out)


def test_a_script_without_a_model_is_told_the_names(call, reviews, world):
    said = call("run", reviews, *PROMPT, "--yes", "--json")

    assert said.code == 2
    assert said.out == ""
    assert said.error["code"] == "choice_needed"
    assert "claude-haiku-4-5" in said.error["hint"]
    assert list(world.ledger()) == []


def test_what_is_refused_leaves_nothing_in_the_home(call, reviews, requests, home, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_bytes(b"\xff")
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(requests.read_bytes() + b"{}\n")
    model = ("--model", "claude-haiku-4-5")

    refused = [
        call("run", tmp_path / "*.nope", "--prompt", "{{ text }}", *model),
        call("run", tmp_path / "notes", "--prompt", "{{ text }}", *model),
        call("run", reviews, "--prompt", "{{ txt }}", *model),
        call("run", "-", "--format", "jsonl", "--yes", stdin=broken.read_bytes()),
        call("run", broken, "--yes"),
    ]
    call("run", reviews, "--prompt", "{{ text }}", *model, ask=lambda _page, _question: "n")

    assert [said.code for said in refused] == [2] * 5
    assert list((home / "vault" / "runs").iterdir()) == []
    assert "as a crash leaves them" not in call("verify").out


def test_a_script_that_does_not_say_yes_sends_nothing(call, reviews, home, world):
    said = call("run", reviews, *PROMPT, *MODEL)

    assert said.code == 2
    assert "(choice_needed)" in said.err
    assert "--yes" in said.err
    assert list(world.ledger()) == []
    assert [path for path in (home / "vault").rglob("*") if path.is_file()] == []


def test_the_same_command_again_sends_nothing_and_leaves_the_output(call, reviews, tmp_path, world):
    output = tmp_path / "out.csv"
    words = ("run", reviews, *PROMPT, *MODEL, "-o", output, "--yes")
    call(*words)
    output.write_text("what a person made of it")

    said = call(*words)

    assert said.code == 0
    assert "nothing is sent again" in said.out
    assert len(world.ledger()) == 1
    assert output.read_text() == "what a person made of it"


def test_an_output_that_is_gone_is_written_again(call, reviews, tmp_path, world):
    output = tmp_path / "out.csv"
    words = ("run", reviews, *PROMPT, *MODEL, "-o", output, "--yes")
    call(*words)
    before = output.read_text()
    output.unlink()

    call(*words)

    assert output.read_text() == before
    assert len(world.ledger()) == 1


def test_a_finished_run_is_written_to_another_output_too(call, reviews, tmp_path, world):
    call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "one.csv", "--yes")

    call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "two.csv", "--yes")

    assert (tmp_path / "two.csv").read_text() == (tmp_path / "one.csv").read_text()
    assert len(world.ledger()) == 1


def test_new_starts_over(call, reviews, tmp_path, world):
    words = ("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "out.csv", "--yes")
    call(*words)

    call(*words, "--new")

    assert len(world.ledger()) == 2


def test_a_changed_prompt_is_a_new_run_and_the_plan_says_so(call, reviews, tmp_path, world):
    words = (*MODEL, "-o", tmp_path / "out.csv", "--yes")
    call("run", reviews, *PROMPT, *words)

    said = call("run", reviews, "--prompt", "Other: {{ text }}", *words)

    assert "the prompt changed" in said.out
    assert len(world.ledger()) == 2


def test_a_failure_is_told_and_tried_again(call, reviews, tmp_path, make_world, make_client):
    client = make_client(make_world(rules=RULES, fail_once=(ItemFailure(0, 1),)))

    said = call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "o.csv", "--yes", client=client)

    assert said.code == 0
    assert "2 ok, 1 server_error; 1 to be tried again" in said.out
    assert "retrying 1 request" in said.out
    assert re.search(r"^rows +4: 4 ok$", said.out, re.MULTILINE)


def test_a_run_with_anything_but_ok_exits_3_and_names_the_review(
    call, reviews, tmp_path, make_world, make_client
):
    failure = ItemFailure(0, 1, "refusal")
    client = make_client(make_world(rules=RULES, fail_once=(failure,)))

    said = call("run", reviews, *PROMPT, *MODEL, "-o", tmp_path / "o.csv", "--yes", client=client)

    assert said.code == 3
    assert re.search(r"^rows +4: 3 ok, 1 refused$", said.out, re.MULTILINE)
    assert str(tmp_path / "o.review.csv") in said.out
    assert [row["outcome"] for row in rows(tmp_path / "o.review.csv")] == ["refused"]


def test_a_limit_takes_the_first_rows_only(call, reviews, tmp_path):
    said = call("run", reviews, *PROMPT, *MODEL, "--limit", 2, "-o", tmp_path / "o.csv", "--yes")

    assert [row["id"] for row in rows(tmp_path / "o.csv")] == ["1", "2"]
    assert re.search(r"^rows +2: 2 ok$", said.out, re.MULTILINE)


def test_identical_rows_can_be_sent_each_on_their_own(call, reviews, tmp_path):
    words = (*MODEL, "--no-collapse", "-o", tmp_path / "o.csv", "--yes")

    said = call("run", reviews, *PROMPT, *words)

    assert "4 rows, each a request of its own" in said.out


def test_one_file_is_written_for_each_row_where_the_path_is_a_template(call, reviews, tmp_path):
    said = call(
        "run", reviews, *PROMPT, *MODEL, "-o", f"{tmp_path}/drafts/{{{{ id }}}}.md", "--yes"
    )

    assert said.code == 0
    assert (tmp_path / "drafts" / "2.md").read_text() == "negative"


def test_standard_input_is_a_table_like_any_other(call, tmp_path):
    words = ("--format", "csv", "-o", tmp_path / "o.csv", "--yes")

    said = call("run", "-", *PROMPT, *MODEL, *words, stdin=REVIEWS.encode())

    assert said.code == 0
    assert len(rows(tmp_path / "o.csv")) == 4


def test_standard_input_needs_a_format_an_output_and_yes(call):
    said = call("run", "-", *PROMPT, *MODEL, stdin=REVIEWS.encode())

    assert said.code == 2
    assert "--format and --yes and -o" in said.err


def test_the_plan_says_when_the_output_changes_its_encoding(call, tmp_path):
    source = tmp_path / "latin.csv"
    source.write_bytes("text\ncafé\n".encode("cp1252"))

    said = call(
        "run", source, *PROMPT, *MODEL, "--encoding", "cp1252", "-o", tmp_path / "o.csv", "--yes"
    )

    assert "in UTF-8 (the input is read as cp1252)" in said.out
    assert rows(tmp_path / "o.csv")[0]["text"] == "café"


def test_prompt_and_system_come_from_files_and_parameters_from_words(call, reviews, tmp_path):
    (tmp_path / "prompt.md").write_text("Judge: {{ text }}")
    (tmp_path / "system.md").write_text("Be brief.")
    files = ("-p", tmp_path / "prompt.md", "--system", tmp_path / "system.md")

    said = call("run", reviews, *files, *MODEL, "--param", 'stop_sequences=["x"]', "--yes")

    assert said.code == 0
    assert "`backburner results " in said.out


def test_a_list_of_requests_gives_its_results_in_order(call, requests, tmp_path):
    output = tmp_path / "results.jsonl"

    said = call("run", requests, "-o", output, "--yes")

    assert said.code == 0
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["custom_id"] for line in lines] == ["good", "bad"]
    assert lines[1]["result"]["message"]["content"][0]["text"] == "negative"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["reviews.csv"], "there is no prompt for its rows"),
        (["reviews.csv", "--prompt", "a", "-p", "b"], "there are two prompts"),
        (["requests.jsonl", *MODEL], "--model belongs to a table"),
        (["requests.jsonl", "--prefix", "x"], "--prefix belongs to a table"),
        (["missing.csv", *PROMPT, *MODEL], "missing.csv cannot be read"),
        (["reviews.csv", "-p", "missing.md", *MODEL], "missing.md cannot be read"),
    ],
)
@pytest.mark.usefixtures("reviews", "requests")
def test_words_that_do_not_go_together_are_refused(call, tmp_path, words, told):
    places = [str(tmp_path / word) if "." in word and " " not in word else word for word in words]

    said = call("run", *places, "--yes")

    assert said.code == 2
    assert told in said.err
