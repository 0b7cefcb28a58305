"""Where answers are written: one file or one per row, and what is never replaced unasked."""

import pytest

from backburner.emulator.settings import Rule

from .conftest import MODEL, RULES

WORDS = ("--prompt", "Judge: {{ text }}", *MODEL, "--yes")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("{{ text }}", "is that of line 2 already (path_duplicate)"),
        ("{{ nope }}", "names the column 'nope', which the table does not have (column_missing)"),
        ("{{ '..' }}/{{ '..' }}/{{ id }}", "leaves"),
    ],
)
@pytest.mark.parametrize("command", ["run", "results"])
def test_faults_of_paths_are_told_before_a_file_is_written(
    call, reviews, done, tmp_path, command, path, told
):
    output = f"{tmp_path}/each/{path}.md"
    words = ("results", done) if command == "results" else ("run", reviews, *WORDS)
    call("run", reviews, *WORDS)

    said = call(*words, "-o", output)

    assert said.code == 2
    assert told in said.err
    assert not (tmp_path / "each").exists()


def test_faults_of_paths_of_a_kept_run_are_told_before_it_is_sent(call, reviews, tmp_path, world):
    call("enqueue", reviews, "--prompt", "Judge: {{ text }}", *MODEL)

    said = call("run", reviews, *WORDS, "-o", tmp_path / "each" / "{{ text }}.md")

    assert "(path_duplicate)" in said.err
    assert list(world.ledger()) == []


def test_an_output_that_another_run_replaced_is_written_again(call, reviews, tmp_path, world):
    output = tmp_path / "out.csv"
    other = tmp_path / "other.csv"
    other.write_text("id,text\n1,bad\n")
    call("run", reviews, *WORDS, "-o", output)
    before = output.read_text()
    call("run", other, *WORDS, "-o", output)
    assert output.read_text() != before

    said = call("run", reviews, *WORDS, "-o", output)

    assert "nothing is sent again" in said.out
    assert output.read_text() == before
    assert len(world.ledger()) == 2


def test_an_output_that_somebody_worked_in_is_left_and_told(call, reviews, tmp_path):
    output = tmp_path / "out.csv"
    words = ("run", reviews, *WORDS, "-o", output)
    run = call(*words, "--json").json["run"]
    before = output.read_text()
    output.write_text("corrected by hand")

    told = call(*words)
    left = call(*words, "--json").json["outputs"]

    assert told.code == 0
    assert "does not hold what was written, and is left as it is" in told.out
    assert f"`backburner results {run} -o {output} --force` writes it again" in told.out
    assert [(one["left"], one["rows"]) for one in left] == [(True, None)]
    assert output.read_text() == "corrected by hand"
    assert call(*words, "--force").code == 0
    assert output.read_text() == before


@pytest.mark.parametrize("name", ["out.csv", "out.review.csv"])
def test_a_new_run_does_not_replace_what_somebody_worked_in(
    call, reviews, tmp_path, make_world, make_client, name
):
    world = make_world(rules=(Rule("bad", kind="refusal"), *RULES))
    client = make_client(world)
    output, worked_in = tmp_path / "out.csv", tmp_path / name
    first = call("run", reviews, *WORDS, "-o", output, "--json", client=client)
    worked_in.write_text(worked_in.read_text() + "corrected by hand\n")
    words = ("run", reviews, "--prompt", "B {{ text }}", *MODEL, "--yes", "-o", output)

    refused = call(*words, client=client)
    results = call("results", first.json["run"], "-o", output, client=client)
    forced = call(*words, "--force", client=client)

    for said in (refused, results):
        assert said.code == 2
        assert f"{worked_in} was changed since the run {first.json['run']} wrote it" in said.err
        assert "--force" in said.err
    assert forced.code == 3
    assert "corrected by hand" not in worked_in.read_text()


def test_files_of_rows_that_are_gone_are_written_again(call, reviews, tmp_path, world):
    words = ("run", reviews, *WORDS, "-o", f"{tmp_path}/each/{{{{ id }}}}.md")
    call(*words)
    told = call(*words)
    (tmp_path / "each" / "2.md").unlink()

    said = call(*words)

    assert "written before" in told.out
    assert "(4 rows)" in said.out
    assert (tmp_path / "each" / "2.md").read_text() == "negative"
    assert len(world.ledger()) == 1


