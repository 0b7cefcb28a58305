"""Lines in frames: any line comes back byte for byte, alone or with all others."""

import io
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backburner.errors import StoreDamaged
from backburner.vault.frames import (
    FRAME_TEXT_BYTES,
    FrameWriter,
    LineFinder,
    frames,
    pack,
    read_index,
    unpack,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGE = FRAME_TEXT_BYTES + 1000

small_lines = st.binary(max_size=200).map(lambda line: line.replace(b"\n", b"\x0b"))
any_lines = st.lists(
    st.one_of(
        small_lines,
        st.sampled_from([b"", b"\r", "\u2028\u0085".encode(), b"\x00"]),
        st.integers(0, 255).map(lambda byte: bytes([byte if byte != 10 else 11]) * LARGE),
    ),
    max_size=30,
)


def written(lines, level=1):
    file = io.BytesIO()
    with ThreadPoolExecutor(max_workers=1) as helper:
        writer = FrameWriter(file, level, helper)
        for line in lines:
            writer.add(line)
        writer.finish()
    return file


def read_back(file):
    return [line for text in frames(file) for line in text.split(b"\n")[:-1]]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.data_too_large])
@given(any_lines)
def test_any_lines_come_back(lines):
    file = written(lines)

    assert read_back(file) == lines
    finder = LineFinder(file)
    assert [finder.line(number) for number in range(len(lines))] == lines
    assert [finder.line(number) for number in reversed(range(len(lines)))] == lines[::-1]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.data_too_large])
@given(any_lines)
def test_any_zstd_tool_reads_the_whole_and_passes_over_the_index(lines):
    file = written(lines)

    file.seek(0)
    with zstd.ZstdFile(file, "rb") as stream:
        assert stream.read() == b"".join(line + b"\n" for line in lines)


def test_a_frame_ends_at_the_first_line_end_at_or_beyond_its_size():
    line = b"x" * 1023
    file = written([line] * 600)

    texts = list(frames(file))
    assert [len(text) for text in texts] == [FRAME_TEXT_BYTES, FRAME_TEXT_BYTES, 88 * 1024]
    assert all(text.endswith(b"\n") for text in texts)
    assert [entry.lines for entry in read_index(file)] == [256, 256, 88]


def test_the_writer_counts_lines_and_bytes():
    with ThreadPoolExecutor(max_workers=1) as helper:
        writer = FrameWriter(io.BytesIO(), 1, helper)
        for line in (b"", b"ab", b"c"):
            writer.add(line)
        writer.finish()

    assert (writer.lines, writer.text_bytes) == (3, 6)


@pytest.mark.parametrize("number", [-1, 3, 1000])
def test_a_line_that_is_not_there_is_damage(number):
    with pytest.raises(StoreDamaged, match=str(number)):
        LineFinder(written([b"a", b"b", b"c"])).line(number)


@pytest.mark.parametrize("kept", [0, 5, 15])
def test_a_file_without_its_end_is_damaged(kept):
    file = io.BytesIO(written([b"a" * 100]).getvalue()[:kept])

    with pytest.raises(StoreDamaged):
        list(frames(file))


@pytest.mark.parametrize("cut", [1, 8, 30])
def test_a_file_cut_short_is_damaged(cut):
    data = written([b"a" * 100] * 10).getvalue()

    with pytest.raises(StoreDamaged):
        list(frames(io.BytesIO(data[:-cut])))


def test_a_frame_with_changed_bytes_is_damaged():
    data = bytearray(written([b"abc" * 100]).getvalue())
    data[0:6] = b"damage"

    with pytest.raises(StoreDamaged, match="byte 0"):
        list(frames(io.BytesIO(bytes(data))))


def test_an_index_that_claims_more_frames_than_there_are_is_damaged():
    data = bytearray(written([b"abc"]).getvalue())
    data[-8:-4] = struct.pack("<I", 1_000_000)

    with pytest.raises(StoreDamaged):
        read_index(io.BytesIO(bytes(data)))


def test_an_index_that_points_elsewhere_is_damaged():
    data = bytearray(written([b"abc"]).getvalue())
    data[-24:-16] = struct.pack("<Q", 3)

    with pytest.raises(StoreDamaged):
        list(frames(io.BytesIO(bytes(data))))


@given(st.binary(max_size=1000))
def test_small_things_are_packed_and_unpacked(data):
    assert unpack(pack(data)) == data
