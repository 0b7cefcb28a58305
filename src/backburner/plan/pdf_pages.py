"""How many pages a PDF has, as far as that is told without reading it."""

import re
import zlib
from typing import Final

PAGE_TOKENS: Final = 2_300
"""What a page is reckoned with, its text and its picture together.

Source: platform.claude.com build-with-claude/pdf-support, a copy of 2025: about 7,000 tokens for
three pages; 1,500 to 3,000 for the text of one.
"""

PAGE_ERROR: Final = 0.5
"""How far that may be off: a page may be a title, or a table in small print."""

_PAGE: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_PACKED: Final = re.compile(rb"/Type\s*/ObjStm\b.{0,200}?stream\r?\n", re.DOTALL)
_MOST_BYTES: Final = 4_000_000
"""What is unpacked of one stream at most: its objects are small, and nobody's bomb goes off."""


def pages_of(data: bytes) -> int:
    """The pages of a PDF; one where none is seen, as in a PDF that is encrypted."""
    found = len(_PAGE.findall(data))
    for start in _PACKED.finditer(data):
        found += len(_PAGE.findall(_unpacked(data[start.end() :])))
    return max(found, 1)


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_BYTES)
    except zlib.error:
        return b""
