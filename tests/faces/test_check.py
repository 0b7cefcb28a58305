"""`backburner check`: everything that is wrong, and nothing left behind."""

import json
from pathlib import Path
from typing import Any

import pytest

MODEL = ("--model", "claude-haiku-4-5")
PARAMS = {
    "model": "claude-haiku-4-5",
    "max_tokens": 5,
    "messages": [{"role": "user", "content": "hi"}],
}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(*changes: dict[str, Any], name: str = "list.jsonl") -> Path:
        path = tmp_path / name
        lines = [
            json.dumps({"custom_id": f"{number}", "params": PARAMS} | change)
            for number, change in enumerate(changes)
        ]
        path.write_text("\n".join(lines))
        return path

    return written


def params(**changes: Any) -> dict[str, Any]:
    return {"params": PARAMS | changes}


def test_a_clean_table_is_told_with_its_price(call: Any, reviews: Path, home: Path) -> None:
    said = call("check", reviews, "--prompt", "{{ text }}", *MODEL)

    assert said.code == 0, said.err
    assert "4 rows, 3 requests; 1 row shares that of an identical row" in said.out
    assert "estimated price" in said.out
    assert "no fault, 0 warnings; nothing was kept or sent" in said.out
    assert not home.exists()


def test_it_counts_what_run_would_plan(call: Any, reviews: Path) -> None:
    words = (reviews, "--prompt", "{{ text }}", *MODEL, "--batch-size", 2, "--json")

    checked = call("check", *words).json
    planned = call("enqueue", *words).json["plan"]

    assert checked["batches"] == planned["batches"] == 2
    for name in ("rows", "requests", "rows_collapsed", "models", "estimate", "warnings"):
        assert checked[name] == planned[name]


def test_every_fault_of_a_list_has_line_and_column(call: Any, write: Any) -> None:
    source = write(
        params(),
        params(stream=True, temperature=0.5),
        params(messages=[{"role": "user", "content": ""}]),
        params(max_tokens=0, betas=["x"]),
        {"custom_id": 7},
    )

    said = call("check", source, "--json")

    lines = source.read_text().split("\n")
    assert said.code == 2
    found = [(one["line"], one["column"], one["code"]) for one in said.json["faults"]]
    assert found == [
        (2, lines[1].index('"stream"') + 1, "parameter_refused"),
        (2, lines[1].index('"temperature"') + 1, "parameter_refused"),
        (3, lines[2].index('{"role"') + 1, "prompt_empty"),
        (4, lines[3].index('"max_tokens"') + 1, "parameter_refused"),
        (4, lines[3].index('"betas"') + 1, "parameter_refused"),
        (5, 2, "request_invalid"),
    ]
    assert said.json["batches"] is None
    assert all(one["hint"] for one in said.json["faults"])


