"""The vault on a directory: an object is there whole, or not at all."""

import os
import shutil
import stat
import subprocess

import pytest

from backburner.errors import StoreDamaged, StoreUnusable
from backburner.vault import Vault


def names(vault):
    return sorted(name for name, _ in vault.names())


def test_lines_come_back_in_order_and_by_number(vault):
    lines = [b"%d" % number for number in range(1000)]
    with vault.line_writer("segments/a.jsonl.zst") as writer:
        for line in lines:
            writer.add(line)

    assert list(vault.lines("segments/a.jsonl.zst")) == lines
    with vault.finder("segments/a.jsonl.zst") as finder:
        assert finder.line(777) == b"777"


def test_an_object_is_not_there_before_its_block_ended_well(vault):
    with vault.line_writer("folder/a") as writer:
        writer.add(b"x")
        assert "folder/a" not in names(vault)

    assert names(vault) == ["folder/a"]


@pytest.mark.parametrize("death", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("kind", ["line_writer", "stream_writer", "file_writer"])
def test_a_writer_that_is_broken_off_leaves_nothing(vault, kind, death):
    with pytest.raises(death), getattr(vault, kind)("folder/a"):
        raise death

    assert names(vault) == []


def test_a_broken_off_rewrite_keeps_the_object_that_was_there(vault):
    with vault.line_writer("a") as writer:
        writer.add(b"first")

    with pytest.raises(ValueError, match="no"), vault.line_writer("a") as writer:  # noqa: PT012
        writer.add(b"second")
        raise ValueError("no")

    assert list(vault.lines("a")) == [b"first"]


def test_a_stream_of_any_bytes_comes_back(vault):
    data = os.urandom(300_000) + b"\n\r\x00" * 1000
    with vault.stream_writer("a") as stream:
        stream.write(data)

    with vault.stream("a") as stream:
        assert stream.read() == data


def test_zstdcat_reads_an_object(vault):
    zstdcat = shutil.which("zstdcat")
    if zstdcat is None:
        pytest.skip("zstdcat is not installed")
    with vault.line_writer("a") as writer:
        for line in (b"one", b"", b"three"):
            writer.add(line)

    read = subprocess.run([zstdcat, vault.root / "a"], capture_output=True, check=True)
    assert read.stdout == b"one\n\nthree\n"


def test_an_object_that_is_not_there_is_named(vault):
    with pytest.raises(StoreDamaged, match="segments/nothing"):
        list(vault.lines("segments/nothing"))


def test_deleting_is_done_once_or_twice(vault):
    with vault.line_writer("a") as writer:
        writer.add(b"x")

    vault.delete("a")
    vault.delete("a")
    assert names(vault) == []


def test_a_folder_goes_with_all_that_is_in_it_once_or_twice(vault):
    for name in ("runs/a/input", "runs/a/rows", "runs/b/input"):
        with vault.line_writer(name) as writer:
            writer.add(b"x")

    vault.delete_folder("runs/a")
    vault.delete_folder("runs/a")
    assert names(vault) == ["runs/b/input"]
    assert not vault.holds("runs/a")


def test_a_temporary_file_has_no_name(vault):
    with vault.temporary() as file:
        file.write(b"secret")
        assert names(vault) == []


def test_the_folder_is_for_its_user_alone(vault):
    assert stat.S_IMODE(vault.root.stat().st_mode) == 0o700


def test_a_vault_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreUnusable, match="vault"):
        Vault(tmp_path / "file" / "vault")


def test_a_folder_in_the_way_is_told(vault):
    (vault.root / "a").mkdir()

    with pytest.raises(StoreUnusable, match="cannot write a"), vault.line_writer("a"):
        pass
