import fcntl
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from backburner.errors import OutputBlocked
from backburner.runs.answer import Answer
from backburner.runs.atomic import check_writable, replacing
from backburner.runs.faults import Faults
from backburner.runs.outputs import write_each, write_table
from backburner.runs.path_template import PathRefused, PathTemplate, note_paths, whole_path
from backburner.runs.record import Record
from backburner.runs.tables import Format, read_table

GOOD = Answer("fine", "ok", "end_turn", request_id="n1-00000")
BAD = Answer("", "refused", "refusal", request_id="n1-00001", reason="said, no")
CSV = "id,text\na,one\nb,two\nc,three\n"


def table(data: str = CSV) -> Any:
    return read_table(BytesIO(data.encode()), Format.CSV, Faults())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_rows_without_an_answer_are_left_out(tmp_path: Path) -> None:
    written = write_table(table(), [None, GOOD, None], tmp_path / "o.csv", Format.CSV)

    lines = (tmp_path / "o.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["id", "b"]
    assert written.rows == 1


def test_the_prefix_renames_our_columns(tmp_path: Path) -> None:
    write_table(table(), [GOOD], tmp_path / "o.csv", Format.CSV, prefix="draft_")

    assert (tmp_path / "o.csv").read_text().startswith("id,text,draft_answer,draft_outcome,")


def test_rows_that_are_not_ok_stand_in_the_review(tmp_path: Path) -> None:
    written = write_table(table(), [GOOD, BAD, GOOD], tmp_path / "o.csv", Format.CSV)

    assert written.review == tmp_path / "o.review.csv"
    assert (tmp_path / "o.review.csv").read_text() == (
        'row,request_id,outcome,reason,id,text\n2,n1-00001,refused,"said, no",b,two\n'
    )
    assert names(tmp_path) == ["o.csv", "o.review.csv"]


def test_the_review_of_an_earlier_write_goes(tmp_path: Path) -> None:
    write_table(table(), [BAD], tmp_path / "o.csv", Format.CSV)

    written = write_table(table(), [GOOD], tmp_path / "o.csv", Format.CSV)

    assert written.review is None
    assert names(tmp_path) == ["o.csv"]


def test_the_review_finds_other_names_where_the_input_has_its_own(tmp_path: Path) -> None:
    write_table(table("row,reason\n1,2\n"), [BAD], tmp_path / "o.csv", Format.CSV)

    head = (tmp_path / "o.review.csv").read_text().splitlines()[0]
    assert head == "row_,request_id,outcome,reason_,row,reason"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "o.csv"
    target.write_text("old")

    def broken() -> Any:
        yield BAD
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_table(table(), broken(), target, Format.CSV)

    assert target.read_text() == "old"
    assert names(tmp_path) == ["o.csv"]


def test_what_a_killed_write_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".o.csv.part").write_text("left over, and longer than what comes now " * 99)

    write_table(table(), [GOOD], tmp_path / "o.csv", Format.CSV)

    assert names(tmp_path) == ["o.csv"]
    assert "left over" not in (tmp_path / "o.csv").read_text()


def test_two_writers_never_mix(tmp_path: Path) -> None:
    with (tmp_path / ".o.csv.part").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(OutputBlocked, match="being written"):
            write_table(table(), [GOOD], tmp_path / "o.csv", Format.CSV)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "o.csv").symlink_to(real / "x.csv")

    write_table(table(), [GOOD], tmp_path / "o.csv", Format.CSV)

    assert (tmp_path / "o.csv").is_symlink()
    assert (real / "x.csv").exists()


def test_a_path_that_cannot_be_written_is_named_early(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.csv")
    for target in (tmp_path, tmp_path / "none" / "x.csv"):
        with pytest.raises(OutputBlocked) as caught:
            check_writable(target)
        assert caught.value.hint
    with pytest.raises(OutputBlocked, match="No such file"), replacing(tmp_path / "none" / "x"):
        pass


def test_one_file_per_row(tmp_path: Path) -> None:
    paths = PathTemplate(f"{tmp_path}/drafts/{{{{ id }}}}.md")

    written = write_each(table(), [GOOD, BAD, GOOD], paths)

    assert names(tmp_path / "drafts") == ["a.md", "c.md"]
    assert (tmp_path / "drafts" / "a.md").read_text() == "fine"
    assert written.rows == 3
    assert written.review == tmp_path / "drafts.review.csv"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("../x", "path_escapes"),
        ("a/../../x", "path_escapes"),
        ("..", None),
        ("", "path_invalid"),
        ("a/", "path_invalid"),
        ("a\0b", "path_invalid"),
        ("x" * 300, "path_invalid"),
    ],
)
def test_no_value_leaves_the_folder(value: str, code: str | None) -> None:
    template = PathTemplate("drafts/{{ id }}.md")

    if code is None:
        assert template.path_of({"id": value}) == Path("drafts/...md")
        return
    with pytest.raises(PathRefused) as caught:
        template.path_of({"id": value})
    assert caught.value.code == code


def test_without_a_folder_absolute_values_are_refused() -> None:
    template = PathTemplate("{{ path }}")

    assert template.path_of({"path": "a/b.md"}) == Path("a/b.md")
    for value in ("/etc/passwd", "..", "a/..", "."):
        with pytest.raises(PathRefused):
            template.path_of({"path": value})


def test_a_path_that_cannot_be_made_tells_no_cell() -> None:
    template = PathTemplate("drafts/{{ row[name] }}.md")

    with pytest.raises(PathRefused) as caught:
        template.path_of({"name": "a private word"})

    assert caught.value.code == "template_error"
    assert "private" not in str(caught.value)


def test_paths_that_two_rows_share_are_faults() -> None:
    faults = Faults()
    template = PathTemplate("out/{{ id }}.md")
    template.check(("idd",), faults)
    rows = [(Record(n, n + 1, None, {"id": i}), b"") for n, i in enumerate(["a", "b", "a", "../x"])]

    passed = list(note_paths(iter(rows), template, faults))

    assert passed == rows
    assert [(each.code, each.line) for each in faults.kept] == [
        ("column_missing", 1),
        ("path_duplicate", 3),
        ("path_escapes", 4),
    ]


@pytest.mark.parametrize(
    ("output", "whole"),
    [
        ("out.csv", "{here}/out.csv"),
        ("a/../out/{{ id }}.md", "{here}/out/{{ id }}.md"),
        ("{{ id }}.md", "{here}/{{ id }}.md"),
        ("/{{ id }}.md", "/{{ id }}.md"),
        ("o/x-{{ id | int // 100 }}/{{ id }}.md", "{here}/o/x-{{ id | int // 100 }}/{{ id }}.md"),
    ],
)
def test_a_path_is_whole_and_its_expressions_stay(output: str, whole: str) -> None:
    assert whole_path(output) == whole.replace("{here}", str(Path.cwd()))


def test_a_path_with_braces_is_a_template() -> None:
    assert PathTemplate.is_one("drafts/{{ id }}.md")
    assert not PathTemplate.is_one("labelled.csv")
