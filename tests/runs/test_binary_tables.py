import datetime as dt
import json
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backburner.client.checking import check
from backburner.client.preparing import RunOptions
from backburner.errors import InputFaults
from backburner.nouns.own_price import PriceTerms
from backburner.plan.packing import PackLimits
from backburner.runs.answer import OUR_COLUMNS, Answer, our_columns
from backburner.runs.faults import Faults
from backburner.runs.folder import is_folder, pack_folder
from backburner.runs.outputs import write_table
from backburner.runs.tables import Format, format_of, output_format, read_table

ANSWER = Answer("yes", "ok", "end_turn", 1, 2, 3, 4, "0.000125", "abc-00001")
BAD = Answer("", "refused", "refusal", request_id="abc-00002", reason="refused by the model")


def opened(data: bytes, format: Format, **options: Any) -> Any:  # noqa: A002
    faults = Faults()
    return read_table(BytesIO(data), format, faults, **options), faults


def parquet(rows: int, *, group: int = 1000) -> bytes:
    table = pa.table(
        {
            "id": pa.array(range(rows), pa.int32()),
            "text": pa.array([f"text {number}" for number in range(rows)]).dictionary_encode(),
            "day": pa.array([dt.date(2026, 1, 1)] * rows),
            "tags": pa.array([["a", "b"]] * rows),
        }
    ).replace_schema_metadata({"owner": "somebody"})
    file = BytesIO()
    pq.write_table(table, file, row_group_size=group)
    return file.getvalue()


class Failed(str):
    """A cell whose formula fails, by what the sheet shows."""

    __slots__ = ()


def xlsx(rows: list[list[object]], more: tuple[str, ...] = ()) -> bytes:
    """Writes the smallest file that is an XLSX workbook; its other sheets hold the same."""

    def cell(value: object) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, Failed):
            return f'<c t="e"><v>{value}</v></c>'
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/s.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{number}" r:id="a"/>'
            for number, name in enumerate(("S", *more), 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="a" Type="{office}/worksheet" Target="s.xml"/></Relationships>',
        "xl/s.xml": f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>",
    }
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


SHEET = xlsx([["id", "Product name", "score"], [1, "a, b", 2.5], [2, None, 3.0]])


class Pipe(RawIOBase):
    """A stream that cannot be jumped about in."""

    def __init__(self, data: bytes) -> None:
        self._file = BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)


def test_parquet_rows_come_with_their_types() -> None:
    table, faults = opened(parquet(2500), Format.PARQUET)

    records = list(table.records())

    assert table.columns == ("id", "text", "day", "tags")
    assert len(records) == 2500
    assert records[-1].number == 2500
    assert records[7].values == {
        "id": 7,
        "text": "text 7",
        "day": dt.date(2026, 1, 1),
        "tags": ["a", "b"],
    }
    assert faults.count == 0


def test_parquet_out_keeps_the_schema_and_types_ours(tmp_path: Path) -> None:
    data = parquet(2500)
    table, _ = opened(data, Format.PARQUET)
    answers = [ANSWER if number % 2 else None for number in range(2500)]
    answers[3] = BAD

    written = write_table(table, answers, tmp_path / "o.parquet", Format.PARQUET)

    before, after = pq.read_table(BytesIO(data)), pq.read_table(tmp_path / "o.parquet")
    assert after.schema.names == [*before.schema.names, *OUR_COLUMNS]
    assert after.schema.metadata[b"owner"] == b"somebody"
    for name in before.schema.names:
        assert after.schema.field(name).equals(before.schema.field(name))
    assert after.column("id").to_pylist() == list(range(1, 2500, 2))
    assert after.column("cost_usd")[0].as_py() == Decimal("0.000125")
    assert after.column("input_tokens").type == pa.int64()
    assert (written.rows, written.reviewed) == (1250, 1)
    assert (
        "4,abc-00002,refused,refused by the model,3,text 3,2026-01-01"
        in (tmp_path / "o.review.csv").read_text()
    )


def test_parquet_comes_through_a_pipe() -> None:
    faults = Faults()
    table = read_table(Pipe(parquet(10)), Format.PARQUET, faults)  # type: ignore[arg-type]

    assert len(list(table.records())) == 10


def test_a_limit_may_end_the_answers_early(tmp_path: Path) -> None:
    table, _ = opened(parquet(2500), Format.PARQUET)

    write_table(table, [ANSWER] * 3, tmp_path / "o.parquet", Format.PARQUET)

    assert pq.read_table(tmp_path / "o.parquet").num_rows == 3


