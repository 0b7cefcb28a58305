import csv
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.runs.answer import OUR_COLUMNS, Answer, our_columns
from backburner.runs.faults import Faults, InputFault
from backburner.runs.outputs import write_table
from backburner.runs.record import Record, Table
from backburner.runs.tables import Format, read_table


def opened(
    data: bytes | str,
    *,
    format: Format = Format.CSV,  # noqa: A002
    reserved: tuple[str, ...] = (),
    encoding: str | None = None,
    delimiter: str | None = None,
) -> tuple[Table, Faults]:
    faults = Faults()
    stream = BytesIO(data.encode() if isinstance(data, str) else data)
    table = read_table(
        stream, format, faults, reserved=reserved, encoding=encoding, delimiter=delimiter
    )
    return table, faults


def rows(data: bytes | str) -> list[Record]:
    table, faults = opened(data)
    found = list(table.records())
    assert faults.kept == ()
    return found


def faults_of(data: bytes | str, **options: object) -> tuple[InputFault, ...]:
    table, faults = opened(data, **options)  # type: ignore[arg-type]
    list(table.records())
    return faults.kept


CELLS = st.text(
    st.sampled_from('abé,;"\t\n\r \u2028\x85\0😀\ufeff') | st.characters(exclude_categories=["Cs"]),
    max_size=8,
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str, list[list[str]]]:
    """Gives a table's text, its delimiter and its cells; quoting and line ends are mixed."""
    mark = draw(st.sampled_from(",;\t|"))
    width = draw(st.integers(1, 4))
    head = [f"c{number}" for number in range(width)]
    body = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6))
    text = draw(st.sampled_from(["", "\ufeff"]))
    for row in (head, *body):
        written = []
        for cell in row:
            special = any(sign in cell for sign in (mark, '"', "\n", "\r")) or not cell
            odd = special or cell[0] in " \ufeff"
            quoted = odd or draw(st.booleans())
            written.append('"' + cell.replace('"', '""') + '"' if quoted else cell)
        text += mark.join(written) + draw(ENDS)
        # A carriage return and a blank line after it would read as one line end.
        text += draw(st.sampled_from(["", "\n", "\r\n"])) if not text.endswith("\r") else ""
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    return text, mark, [head, *body]


@given(tables())
def test_sources_joined_are_the_file_and_cells_are_those_written(
    table: tuple[str, str, list[list[str]]],
) -> None:
    text, mark, cells = table

    read, faults = opened(text, delimiter=mark)
    records = list(read.records())

    assert faults.kept == ()
    assert read.head + "".join(str(each.source) for each in records) + read.tail == text
    assert [list(each.values.values()) for each in records] == cells[1:]
    assert list(read.columns) == cells[0]


@given(tables(), CELLS)
def test_the_output_is_the_input_plus_cells(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[str, str, list[list[str]]],
    text: str,
) -> None:
    source, mark, cells = table
    target = tmp_path_factory.mktemp("out") / "out.csv"
    answer = Answer(text, "ok", "end_turn", 1, 2, 3, 4, "0.05", "abc-00001")
    ours = [text, "ok", "end_turn", "1", "2", "3", "4", "0.05", "abc-00001"]

    read, _ = opened(source, delimiter=mark)
    written = write_table(read, [answer] * (len(cells) - 1), target, Format.CSV)

    out = target.read_bytes().decode()
    plain = out.removeprefix("\ufeff")
    parsed = [row for row in csv.reader(StringIO(plain, newline=""), delimiter=mark) if row]
    assert parsed == [cells[0] + list(OUR_COLUMNS), *(row + ours for row in cells[1:])]
    assert written.rows == len(cells) - 1
    line = StringIO()
    csv.writer(line, delimiter=mark, lineterminator="\r\n").writerow(ours)
    stripped = out.replace(mark + mark.join(OUR_COLUMNS), "", 1)
    assert stripped.replace(mark + line.getvalue()[:-2], "") == source


def test_known_bytes_around_our_cells(tmp_path: Path) -> None:
    source = '\ufeffid,"te""xt"\r\n1,"a\nb"\n\n2,c\r3,""'
    read, _ = opened(source)

    answers = [Answer('say "hi"', "ok"), Answer("x,y", "ok"), Answer("plain\n", "ok")]
    write_table(read, answers, tmp_path / "o.csv", Format.CSV)

    rest = ",ok,,0,0,0,0,0,"
    assert (tmp_path / "o.csv").read_bytes().decode() == (
        f'\ufeffid,"te""xt",{",".join(OUR_COLUMNS)}\r\n'
        f'1,"a\nb","say ""hi"""{rest}\n'
        f'\n2,c,"x,y"{rest}\r'
        f'3,"","plain\n"{rest}'
    )


