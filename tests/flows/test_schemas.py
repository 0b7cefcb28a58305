"""Structured output, from the schema to the columns."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backburner.client.finishing import read_spec
from backburner.client.preparing import Found, RunOptions
from backburner.emulator.settings import Rule
from backburner.runs.output_schema import OutputSchema, read_schema

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["good", "bad"]},
        "score": {"type": "integer"},
        "sure": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 2_000}},
    },
    "required": ["label", "score", "sure", "tags"],
}


@pytest.fixture
def schema(tmp_path: Path) -> OutputSchema:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return read_schema(str(path), tmp_path)


def test_every_request_asks_for_the_form_and_every_row_has_its_columns(
    stage: Any, schema: OutputSchema
) -> None:
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["good", "bad", "good"]), schema=schema)

    bb.run(run.id)

    rows = stage.rows()
    assert [row["label"] for row in rows] == ["good", "bad", "good"]
    for row in rows:
        answer = json.loads(row["answer"])
        jsonschema.validate(answer, SCHEMA)
        assert int(row["score"]) == answer["score"]
        assert row["sure"] == json.dumps(answer["sure"])
        assert json.loads(row["tags"]) == answer["tags"]


def test_the_run_keeps_the_whole_schema_and_sends_what_the_api_takes(
    stage: Any, schema: OutputSchema
) -> None:
    bb = stage.open()
    effort = {"output_config": msgspec.Raw(b'{"effort":"low"}')}
    run = stage.run_of(bb, stage.table(1), schema=schema, params=effort)

    spec = read_spec(bb.tools, run)
    (batch,) = bb.status(run.id)[1][0].count.batches.values()
    name = next(iter(stage.home.glob("**/segments/*.zst")))
    body = json.loads(next(bb.tools.vault.lines(f"segments/{name.name}")))

    assert batch == 1
    assert msgspec.json.decode(spec.schema)["properties"]["tags"]["items"]["maxLength"] == 2_000
    config = body["output_config"]
    assert config["effort"] == "low"
    assert config["format"]["type"] == "json_schema"
    assert config["format"]["schema"]["additionalProperties"] is False
    assert "maxLength" not in config["format"]["schema"]["properties"]["tags"]["items"]


def test_a_row_that_is_not_ok_has_empty_cells(make_stage: Any, schema: OutputSchema) -> None:
    stage = make_stage(rules=(Rule("no", kind="refusal"), Rule("", "good")))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["yes", "no"]), schema=schema)

    bb.run(run.id)

    good, refused = stage.rows()
    assert good["label"] == "good"
    assert refused["outcome"] == "refused"
    assert [refused[name] for name in SCHEMA["properties"]] == ["", "", "", ""]


def test_rows_that_share_a_request_share_its_properties(stage: Any, schema: OutputSchema) -> None:
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["good", "bad", "good"]), schema=schema)

    bb.run(run.id)

    first, _, third = stage.rows()
    assert run.collapsed == 1
    assert third["answer"] == first["answer"]
    assert third["tags"] == first["tags"]


def test_another_schema_makes_another_run(stage: Any, schema: OutputSchema, tmp_path: Path) -> None:
    bb = stage.open()
    table = stage.table(["good"])
    run = stage.run_of(bb, table, schema=schema)
    bb.run(run.id)
    other = json.loads(json.dumps(SCHEMA))
    other["properties"]["label"]["enum"] = ["good", "poor"]
    (tmp_path / "other.json").write_text(json.dumps(other))

    options = {"source": str(table), "prompt": "Say: {{ text }}", "max_tokens": 100}
    same = RunOptions(**options, model="claude-haiku-4-5", schema=schema)
    changed = RunOptions(
        **options,
        model="claude-haiku-4-5",
        schema=read_schema(str(tmp_path / "other.json"), tmp_path),
    )

    assert isinstance(bb.intake.prepare(same), Found)
    assert bb.intake.prepare(changed).changed == ("the schema",)


def test_a_parquet_table_gains_typed_columns(stage: Any, schema: OutputSchema) -> None:
    source = stage.home.parent / "in.parquet"
    pq.write_table(pa.table({"text": ["good", "bad"]}), source)
    bb = stage.open()
    run = stage.run_of(bb, source, "out.parquet", schema=schema)

    bb.run(run.id)

    table = pq.read_table(stage.home.parent / "out.parquet")
    assert [str(table.schema.field(name).type) for name in SCHEMA["properties"]] == [
        "string",
        "int64",
        "bool",
        "string",
    ]
    assert table["label"].to_pylist() == ["good", "bad"]
