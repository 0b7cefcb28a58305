"""Files that a prompt attaches: where they may lie, and which blocks they become."""

import json
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

import pytest

from backburner.runs.attached import AttachedFiles, FileRefused, Reach, RowFiles
from backburner.runs.bodies import BodyShape, render_bodies
from backburner.runs.faults import Faults, InputFault
from backburner.runs.folder import FolderTable, folder_of, pack_folder
from backburner.runs.tables import Format, read_table
from backburner.runs.template import PromptTemplate

PDF = b"%PDF-1.4\n1 0 obj<</Type/Page>>endobj\n"
PNG = b"\x89PNG\r\n\x1a\n----"
SHAPE = BodyShape(model="claude-haiku-4-5", max_tokens=10)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.pdf").write_bytes(PDF)
    (folder / "docs" / "b.txt").write_text("Zürich", encoding="utf-8")
    (folder / "docs" / "c.png").write_bytes(PNG)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def content(files: Path, prompt: str, row: str = "docs/a.pdf") -> object:
    """What the one message of a row's body holds; its faults if it has any."""
    faults = Faults()
    table = read_table(BytesIO(f"path,note\n{row},n\n".encode()), Format.CSV, faults)
    template = PromptTemplate.compile(prompt, "prompt.md")
    template.check(table.columns, faults)
    reader = AttachedFiles(Reach(base=files, roots=(files,)))
    bodies = [body for _, body in render_bodies(table, template, SHAPE, faults, None, reader)]
    if faults.count:
        assert bodies == []
        return faults.kept
    return json.loads(bodies[0])["messages"][0]["content"]


def refused(files: Path, name: str) -> InputFault:
    [fault] = content(files, "{{ attach(path) }}", name)  # type: ignore[misc]
    return fault


def test_a_pdf_stands_where_the_prompt_attaches_it(files: Path) -> None:
    first, document, last = content(files, "Read {{ note }}:\n{{ attach(path) }}\nNow sum up.")  # type: ignore[misc]

    assert first == {"type": "text", "text": "Read n:\n"}
    assert document["type"] == "document"
    assert document["source"]["media_type"] == "application/pdf"
    assert b64decode(document["source"]["data"]) == PDF
    assert last == {"type": "text", "text": "\nNow sum up."}


def test_a_text_is_a_document_of_text_and_a_picture_an_image(files: Path) -> None:
    text, picture = content(files, "{{ attach('docs/b.txt') }}\n{{ attach('docs/c.png') }}")  # type: ignore[misc]

    assert text["source"] == {"type": "text", "media_type": "text/plain", "data": "Zürich"}
    assert picture == {
        "type": "image",
        "source": {
            "type": "base64",
            "media_type": "image/png",
            "data": b64encode(PNG).decode(),
        },
    }


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBP", "image/webp"),
    ],
)
def test_a_picture_is_known_by_how_it_begins(files: Path, start: bytes, kind: str) -> None:
    (files / "x").write_bytes(start + b"....")

    [block] = content(files, "{{ attach('x') }}")  # type: ignore[misc]

    assert block["source"]["media_type"] == kind


def test_a_row_may_attach_none_or_several(files: Path) -> None:
    both = "{% for one in ['docs/a.pdf', 'docs/b.txt'] %}{{ attach(one) }}{% endfor %} {{ note }}"

    assert [block["type"] for block in content(files, both)] == ["document", "document", "text"]  # type: ignore[union-attr]
    assert content(files, "{% if note == 'x' %}{{ attach(path) }}{% endif %}{{ note }}") == "n"


def test_a_macro_may_attach(files: Path) -> None:
    prompt = "{% macro file(p) %}<{{ attach(p) }}>{% endmacro %}{{ file(path) }}"

    assert [block["type"] for block in content(files, prompt)] == ["text", "document", "text"]  # type: ignore[union-attr]


def test_a_cell_cannot_attach_a_file_by_the_mark_that_stands_for_one(files: Path) -> None:
    blocks = content(files, "{{ note }}\ufdd07\ufdd1 {{ attach(path) }}")

    assert [block["type"] for block in blocks] == ["text", "document"]  # type: ignore[union-attr]