def test_an_array_spread_over_lines_has_columns_too(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    items = [{"custom_id": "a", "params": PARAMS | {"speed": "fast"}}]
    path.write_text(json.dumps(items, indent=2))

    said = call("check", path, "--json")

    (fault,) = said.json["faults"]
    lines = path.read_text().split("\n")
    assert lines[fault["line"] - 1][fault["column"] - 1 :].startswith('"speed"')


def test_a_blank_prompt_names_the_cell(call: Any, reviews: Path) -> None:
    reviews.write_text("id,text\n1,a\n2,\n")

    said = call("check", reviews, "--prompt", "{{ text }}", *MODEL)

    assert said.code == 2
    assert (
        "fault: line 3, column 'text': the prompt of this row is blank (prompt_empty)" in said.out
    )
    assert "1 fault (1 prompt_empty), 0 warnings" in said.out


def test_more_than_a_hundred_faults_are_all_told(call: Any, write: Any) -> None:
    said = call("check", write(*[params(top_k=1)] * 150), "--json")

    assert said.json["fault_count"] == len(said.json["faults"]) == 150


def test_warnings_do_not_fail(call: Any, write: Any) -> None:
    source = write(
        params(max_token=5),
        params(max_token=5, model="claude-sonnet-4-5"),
        {"custom_id": "x" * 65},
        {"custom_id": "again"},
        params(messages=[{"role": "user", "content": "word " * 170_000}]),
    )

    said = call("check", source, "--json")

    assert said.code == 0
    assert [(w["code"], w["line"], w["count"]) for w in said.json["warnings"]] == [
        ("parameter_unknown", 1, 2),
        ("custom_id_long", 3, 1),
        ("prompt_long", 5, 1),
        ("model_retiring", None, 1),
        ("requests_identical", None, 1),
    ]
    assert "2026-11-30" in said.json["warnings"][3]["message"]


def test_a_limit_beyond_what_a_model_writes_is_warned_of(
    call: Any, write: Any, reviews: Path, tmp_path: Path
) -> None:
    said_of = "max_tokens is 1,000,000, and claude-haiku-4-5 writes at most 64,000"
    source = write(params(max_tokens=10**6), params(max_tokens=64_000))
    body = tmp_path / "body.json"
    body.write_text(json.dumps(params(max_tokens=10**6)["params"]))

    listed = call("check", source, "--json")
    table = call(
        "check", reviews, "--prompt", "{{ text }}", *MODEL, "--max-tokens", 10**6, "--json"
    )
    single = call("submit", body)

    for said, line in ((listed, 1), (table, None)):
        (warning,) = (one for one in said.json["warnings"] if one["code"] == "max_tokens_high")
        assert warning["message"] == said_of
        assert (warning["line"], warning["count"]) == (line, 1)
        assert "give 64000 or less" in warning["hint"]
    assert said_of in single.err


def test_a_beta_may_give_a_model_a_longer_output(call: Any, write: Any) -> None:
    source = write(params(model="claude-opus-4-7", max_tokens=200_000))

    short = call("check", source, "--json")
    long = call("check", source, "--json", "--beta", "output-300k-2026-03-24")

    assert [one["code"] for one in short.json["warnings"]] == ["max_tokens_high"]
    assert long.json["warnings"] == []


def test_a_prompt_beyond_the_window_is_a_fault(call: Any, write: Any) -> None:
    prompt = "words and so on " * 90_000

    said = call("check", write(params(messages=[{"role": "user", "content": prompt}])), "--json")

    assert [(one["code"], one["line"]) for one in said.json["faults"]] == [("prompt_too_long", 1)]


def test_a_retired_model_is_told_with_its_day(call: Any, write: Any) -> None:
    said = call("check", write(params(model="claude-opus-4-1")))

    assert said.code == 2
    assert "'claude-opus-4-1' retired on 2026-08-05" in said.out


def test_identical_rows_that_share_nothing_are_counted(call: Any, reviews: Path) -> None:
    said = call("check", reviews, "--prompt", "{{ text }}", *MODEL, "--no-collapse")

    assert said.code == 0
    assert "requests that are identical to an earlier one: 1" in said.out


def test_the_plan_of_a_run_has_the_warnings_too(call: Any, reviews: Path) -> None:
    words = (reviews, "--prompt", "{{ text }}", "--model", "claude-sonnet-4-5")

    said = call("enqueue", *words, "--param", "metadat={}")

    assert said.code == 0
    assert "the parameter 'metadat' is unknown here" in said.out
    assert "claude-sonnet-4-5 retires on 2026-11-30" in said.out


def test_standard_input_and_folders_are_checked(call: Any, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("hello")

    piped = call("check", "-", "--format", "csv", "--prompt", "{{ a }}", *MODEL, stdin=b"a\nx\n")
    folder = call("check", tmp_path / "notes", "--prompt", "{{ text }}", *MODEL)
    without = call("check", "-", "--prompt", "{{ a }}", *MODEL)

    assert (piped.code, folder.code, without.code) == (0, 0, 2)
    assert "standard input: 1 row" in piped.out
    assert "needs --format" in without.err


def test_without_a_model_a_script_is_told_to_name_one(call: Any, reviews: Path) -> None:
    said = call("check", reviews, "--prompt", "{{ text }}", "--json")

    assert said.code == 2
    assert said.error["code"] == "choice_needed"


def test_a_schema_is_checked_with_the_rest(call: Any, reviews: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"text": {"type": "string"}}}')

    said = call("check", reviews, "--prompt", "{{ text }}", "--schema", schema, *MODEL)

    assert said.code == 2
    assert "column_collision" in said.out


def test_nothing_is_written_beside_the_input_or_the_output(
    call: Any, reviews: Path, tmp_path: Path, home: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))

    said = call(
        "check", reviews, "--prompt", "{{ text }}", *MODEL, "-o", tmp_path / "{{ id }}" / "x.md"
    )

    assert said.code == 0, said.out
    assert sorted(tmp_path.rglob("*")) == before
    assert not home.exists()