@pytest.mark.parametrize("format", [Format.PARQUET, Format.XLSX])
def test_a_damaged_file_is_a_fault(format: Format) -> None:  # noqa: A002
    whole = parquet(100) if format is Format.PARQUET else SHEET
    for data in (b"", b"nonsense", whole[: len(whole) // 2]):
        table, faults = opened(data, format)
        assert list(table.records()) == []
        assert [each.code for each in faults.kept] == ["file_broken"]


def test_a_parquet_file_without_rows_is_a_fault() -> None:
    table, faults = opened(parquet(0), Format.PARQUET)

    list(table.records())

    assert [each.code for each in faults.kept] == ["input_empty"]


def test_a_parquet_column_named_like_ours_is_a_fault() -> None:
    _, faults = opened(parquet(1), Format.PARQUET, reserved=("text",))

    assert [each.code for each in faults.kept] == ["column_collision"]


def test_xlsx_rows_show_whole_numbers_as_such() -> None:
    table, faults = opened(SHEET, Format.XLSX)

    first, second = table.records()

    assert str(first.values) == "{'id': 1, 'Product name': 'a, b', 'score': 2.5}"
    assert str(second.values) == "{'id': 2, 'Product name': None, 'score': 3}"
    assert (second.number, second.line) == (2, 3)
    assert faults.count == 0


def test_headings_of_a_sheet_that_stand_twice_are_a_fault_as_in_csv() -> None:
    _, faults = opened(xlsx([["id", "id", "text"], [1, 2, "a"]]), Format.XLSX)
    _, others = opened(xlsx([["id", "id_1"], [1, 2]]), Format.XLSX)

    assert [(each.code, each.line) for each in faults.kept] == [("column_duplicate", 1)]
    assert "'id' stands twice" in faults.kept[0].what
    assert others.count == 0


def test_a_column_without_a_heading_is_told_and_an_empty_one_is_none() -> None:
    rows = [["id", None, "text", None], [1, None, "a", 5], [2, "  ", "b", None]]

    table, faults = opened(xlsx(rows), Format.XLSX)

    assert table.columns == ("id", "text", "__UNNAMED__3")
    assert [each.code for each in table.warnings] == ["heading_missing"]
    assert "'__UNNAMED__3'" in table.warnings[0].what
    assert faults.count == 0


def test_sheets_that_are_left_out_are_named() -> None:
    rows: list[list[object]] = [["id"], [1]]

    two, _ = opened(xlsx(rows, ("Prices",)), Format.XLSX)
    many, _ = opened(xlsx(rows, ("b", "c", "d", "e", "f")), Format.XLSX)

    assert [each.what for each in two.warnings] == ["only the sheet 'S' is read, and not 'Prices'"]
    assert many.warnings[0].what.endswith("and not 'b', 'c', 'd' and 2 more")


@pytest.mark.parametrize("where", [None, "id == 1"])
def test_what_a_sheet_warns_of_is_told_by_a_check(tmp_path: Path, where: str | None) -> None:
    source = tmp_path / "in.xlsx"
    source.write_bytes(xlsx([["id"], [1]], ("Prices",)))
    options = RunOptions(
        source=str(source), prompt="{{ id }}", model="claude-haiku-4-5", max_tokens=5, where=where
    )
    now = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)

    checked = check(options, PackLimits(), now, BytesIO, PriceTerms())

    assert [each.code for each in checked.warnings] == ["sheets_left_out"]
    assert checked.rows == 1


def test_a_blank_row_of_a_sheet_is_none_and_lines_stay_those_of_the_sheet(tmp_path: Path) -> None:
    rows = [["id", "text"], [1, "a"], [None, None], [None, " "], [2, "b"], [3, None], [None, None]]

    table, faults = opened(xlsx(rows), Format.XLSX)
    found = [(each.number, each.line, each.values["id"]) for each in table.records()]
    write_table(table, [ANSWER] * 3, tmp_path / "o.parquet", Format.PARQUET)

    assert found == [(1, 2, 1), (2, 5, 2), (3, 6, 3)]
    assert pq.read_table(tmp_path / "o.parquet").column("id").to_pylist() == [1, 2, 3]
    assert faults.count == 0


def test_a_cell_whose_formula_fails_is_told_with_its_line() -> None:
    rows = [["id", "text"], [1, Failed("#DIV/0!")], [2, Failed("#N/A")], [Failed("#REF!"), "a"]]

    table, _ = opened(xlsx(rows), Format.XLSX)

    assert [(each.line, each.count) for each in table.warnings] == [(4, 1), (2, 2)]
    assert table.warnings[1].what == (
        "a formula of the column 'text' fails, and its cell counts as empty"
    )


def test_xlsx_is_written_as_csv_jsonl_or_parquet(tmp_path: Path) -> None:
    for name in ("o.csv", "o.jsonl", "o.parquet"):
        table, _ = opened(SHEET, Format.XLSX)
        target = tmp_path / name
        write_table(table, [ANSWER, ANSWER], target, output_format(Format.XLSX, name))

    assert (tmp_path / "o.csv").read_text().splitlines()[1:] == [
        '1,"a, b",2.5,yes,ok,end_turn,1,2,3,4,0.000125,abc-00001',
        "2,,3,yes,ok,end_turn,1,2,3,4,0.000125,abc-00001",
    ]
    first = json.loads((tmp_path / "o.jsonl").read_text().splitlines()[0])
    assert (first["Product name"], first["answer"]) == ("a, b", "yes")
    assert pq.read_table(tmp_path / "o.parquet").column("id").to_pylist() == [1, 2]


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.md").write_text("second\n")
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbffirst")
    (folder / "deep" / "c.MD").write_text("third")
    (folder / "deep" / ".hidden.md").write_text("no")
    (folder / "picture.png").write_bytes(b"\xff")
    return folder


def test_a_folder_is_a_table_of_its_texts_in_order(notes: Path, tmp_path: Path) -> None:
    faults = Faults()
    copy = b"".join(pack_folder(str(notes), faults))

    table, _ = opened(copy, Format.FOLDER)
    records = list(table.records())

    assert table.columns == ("path", "name", "text")
    assert [each.values["name"] for each in records] == ["a.txt", "b.md", "c.MD"]
    assert [each.values["text"] for each in records] == ["first", "second\n", "third"]
    assert faults.count == 0
    for name in ("o.csv", "o.jsonl", "o.parquet"):
        table, _ = opened(copy, Format.FOLDER)
        target = tmp_path / name
        written = write_table(table, [ANSWER] * 3, target, output_format(Format.FOLDER, name))
        assert written.rows == 3
    assert pq.read_table(tmp_path / "o.parquet").column("text").to_pylist()[1] == "second\n"


def test_a_pattern_is_a_folder_too(notes: Path) -> None:
    pattern = f"{notes}/*.md"

    lines = list(pack_folder(pattern, Faults()))

    assert is_folder(pattern)
    assert is_folder(str(notes))
    assert not is_folder(str(notes / "b.md"))
    assert len(lines) == 1


def test_files_that_cannot_be_read_are_all_named(notes: Path) -> None:
    (notes / "bad.md").write_bytes(b"caf\xe9")
    (notes / "worse.txt").write_bytes(b"\xe9")
    faults = Faults()

    list(pack_folder(str(notes), faults))

    assert [each.code for each in faults.kept] == ["not_utf8"] * 2
    assert faults.kept[0].path.endswith("bad.md")
    assert "0xE9 at offset 3" in faults.kept[0].what
    assert len(list(pack_folder(str(notes), Faults(), encoding="cp1252"))) == 5


def test_a_folder_without_texts_is_a_fault(tmp_path: Path) -> None:
    faults = Faults()

    assert list(pack_folder(str(tmp_path), faults)) == []
    assert [each.code for each in faults.kept] == ["input_empty"]


def test_formats_follow_endings() -> None:
    assert format_of("a/b.CSV") is Format.CSV
    assert format_of("x.ndjson") is Format.JSONL
    with pytest.raises(InputFaults, match=r"format_unknown") as caught:
        format_of("x.docx")
    assert "--format" in caught.value.hint


def test_the_output_keeps_the_format_of_its_input() -> None:
    assert output_format(Format.CSV, "o.csv") is Format.CSV
    assert output_format(Format.XLSX, "o.parquet") is Format.PARQUET
    for read, target in ((Format.CSV, "o.tsv"), (Format.JSONL, "o"), (Format.XLSX, "o.xlsx")):
        with pytest.raises(InputFaults, match="output_format_mismatch"):
            output_format(read, target)


def test_reserved_names_are_ours_behind_the_prefix() -> None:
    assert our_columns("draft_")[0] == "draft_answer"