def test_records_know_their_number_line_and_source() -> None:
    found = rows('id,text\n\n1,"a\r\nb"\n2,c\n')

    assert [(each.number, each.line, each.source) for each in found] == [
        (1, 3, '\n1,"a\r\nb"\n'),
        (2, 5, "2,c\n"),
    ]


def test_a_heading_without_comma_is_split_at_its_own_mark() -> None:
    for mark in (";", "\t", "|"):
        table, _ = opened(f"a{mark}b\n1,5{mark}2\n")
        assert next(table.records()).values == {"a": "1,5", "b": "2"}


def test_tsv_keeps_commas_and_quotes() -> None:
    table, _ = opened('a\tb\n"x\ty"\t1,2\n', format=Format.TSV)

    assert next(table.records()).values == {"a": "x\ty", "b": "1,2"}


def test_all_faults_of_a_file_are_found_with_their_lines() -> None:
    data = b'a,b\n1,2\n3\n4,5,6\n"x"y,1\n7,\xff\n8,"9\n'

    found = faults_of(data)

    assert [(each.code, each.line) for each in found] == [
        ("csv_broken", 3),
        ("csv_broken", 4),
        ("csv_broken", 5),
        ("not_utf8", 6),
        ("csv_broken", 7),
    ]
    assert "0xFF at offset 25" in found[3].what
    assert "--encoding cp1252" in found[3].hint
    assert "never closed" in found[4].what


def test_a_utf16_file_is_recognised() -> None:
    found = faults_of("a,b\n1,2\n".encode("utf-16"))

    assert "--encoding utf-16" in found[0].hint


def test_bad_bytes_are_named_where_they_stand_in_large_files() -> None:
    start = "a,b\n" + "é,2\n" * 100_000
    data = start.encode() + b"\xe9,3\n" + b"x,4\n"

    (fault,) = faults_of(data)

    assert fault.line == 100_002
    assert f"offset {len(start.encode()):,} " in fault.what


def test_a_named_encoding_is_read() -> None:
    for encoding in ("cp1252", "utf-16", "shift_jis"):
        word = "é" if encoding != "shift_jis" else "日"
        table, faults = opened(f"a,b\n{word},2\n".encode(encoding), encoding=encoding)
        assert next(table.records()).values["a"] == word
        assert faults.count == 0


def test_an_unknown_or_wrong_encoding_is_a_fault() -> None:
    found = faults_of("a\n1\n", encoding="nope")
    assert [each.code for each in found] == ["encoding_unknown"]
    assert [each.code for each in faults_of("a\né\n", encoding="ascii")] == ["encoding_wrong"]


@pytest.mark.parametrize("data", ["", "\n\n", "\ufeff", "a,b\n", "a,b"])
def test_a_file_without_a_row_is_a_fault(data: str) -> None:
    assert [each.code for each in faults_of(data)] == ["input_empty"]


def test_headings_that_stand_twice_are_a_fault_but_empty_ones_are_not() -> None:
    assert [each.code for each in faults_of("a,b,a\n1,2,3\n")] == ["column_duplicate"]
    assert faults_of(",a,\n1,2,3\n") == ()


def test_a_column_named_like_ours_is_a_fault_with_the_way_out() -> None:
    (fault,) = faults_of("id,answer\n1,2\n", reserved=our_columns())

    assert fault.code == "column_collision"
    assert "--prefix draft_" in fault.hint
    assert faults_of("id,answer\n1,2\n", reserved=our_columns("draft_")) == ()


def test_a_broken_heading_is_one_fault() -> None:
    assert [each.line for each in faults_of('a,"b"c\n1,2\n3,4\n')] == [1]


def test_blank_lines_are_carried_through() -> None:
    table, faults = opened("a,b\n\n1,2\n   \n\r\n3,4\n\n\n")

    found = list(table.records())

    assert faults.count == 0
    assert [each.source for each in found] == ["\n1,2\n", "   \n\r\n3,4\n"]
    assert table.tail == "\n\n"


def test_only_the_first_faults_are_kept_and_all_are_counted() -> None:
    table, faults = opened("a,b\n" + "1\n" * 250)

    list(table.records())

    assert (len(faults.kept), faults.count) == (100, 250)


def test_fields_of_megabytes_are_read() -> None:
    (record,) = rows('a\n"' + "x\n" * 2_000_000 + '"\n')

    assert len(record.values["a"]) == 4_000_000


def test_old_line_ends_alone_are_read_in_flat_memory() -> None:
    assert len(rows("a,b\r" + "1,2\r" * 100_000)) == 100_000
