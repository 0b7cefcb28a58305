import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.runs.answer import OUR_COLUMNS, Answer, our_columns
from backburner.runs.faults import Faults
from backburner.runs.outputs import write_list, write_table
from backburner.runs.tables import Format, read_table

ROWS = st.lists(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=4).map("k".__add__),
        st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers()),
        max_size=4,
    ),
    min_size=1,
    max_size=5,
)
ANSWER = Answer('say "é"\n', "ok", "end_turn", 1, 2, 3, 4, "0.000125", "abc-00001")
OURS = dict(
    zip(
        OUR_COLUMNS, ['say "é"\n', "ok", "end_turn", 1, 2, 3, 4, 0.000125, "abc-00001"], strict=True
    )
)


def opened(data: bytes, **options: Any) -> Any:
    faults = Faults()
    return read_table(BytesIO(data), Format.JSONL, faults, **options), faults


@given(
    rows=ROWS,
    mark=st.sampled_from(["", "\ufeff"]),
    end=st.sampled_from(["", "\n"]),
    blank=st.sampled_from([" ", "", "\r", "\n"]),
)
def test_the_output_is_the_input_plus_keys(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    mark: str,
    end: str,
    blank: str,
) -> None:
    target = tmp_path_factory.mktemp("out") / "out.jsonl"
    source = mark + f"{blank}\n".join(json.dumps(row) for row in rows) + end

    table, faults = opened(source.encode())
    write_table(table, [ANSWER] * len(rows), target, Format.JSONL)

    assert faults.kept == ()
    out = target.read_bytes().decode()
    parsed = [json.loads(line) for line in out.removeprefix("\ufeff").split("\n") if line.strip()]
    assert parsed == [row | OURS for row in rows]
    start = out.index('"answer"')
    end = out.index('"abc-00001"') + len('"abc-00001"')
    stripped = out.replace("," + out[start:end], "").replace(out[start:end], "")
    assert stripped == source


def test_numbers_stay_numbers_and_costs_stay_exact(tmp_path: Path) -> None:
    table, _ = opened(b'{"x": 1.0, "big": 123456789012345678901}\n')

    write_table(table, [ANSWER], tmp_path / "o.jsonl", Format.JSONL, prefix="d_")

    out = (tmp_path / "o.jsonl").read_text()
    assert out.startswith('{"x": 1.0, "big": 123456789012345678901,"d_answer":')
    assert '"d_input_tokens":1,' in out
    assert '"d_cost_usd":0.000125,' in out


def test_later_rows_may_have_other_keys() -> None:
    table, faults = opened(b'{"a":1}\n\n{"b":2,"a":1}\n')

    found = list(table.records())

    assert table.columns == ("a",)
    assert [(each.number, each.line) for each in found] == [(1, 1), (2, 3)]
    assert faults.count == 0


def test_broken_lines_are_all_named() -> None:
    table, faults = opened(b'{"a":1}\n[1]\n{"a":\n"x"\n{"a":"\\ud800"}\n{"a":2}\n')

    found = list(table.records())

    assert [each.line for each in faults.kept] == [2, 3, 4, 5]
    assert {each.code for each in faults.kept} == {"json_broken"}
    assert len(found) == 2


def test_a_key_named_like_ours_is_a_fault_in_any_line() -> None:
    table, faults = opened(b'{"a":1}\n{"answer":1}\n{"answer":1}\n', reserved=our_columns())

    list(table.records())

    assert [(each.code, each.line) for each in faults.kept] == [("column_collision", 2)]


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_a_file_without_a_row_is_a_fault(data: bytes) -> None:
    table, faults = opened(data)

    assert list(table.records()) == []
    assert [each.code for each in faults.kept] == ["input_empty"]


def test_separators_inside_text_end_no_line() -> None:
    table, _ = opened('{"a":"x\u2028y\u0085z"}\n{"a":1}\n'.encode())

    assert len(list(table.records())) == 2


def test_results_of_a_list_keep_their_bytes(tmp_path: Path) -> None:
    results = [("key é", b'{"type":"succeeded","x":1.0}'), ("b", b'{"type":"expired"}')]

    written = write_list(iter(results), tmp_path / "out.jsonl")

    assert written.rows == 2
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == (
        '{"custom_id":"key é","result":{"type":"succeeded","x":1.0}}\n'
        '{"custom_id":"b","result":{"type":"expired"}}\n'
    )