def test_files_of_rows_that_somebody_worked_in_are_left_and_told(call, reviews, tmp_path):
    output = f"{tmp_path}/each/{{{{ id }}}}.md"
    words = ("run", reviews, *WORDS, "-o", output)
    call(*words)
    (tmp_path / "each" / "2.md").write_text("corrected by hand")

    told = call(*words)
    refused = call("run", reviews, "--prompt", "B {{ text }}", *MODEL, "--yes", "-o", output)

    assert "is left as it is" in told.out
    assert refused.code == 2
    assert f"{tmp_path}/each/2.md was changed since" in refused.err
    assert "line 3:" in refused.err
    assert "(path_taken)" in refused.err
    assert (tmp_path / "each" / "2.md").read_text() == "corrected by hand"


def test_files_of_rows_go_beside_others_in_their_folder(call, reviews, tmp_path):
    (tmp_path / "each").mkdir()
    (tmp_path / "each" / "notes.md").write_text("mine")
    (tmp_path / "each" / "3-y.md").write_text("mine")

    beside = call("run", reviews, *WORDS, "-o", f"{tmp_path}/each/{{{{ id }}}}-x.md")
    refused = call("run", reviews, *WORDS, "-o", f"{tmp_path}/each/{{{{ id }}}}-y.md")
    forced = call("run", reviews, *WORDS, "-o", f"{tmp_path}/each/{{{{ id }}}}-y.md", "--force")

    assert beside.code == 0
    assert (tmp_path / "each" / "3-x.md").read_text() == "positive"
    assert refused.code == 2
    assert "each/3-y.md is there already, and no run of ours wrote it (path_taken)" in refused.err
    assert forced.code == 0
    assert (tmp_path / "each" / "notes.md").read_text() == "mine"
    assert (tmp_path / "each" / "3-y.md").read_text() == "positive"


def test_results_are_written_to_the_same_file_as_often_as_asked(call, requests, tmp_path):
    run = call("run", requests, "--yes", "--json").json["run"]
    words = ("results", run, "-o", tmp_path / "answers.jsonl")

    first, again = call(*words), call(*words)

    assert [first.code, again.code] == [0, 0]


def test_a_run_that_was_kept_without_an_output_takes_the_one_named_later(call, requests, tmp_path):
    output = tmp_path / "answers.jsonl"
    call("enqueue", requests)
    words = ("run", requests, "--yes", "-o", output)

    first, again = call(*words), call(*words)

    assert [first.code, again.code] == [0, 0]
    assert "(2 rows)" in first.out
    assert "written before" in again.out


@pytest.mark.parametrize("is_finished", [True, False])
def test_drain_writes_the_output_that_was_named_later(call, requests, tmp_path, clock, is_finished):
    output = tmp_path / "answers.jsonl"
    call(*(("run", requests, "--yes") if is_finished else ("enqueue", requests)))

    kept = call("enqueue", requests, "-o", output, "--json").json
    call("drain")
    clock.sleep(60)
    call("drain")

    assert kept["output"] == str(output)
    assert kept["resumed"]
    assert len(output.read_text().splitlines()) == 2


def test_another_output_of_a_kept_run_is_told_to_be_left_out(call, requests, tmp_path):
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    run = call("enqueue", requests, "-o", one, "--json").json["run"]

    told = call("enqueue", requests, "-o", two)
    again = call("enqueue", requests, "-o", two, "--json").json

    assert f"its answers go to {one}, and not to {two}" in told.out
    assert f"`backburner results {run} -o {two}`" in told.out
    assert again["output"] == str(one)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("answers.csv", "let the name end in .jsonl"),
        ("{{ custom_id }}.json", "are one file of JSON lines, and not one per row"),
    ],
)
def test_a_list_is_written_as_one_file_of_json_lines(call, requests, tmp_path, world, name, told):
    run = call("run", requests, "--yes", "--json").json["run"]

    fresh = call("run", requests, "--yes", "--new", "-o", tmp_path / name)
    results = call("results", run, "-o", tmp_path / name)

    for said in (fresh, results):
        assert said.code == 2
        assert "(output_format_mismatch)" in said.err
        assert told in said.err
    assert len(world.ledger()) == 1


def test_files_of_rows_go_on_after_one_that_could_not_be_written(call, done, tmp_path):
    words = ("results", done, "-o", f"{tmp_path}/each/{{{{ id }}}}/answer.md")
    (tmp_path / "each").mkdir()
    (tmp_path / "each" / "3").write_text("in the way")

    blocked = call(*words)
    (tmp_path / "each" / "3").unlink()
    again = call(*words)

    assert blocked.code == 2
    assert "each/3 cannot be made" in blocked.err
    assert again.code == 0
    assert (tmp_path / "each" / "4" / "answer.md").read_text() == "neutral"
