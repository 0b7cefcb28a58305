"""The elements of a JSON array of any size, in flat memory."""

import json
import re
from collections.abc import Iterator

ELEMENT_CHARS = 64_000_000
"""The longest text that is searched for the end of one element."""

_BLANKS = re.compile(r"[ \t\r\n]*")
_scan = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


class ArrayBroken(ValueError):
    """The array breaks off, or an element is no JSON.

    Attributes:
        line: Where reading stopped.
    """

    def __init__(self, line: int) -> None:
        super().__init__("the list is broken here, or never closed")
        self.line = line


def array_elements(blocks: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Gives each element as it is written, with the line it begins in.

    Raises:
        ArrayBroken: The text is no array; the elements before were given.
    """
    text = _Window(blocks)
    text.take("[")
    if text.peek() != "]":
        yield text.line, text.element()
        while text.peek() == ",":
            text.take(",")
            text.peek()
            yield text.line, text.element()
    text.take("]")
    if text.peek():
        raise ArrayBroken(text.line)


class _Window:
    """The part of a long text that is being read."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks
        self._text = ""
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        """Gives the next character that is not blank; none at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._move(blanks.end() if blanks else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def take(self, mark: str) -> None:
        """Passes over a character that must come next."""
        if self.peek() != mark:
            raise ArrayBroken(self.line)
        self._at += 1

    def element(self) -> str:
        """Gives the JSON value that begins here."""
        while True:
            try:
                _, end = _scan(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if not self._grow():
                    raise ArrayBroken(self.line) from error
            else:
                piece = self._text[self._at : end]
                self._move(end)
                return piece

    def _move(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _grow(self) -> bool:
        rest = self._text[self._at :]
        more: list[str] = []
        # The window doubles, so that a long element is not scanned again for every block.
        while sum(map(len, more)) <= len(rest) < ELEMENT_CHARS:
            block = next(self._blocks, None)
            if block is None:
                break
            more.append(block)
        self._text, self._at = rest + "".join(more), 0
        return len(self._text) > len(rest)