def test_a_file_that_is_not_there_is_a_fault_of_its_row(files: Path) -> None:
    fault = refused(files, "docs/z.pdf")

    assert (fault.code, fault.line) == ("file_missing", 2)
    assert "docs/z.pdf" in fault.what


@pytest.mark.parametrize("way", ["../secret.txt", "docs/../../secret.txt", "absolute", "link"])
def test_no_path_leads_out_of_the_folder(files: Path, way: str) -> None:
    outside = files.parent / "secret.txt"
    (files / "link").symlink_to(outside)
    fault = refused(files, str(outside) if way == "absolute" else way)

    assert fault.code == "file_outside"
    assert f"--allow-path {files.parent}" in fault.hint


def test_a_folder_that_is_allowed_is_within_reach(files: Path) -> None:
    reach = Reach(base=files, roots=(files, files.parent))

    assert reach.find("../secret.txt") == files.parent / "secret.txt"
    assert reach.find(str(files / "docs" / "a.pdf")) == files / "docs" / "a.pdf"


def test_a_file_that_no_request_can_hold_is_not_even_read(files: Path) -> None:
    with (files / "large.pdf").open("wb") as file:
        file.truncate(24_000_001)

    fault = refused(files, "large.pdf")

    assert (fault.code, fault.line) == ("request_too_large", 2)
    assert "large.pdf, which has 24,000,001 bytes" in fault.what


def test_files_that_are_too_large_together_are_a_fault_of_their_row(files: Path) -> None:
    (files / "large.pdf").write_bytes(PDF + b"0" * 20_000_000)

    [fault] = content(files, "{{ attach('large.pdf') }}{{ attach('docs/a.pdf') }}" * 2)  # type: ignore[misc]

    assert (fault.code, fault.line) == ("request_too_large", 2)
    assert fault.what.endswith("it attaches large.pdf, docs/a.pdf, large.pdf, docs/a.pdf")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00a", b"a\0b", b" \n"])
def test_what_is_no_pdf_no_picture_and_no_text_is_refused(files: Path, data: bytes) -> None:
    (files / "x.bin").write_bytes(data)

    assert refused(files, "x.bin").code == "file_unreadable"


def test_the_hash_of_all_files_goes_by_their_contents(files: Path) -> None:
    (files / "copy.pdf").write_bytes(PDF)
    reach = Reach(base=files, roots=(files,))
    one, same, other = AttachedFiles(reach), AttachedFiles(reach), AttachedFiles(reach)
    one.block("docs/a.pdf")
    same.block("copy.pdf")
    other.block("docs/b.txt")

    assert one.digest == same.digest != other.digest


def test_without_files_a_prompt_has_no_word_attach(files: Path) -> None:
    faults = Faults()
    template = PromptTemplate.compile("{{ attach(path) }}", "--where")

    assert template.attaches
    assert template.render_or_note({"path": "docs/a.pdf"}, 1, faults) is None
    assert [fault.code for fault in faults.kept] == ["template_error"]
    assert not RowFiles(AttachedFiles(Reach(base=files, roots=()))).blocks("text")


def test_an_empty_name_is_refused(files: Path) -> None:
    with pytest.raises(FileRefused, match="without a name"):
        Reach(base=files, roots=(files,)).find("")


def test_a_folder_has_rows_for_its_files_where_they_are_attached(files: Path) -> None:
    faults = Faults()
    copy = b"".join(pack_folder(str(files), faults, with_files=True))
    table = FolderTable(BytesIO(copy), faults=faults)

    rows = [
        (row.values["name"], row.values["text"], row.values["bytes"]) for row in table.records()
    ]

    assert table.columns == ("path", "name", "text", "bytes")
    assert rows == [("a.pdf", "", len(PDF)), ("b.txt", "Zürich", 7), ("c.png", "", len(PNG))]


@pytest.mark.parametrize("pattern", ["docs/*.pdf", "**/*.pdf", "docs/[a-c]*/x.pdf"])
def test_the_files_of_a_pattern_lie_in_the_folder_before_it(files: Path, pattern: str) -> None:
    inside = "docs" if pattern.startswith("docs") else "."

    assert folder_of(f"{files}/{pattern}") == files / inside
