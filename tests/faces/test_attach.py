"""`{{ attach(path) }}`: the files of a row travel with it, and are part of a run's identity."""

import json
from base64 import b64decode

import pytest

from backburner.client import Backburner
from backburner.store.batches import batches_of_run

PDF = b"%PDF-1.4\n1 0 obj<</Type/Page>>endobj\n"
WORDS = ("--prompt", "Sum up {{ name }}: {{ attach(path) }}", "--model", "claude-haiku-4-5")


@pytest.fixture
def docs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(PDF)
    (folder / "b.md").write_text("# Notes\n")
    return folder


@pytest.fixture
def sent(home, clock):
    """The files in the bodies that a home has staged, by run."""

    def read(run):
        found = []
        with Backburner(home, clock=clock, environment={}, is_pinned=False) as opened:
            with opened.tools.store.read() as tx:
                batches = batches_of_run(tx, run)
            for batch in batches:
                for line in opened.tools.vault.lines(batch.segment):
                    blocks = json.loads(line)["messages"][0]["content"]
                    sources = [one["source"] for one in blocks if one["type"] == "document"]
                    found += [
                        b64decode(one["data"]) if one["type"] == "base64" else one["data"].encode()
                        for one in sources
                    ]
        return found

    return read


def test_a_folder_of_texts_and_pdfs_is_asked_file_by_file(call, docs):
    said = call("run", "docs", *WORDS, "-o", "sums.jsonl", "--yes")
    lines = [json.loads(line) for line in (docs.parent / "sums.jsonl").read_text().splitlines()]

    assert said.code == 0
    assert "docs: 2 rows, each a request of its own" in said.out
    assert [(one["path"], one["bytes"], one["outcome"]) for one in lines] == [
        ("docs/a.pdf", len(PDF), "ok"),
        ("docs/b.md", 8, "ok"),
    ]


def test_without_attach_a_folder_is_its_texts_as_before(call, docs):
    said = call("run", "docs", "--prompt", "{{ text }}", *WORDS[2:], "--yes", "-o", "sums.csv")

    assert "docs: 1 row" in said.out
    assert (docs.parent / "sums.csv").read_text().startswith("path,name,text,answer")


def test_a_table_names_files_that_lie_beside_it(call, docs):
    (docs / "list.csv").write_text("name,path\nA,a.pdf\n")

    said = call("run", "docs/list.csv", *WORDS, "--yes", "-o", "sums.csv")

    assert said.code == 0
    assert "1: 1 ok" in said.out


def test_what_is_sent_is_what_was_staged(call, docs, sent, clock):
    run = call("enqueue", "docs", *WORDS, "--json").json["run"]
    (docs / "a.pdf").write_bytes(PDF + b"changed")
    call("drain")
    clock.sleep(60)
    call("drain")

    assert call("status", "--json").json["runs"][0]["outcomes"] == {"ok": 2}
    assert sent(run) == [PDF, b"# Notes\n"]


def test_a_changed_file_makes_another_run_and_an_unchanged_one_does_not(call, docs):
    enqueue = ("enqueue", "docs", *WORDS, "--json")
    first = call(*enqueue).json["run"]
    again = call(*enqueue).json["run"]
    (docs / "a.pdf").write_bytes(PDF + b"%")
    other = call("enqueue", "docs", *WORDS)

    assert again == first
    assert f"run {first}" not in other.out
    assert "the attached files" in other.out


def test_a_run_with_files_is_verified_without_them(call, docs):
    call("run", "docs", *WORDS, "--yes", "-o", "sums.csv")
    (docs / "a.pdf").unlink()

    assert call("verify").code == 0


def test_a_file_out_of_reach_is_refused_until_its_folder_is_allowed(call, docs):
    (docs.parent / "far").mkdir()
    (docs.parent / "far" / "c.pdf").write_bytes(PDF)
    (docs / "list.csv").write_text("name,path\nC,../far/c.pdf\n")
    words = ("check", "docs/list.csv", *WORDS)

    assert "line 2: attaches ../far/c.pdf, which lies outside" in call(*words).out
    assert call(*words, "--allow-path", "far").code == 0


@pytest.mark.usefixtures("docs")
def test_a_pdf_may_cost_as_much_as_a_whole_context_window(call):
    call("enqueue", "docs", *WORDS, "--budget", "0.05")
    call("drain")

    [held] = call("status", "--json").json["runs"][0]["holds"]
    assert "they can cost up to $0.11" in held


@pytest.mark.usefixtures("docs")
def test_packs_cannot_attach(call):
    said = call("run", "docs", *WORDS, "--pack", "2", "--yes")

    assert said.code == 2
    assert "packs or attaches files" in said.err
