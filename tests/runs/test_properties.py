import json
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backburner.runs.answer import OUR_COLUMNS, Answer
from backburner.runs.faults import Faults
from backburner.runs.outputs import write_table
from backburner.runs.properties import Kind, properties_of
from backburner.runs.tables import Format, read_table

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["good", "bad"]},
        "score": {"type": "integer"},
        "share": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "sure": {"type": ["boolean", "null"]},
        "tags": {"$ref": "#/$defs/tags"},
    },
    "$defs": {"tags": {"type": "array", "items": {"type": "string"}}},
}
PROPERTIES = properties_of(msgspec.Raw(json.dumps(SCHEMA).encode()))
ANSWER = '{"label":"good","score":4,"share":0.50,"sure":true,"tags":[\n"a, b", "c"]}'
GOOD = Answer(ANSWER, "ok", "end_turn")
FEW = Answer('{"label": "bad", "share": null, "score": 9223372036854775808}', "ok", "end_turn")
BAD = Answer('{"label":"good","score":4', "truncated", "max_tokens")
NONE = Answer("no JSON", "ok", "end_turn")


def write(target: Path, form: Format, data: bytes, **options: Any) -> None:
    table = read_table(BytesIO(data), form, Faults())
    write_table(table, [GOOD, FEW, BAD], target, form, properties=PROPERTIES, **options)


def test_each_property_has_the_kind_that_its_schema_says() -> None:
    assert [(one.name, one.kind) for one in PROPERTIES] == [
        ("label", Kind.TEXT),
        ("score", Kind.WHOLE),
        ("share", Kind.NUMBER),
        ("sure", Kind.TRUTH),
        ("tags", Kind.JSON),
    ]


@pytest.mark.parametrize("schema", [None, {"type": "string"}, {"anyOf": [SCHEMA]}])
def test_only_objects_have_columns(schema: Any) -> None:
    assert properties_of(schema and msgspec.Raw(json.dumps(schema).encode())) == ()


def test_an_object_behind_a_reference_has_columns() -> None:
    schema = {"$ref": "#/$defs/top", "$defs": {"top": SCHEMA}}

    (first, *_) = properties_of(msgspec.Raw(json.dumps(schema).encode()))

    assert first.name == "label"


def test_csv_cells_stand_after_ours_and_the_source_stays(tmp_path: Path) -> None:
    write(tmp_path / "o.csv", Format.CSV, b'\xef\xbb\xbfid, x\r\n1,"a"\r\n2,b\n3,c')

    lines = (tmp_path / "o.csv").read_bytes().decode().splitlines(keepends=True)
    head = ",".join(OUR_COLUMNS)
    assert lines[0] == f"\ufeffid, x,{head},label,score,share,sure,tags\r\n"
    assert lines[1].startswith('1,"a","{""label"":""good"",')
    table = (tmp_path / "o.csv").read_bytes()
    assert b',good,4,0.50,true,"[""a, b"",""c""]"\r\n' in table
    assert b",bad,9223372036854775808,,,\n" in table
    assert table.endswith(b",truncated,max_tokens,0,0,0,0,0,,,,,,")


def test_the_prefix_goes_before_properties_too(tmp_path: Path) -> None:
    write(tmp_path / "o.csv", Format.CSV, b"id\n1\n2\n3\n", prefix="my_")

    head = (tmp_path / "o.csv").read_text().splitlines()[0]
    assert head.endswith(",my_request_id,my_label,my_score,my_share,my_sure,my_tags")


def test_jsonl_has_native_values(tmp_path: Path) -> None:
    write(tmp_path / "o.jsonl", Format.JSONL, b'{"id": 1.0 }\n{"id":2}\r\n{"id":3}\n')

    lines = (tmp_path / "o.jsonl").read_bytes().splitlines(keepends=True)
    rows = [json.loads(line) for line in lines]
    assert lines[0].startswith(b'{"id": 1.0 ,"answer":')
    assert lines[0].endswith(
        b'"label":"good","score":4,"share":0.50,"sure":true,"tags":["a, b","c"]}\n'
    )
    assert [row["label"] for row in rows] == ["good", "bad", None]
    assert [row["tags"] for row in rows] == [["a, b", "c"], None, None]


def test_parquet_columns_have_types(tmp_path: Path) -> None:
    source = BytesIO()
    pq.write_table(pa.table({"id": pa.array([1, 2, 3], pa.int8())}), source)
    write(tmp_path / "o.parquet", Format.PARQUET, source.getvalue())

    table = pq.read_table(tmp_path / "o.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types["id"] == "int8"
    assert [types[one.name] for one in PROPERTIES] == [
        "string",
        "int64",
        "double",
        "bool",
        "string",
    ]
    rows = table.select([one.name for one in PROPERTIES]).to_pylist()
    assert rows[0] == {
        "label": "good",
        "score": 4,
        "share": 0.5,
        "sure": True,
        "tags": '["a, b","c"]',
    }
    # A whole number beyond 64 bits has no place in the column; `answer` has it.
    assert rows[1] == dict.fromkeys(rows[1]) | {"label": "bad"}
    assert rows[2] == dict.fromkeys(rows[2])


def test_an_answer_that_is_no_object_leaves_its_cells_empty(tmp_path: Path) -> None:
    table = read_table(BytesIO(b"id\n1\n"), Format.CSV, Faults())

    write_table(table, [NONE], tmp_path / "o.csv", Format.CSV, properties=PROPERTIES)

    assert (tmp_path / "o.csv").read_text().splitlines()[1].endswith(",,,,,,")
