"""Lines of text from a stream of bytes: exact, in flat memory, with every bad byte named."""

import codecs
from collections.abc import Iterator
from io import StringIO
from typing import BinaryIO, Literal

from backburner.runs.faults import Faults

BLOCK_BYTES = 1 << 17
LINE_CHARS = 64_000_000
"""The longest line that is read; twice the largest request that can be sent."""

ANY_END: Literal[""] = ""
r"""Lines end with `\n`, `\r\n` or `\r`, as in CSV."""

NEWLINE: Literal["\n"] = "\n"
r"""Lines end with `\n` only, as in JSONL."""


def text_lines(
    stream: BinaryIO, encoding: str | None, faults: Faults, *, newline: Literal["", "\n"]
) -> Iterator[str]:
    """Gives each line with its line end; joined, they are the text of the stream.

    After a byte that is no UTF-8, which is one fault, reading goes on with replacements, so that
    the other faults of the file are found too.
    """
    yield from split_lines(decoded(stream, encoding, faults), faults, newline=newline)


def split_lines(
    blocks: Iterator[str], faults: Faults, *, newline: Literal["", "\n"]
) -> Iterator[str]:
    """Gives each line of blocks of text, with its line end."""
    for block in whole_lines(blocks, faults, newline=newline):
        yield from StringIO(block, newline=newline)


def known_encoding(encoding: str | None) -> bool:
    """Says whether text can be read in this encoding."""
    try:
        b"a".decode(encoding or "utf-8")
    except LookupError:
        return False
    except UnicodeDecodeError:
        return True
    return True


def decoded(stream: BinaryIO, encoding: str | None, faults: Faults) -> Iterator[str]:
    """Gives the text of a stream in blocks; a byte that does not fit is one fault."""
    encoding = encoding or "utf-8"
    if not known_encoding(encoding):
        hint = "name one that Python knows, such as cp1252, latin-1, mac-roman or utf-16"
        faults.add("encoding_unknown", f"the encoding {encoding!r} is unknown", hint=hint)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = ends = 0
    block = b"start"
    while block:
        block = stream.read(BLOCK_BYTES)
        offset += len(block)
        try:
            text = decoder.decode(block, not block)
        except UnicodeDecodeError as error:
            begin = offset - len(error.object)
            _note_bad_byte(error, begin, ends, encoding, faults)
            decoder = codecs.getincrementaldecoder(encoding)("replace")
            text = decoder.decode(error.object, not block)
        ends += text.count("\n")
        yield text


def _note_bad_byte(
    error: UnicodeDecodeError, begin: int, ends: int, encoding: str, faults: Faults
) -> None:
    line = ends + error.object[: error.start].decode(encoding, "replace").count("\n") + 1
    byte = error.object[error.start]
    column = None
    if codecs.lookup(encoding).name == "utf-8":
        start = error.object.rfind(b"\n", 0, error.start) + 1
        # The line may have begun in an earlier block.
        column = error.start - start + 1 if start or not begin else None
        code, name = "not_utf8", "UTF-8"
        wide = begin == error.start == 0 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = f"name the file's encoding, such as --encoding {'utf-16' if wide else 'cp1252'}"
    else:
        code, name = "encoding_wrong", encoding
        hint = "name the encoding that the file was saved in with --encoding"
    what = f"byte 0x{byte:02X} at offset {begin + error.start:,} is not {name}"
    faults.add(code, what, line=line, column=column, hint=hint)


def whole_lines(
    blocks: Iterator[str], faults: Faults, *, newline: Literal["", "\n"]
) -> Iterator[str]:
    """Gives the text of blocks in others, each of which but the last ends where a line does."""
    pieces: list[str] = []
    held = 0
    for text in blocks:
        cut = _cut(text, newline)
        if cut:
            yield "".join((*pieces, text[:cut]))
            pieces, held = [], 0
        pieces.append(text[cut:])
        held += len(text) - cut
        if held > LINE_CHARS:
            hint = "check that the file is a table of text"
            faults.add("line_too_long", f"a line has over {LINE_CHARS:,} characters", hint=hint)
            return
    yield "".join(pieces)


def _cut(text: str, newline: str) -> int:
    cut = text.rfind("\n") + 1
    if cut or newline:
        return cut
    # A carriage return at the very end may be half of a line end.
    return text.rfind("\r", 0, -1) + 1
