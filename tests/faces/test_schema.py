import json
from pathlib import Path
from typing import Any

import pytest

MODEL = ("--model", "claude-haiku-4-5")
SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["positive", "negative", "neutral"]},
        "score": {"type": "integer", "maximum": 100_000},
    },
    "required": ["label", "score"],
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "label.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def test_a_run_with_a_schema_says_so_and_writes_its_columns(
    call: Any, reviews: Path, schema: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"

    said = call(
        "run", reviews, "--prompt", "{{ text }}", "--schema", schema, *MODEL, "-o", output, "--yes"
    )

    assert said.code == 0, said.err
    assert "label.json: columns label, score" in said.out
    assert "additionalProperties: false was added to 1 object" in said.out
    assert "does not enforce $.properties.score.maximum" in said.out
    head, *rows = output.read_text().splitlines()
    assert head.endswith(",request_id,label,score")
    assert [row.split(",")[-2] for row in rows] == ["positive", "negative", "positive", "neutral"]


def test_the_plan_as_json_has_the_schema(call: Any, reviews: Path, schema: Path) -> None:
    said = call("enqueue", reviews, "--prompt", "{{ text }}", "--schema", schema, *MODEL, "--json")

    assert said.json["plan"]["schema"] == {
        "source": str(schema),
        "columns": ["label", "score"],
        "objects_closed": 1,
        "checked_here": ["$.properties.score.maximum"],
    }


def test_a_list_of_requests_is_told_where_its_schema_goes(
    call: Any, requests: Path, schema: Path
) -> None:
    said = call("enqueue", requests, "--schema", schema, "--json")

    assert said.code == 2
    assert "--schema belongs to a table" in said.error["message"]
    assert "output_config" in said.error["hint"]


def test_a_column_of_the_input_with_the_name_of_a_property_is_refused(
    call: Any, reviews: Path, schema: Path
) -> None:
    reviews.write_text("label,text\nx,a film\n")
    words = ("enqueue", reviews, "--prompt", "{{ text }}", "--schema", schema, *MODEL)

    refused = call(*words)
    passed = call(*words, "--prefix", "new_")

    assert refused.code == 2
    assert "the column 'label' has the name of a column that the output adds" in refused.err
    assert passed.code == 0


def test_a_schema_that_the_api_does_not_take_is_refused_before_anything_is_kept(
    call: Any, reviews: Path, schema: Path, home: Path
) -> None:
    schema.write_text('{"type": "object", "properties": {"a": {"not": {}, "type": "string"}}}')

    said = call("run", reviews, "--prompt", "{{ text }}", "--schema", schema, *MODEL, "--yes")

    assert said.code == 2
    assert "$.properties.a.not: the API does not know this keyword (schema_unsupported)" in said.err
    assert not list(home.glob("**/*.zst"))
