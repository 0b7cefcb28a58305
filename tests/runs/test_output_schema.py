import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backburner.errors import InputError, InputFaults
from backburner.nouns.run import RunSpec
from backburner.runs.identity import changes, identity_of, parts_of
from backburner.runs.output_schema import OutputSchema, read_schema, with_format

REVIEW = {
    "type": "object",
    "properties": {"label": {"type": "string"}, "score": {"type": "integer", "maximum": 5}},
    "required": ["label", "score"],
}
MODELS = """
from pydantic import BaseModel, Field

class Review(BaseModel):
    label: str
    score: int = Field(le=5)

class Loose(BaseModel):
    data: dict[str, str]

Plain = {"not": "a model"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with modules; what was imported from it is forgotten afterwards."""
    (tmp_path / "bb_models.py").write_text(MODELS)
    (tmp_path / "bb_broken.py").write_text("1 / 0")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("bb_"):
            del sys.modules[name]


def read_file(folder: Path, text: str) -> OutputSchema:
    path = folder / "schema.json"
    path.write_text(text)
    return read_schema(str(path), folder)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(InputFaults) as caught:
        read_file(folder, text)
    assert caught.value.hint
    return str(caught.value).replace(str(folder), "")


def test_a_file_is_read_closed_and_its_limits_named(folder: Path) -> None:
    schema = read_file(folder, json.dumps(REVIEW))

    assert msgspec.json.decode(schema.whole) == REVIEW | {"additionalProperties": False}
    assert (schema.closed, schema.told) == (1, ("$.properties.score.maximum",))
    assert schema.columns == ("label", "score")


def test_a_pydantic_model_of_the_folder_is_compiled(folder: Path) -> None:
    path = list(sys.path)

    schema = read_schema("bb_models:Review", folder)

    whole = msgspec.json.decode(schema.whole)
    assert whole["properties"]["score"]["maximum"] == 5
    assert whole["additionalProperties"] is False
    assert sys.path == path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("bb_none:Review", "the module bb_none cannot be imported"),
        ("bb_broken:Review", "cannot be imported: ZeroDivisionError"),
        ("bb_models:Nope", "Nope is not there in the module bb_models"),
        ("bb_models:Plain", "Plain is no Pydantic model"),
        ("nowhere.json", "nowhere.json cannot be read"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, source: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_schema(source, folder)

    assert caught.value.hint


def test_a_model_that_the_api_cannot_hold_an_answer_to_is_refused(folder: Path) -> None:
    with pytest.raises(InputFaults, match=r"\$\.properties\.data\.additionalProperties"):
        read_schema("bb_models:Loose", folder)


def test_broken_json_is_told_with_line_and_column(folder: Path) -> None:
    assert "line 2, column 11: no JSON" in refused(folder, '{\n  "type": }')
    assert "NaN is no number" in refused(folder, '{"const": NaN}')


def test_what_is_no_schema_is_told_with_its_place(folder: Path) -> None:
    text = refused(folder, '{"type": "object", "properties": {"a": {"type": "text"}}}')

    assert "schema_broken" in text
    assert "$.properties.a.type" in text


def test_all_unsupported_places_are_told_at_once(folder: Path) -> None:
    bad = {"a": {"not": {}, "type": "string"}, "b": {}}

    text = refused(folder, json.dumps({"type": "object", "properties": bad}))

    assert "2 faults" in text
    assert "$.properties.a.not" in text
    assert "$.properties.b" in text


def test_a_property_named_like_a_column_of_ours_is_refused(folder: Path) -> None:
    properties = {"answer": {"type": "string"}, "text": {"type": "string"}}

    text = refused(folder, json.dumps({"type": "object", "properties": properties}))

    assert "'answer'" in text
    assert "column_collision" in text


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_the_format_joins_an_effort_that_was_given() -> None:
    params = with_format({"output_config": raw({"effort": "low"})}, raw({"type": "string"}))

    assert msgspec.json.decode(params["output_config"]) == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "string"}},
    }


@pytest.mark.parametrize("config", [{"format": {}}, [], "x"])
def test_an_output_config_that_clashes_is_refused(config: Any) -> None:
    with pytest.raises(InputFaults, match="parameter_invalid"):
        with_format({"output_config": raw(config)}, raw({"type": "string"}))


def test_the_schema_is_part_of_a_runs_identity() -> None:
    spec = RunSpec(kind="table", format="csv")
    typed = msgspec.structs.replace(spec, schema=raw(REVIEW))
    before, now = parts_of(spec, "x", "default"), parts_of(typed, "x", "default")

    assert identity_of(before) != identity_of(now)
    assert changes(before, now) == ["the schema"]
    assert changes(now, now) == []


def test_a_run_without_a_schema_keeps_the_identity_it_had() -> None:
    spec = RunSpec(kind="table", format="csv", template="{{ text }}", model="m", max_tokens=5)

    assert identity_of(parts_of(spec, "x", "default")) == IDENTITY_OF_0_1


IDENTITY_OF_0_1 = "edaa92f51dd7901a2e80e4f66e42fc44a713022a11631b5a052c1b98a8d72c14"


def test_a_spec_with_a_schema_is_read_as_it_was_written() -> None:
    spec = RunSpec(kind="table", format="csv", schema=raw(REVIEW))

    again = msgspec.json.decode(msgspec.json.encode(spec), type=RunSpec)

    assert again.schema is not None
    assert msgspec.json.decode(again.schema) == REVIEW
    assert msgspec.json.decode(b'{"kind":"table","format":"csv"}', type=RunSpec).schema is None
