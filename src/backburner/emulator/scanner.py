"""Finds the elements of `{"requests": [...]}` while the body is still arriving.

The scanner knows where elements begin and end; what is in them is the caller's business. It never
holds more than a window of the body, or one element if that is larger.
"""

import json
import re
from collections.abc import Callable
from typing import NoReturn, Protocol

import msgspec

WINDOW_BYTES = 1 << 17
_BORDER = b'},{"custom_id":'
_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN = re.compile(rb'[{}\[\]]|"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:"\[\]{}]++')
_scan = json.JSONDecoder().raw_decode
_QUOTE, _OPENING, _CLOSING = ord('"'), b"{[", b"}]"


class BadJsonError(Exception):
    """The body is not JSON."""


class Elements(Protocol):
    """Whoever receives the elements, each time as the bytes from one border to another."""

    def whole(self, span: bytes) -> bool:
        """Takes elements that may be many; False if they are not plainly well-formed requests."""

    def one(self, element: bytes) -> None:
        """Takes exactly one element, whatever it is."""


class Scanner:
    """A parser of the outer layer, fed with pieces of any size.

    Attributes:
        unknown_keys: Names of members other than `requests`.
        found: What `requests` turned out to be: None if absent, else `list` or `other`.
        is_object: Whether the body is an object at all.
    """

    def __init__(self, elements: Elements, window: int = WINDOW_BYTES) -> None:
        self.unknown_keys: list[str] = []
        self.found: str | None = None
        self.is_object = True
        self._elements = elements
        self._window = window
        self._rest = b""
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._at = 0
        self._hopeful = True
        self._text: str | None = None
        self._final = False
        self._state: Callable[[], bool] = self._start

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece of the body.

        Raises:
            BadJsonError: The body cannot become JSON any more.
        """
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        # Waiting for as much again as is left over keeps the work linear for a huge element.
        if self._waiting >= max(self._window, len(self._rest)):
            self._scan()

    def end(self) -> None:
        """Takes the end of the body.

        Raises:
            BadJsonError: The body is not JSON.
        """
        self._final = True
        self._scan()
        if self._state != self._after_all:
            self._bad("unexpected end of data")

    def _scan(self) -> None:
        self._rest = b"".join([self._rest, *self._chunks])
        self._chunks, self._waiting, self._at = [], 0, 0
        self._hopeful, self._text = True, None
        while self._state():
            pass
        self._rest = self._rest[self._at :]

    def _bad(self, reason: str) -> NoReturn:
        raise BadJsonError(reason)

    def _peek(self) -> int | None:
        """The next byte that is not white space, or None if it has not come yet."""
        space = _SPACE.match(self._rest, self._at)
        self._at = space.end() if space else self._at
        return self._rest[self._at] if self._at < len(self._rest) else None

    # States: each does one step and says whether there may be more to do at once.

    def _start(self) -> bool:
        first = self._peek()
        if first is None:
            return False
        if first == ord("{"):
            self._at += 1
            self._state = self._first_member
            return True
        self.is_object = False
        return self._skip_value(self._after_all)

    def _first_member(self) -> bool:
        if self._peek() == ord("}"):
            self._at += 1
            self._state = self._after_all
            return True
        return self._member()

    def _member(self) -> bool:
        if self._peek() is None:
            return False
        key = _STRING.match(self._rest, self._at)
        if key is None:
            if self._final or self._rest[self._at] != _QUOTE:
                self._bad("expected a string as key")
            return False
        colon = _SPACE.match(self._rest, key.end())
        after = colon.end() if colon else key.end()
        if after == len(self._rest):
            return False
        if self._rest[after] != ord(":"):
            self._bad("expected ':'")
        self._at = after + 1
        name = _decoded(key[0])
        if not isinstance(name, str):
            self._bad("expected a string as key")
        self._state = self._requests if name == "requests" else self._other_value
        if name != "requests":
            self.unknown_keys.append(name)
        return True

    def _other_value(self) -> bool:
        return self._skip_value(self._after_member)

    def _requests(self) -> bool:
        first = self._peek()
        if first is None:
            return False
        if self.found is not None:
            self._bad("key 'requests' twice")
        if first != ord("["):
            if not self._skip_value(self._after_member):
                return False
            self.found = "other"
            return True
        self.found = "list"
        self._at += 1
        self._state = self._first_element
        return True

    def _first_element(self) -> bool:
        if self._peek() == ord("]"):
            self._at += 1
            self._state = self._after_member
            return True
        return self._element()

    def _element(self) -> bool:
        if self._peek() is None:
            return False
        if self._many():
            return True
        end = self._value_end()
        if end is None:
            return False
        element = self._rest[self._at : end]
        if not self._elements.whole(element):
            self._elements.one(element)
        self._at = end
        self._state = self._after_element
        return True

    def _many(self) -> bool:
        """Hands over all elements up to the last border that looks like one.

        What looks like a border may lie inside an element. But a span that starts at an element and
        parses as a list of requests can only end where a request ends.
        """
        if not self._hopeful:
            return False
        self._hopeful = False
        end = -1
        if self._final and self._rest.endswith(b"}]}"):
            end = len(self._rest) - 2
        elif (border := self._rest.rfind(_BORDER, self._at)) >= 0:
            end = border + 1
        if end <= self._at or not self._elements.whole(self._rest[self._at : end]):
            return False
        self._at = end
        self._state = self._after_element
        return True

    def _after_element(self) -> bool:
        return self._separator(ord("]"), self._element, self._after_member)

    def _after_member(self) -> bool:
        return self._separator(ord("}"), self._member, self._after_all)

    def _separator(
        self, closing: int, another: Callable[[], bool], done: Callable[[], bool]
    ) -> bool:
        found = self._peek()
        if found is None:
            return False
        if found not in (closing, ord(",")):
            self._bad(f"unexpected character {chr(found)!r}")
        self._at += 1
        self._state = done if found == closing else another
        return True

    def _after_all(self) -> bool:
        if self._peek() is not None:
            self._bad("trailing characters")
        return False

    def _skip_value(self, then: Callable[[], bool]) -> bool:
        if self._peek() is None:
            return False
        end = self._value_end()
        if end is None:
            return False
        _decoded(self._rest[self._at : end])
        self._at = end
        self._state = then
        return True

    def _value_end(self) -> int | None:
        """Where the value at the current place ends, or None if that has not come yet."""
        first = self._rest[self._at]
        if first in _OPENING:
            end = self._nested_end()
        elif first == _QUOTE:
            string = _STRING.match(self._rest, self._at)
            end = string.end() if string else None
        else:
            scalar = _SCALAR.match(self._rest, self._at)
            if scalar is None:
                self._bad(f"unexpected character {chr(first)!r}")
            complete = self._final or scalar.end() < len(self._rest)
            end = scalar.end() if complete else None
        if end is None and self._final:
            self._bad("unexpected end of data")
        return end

    def _nested_end(self) -> int | None:
        # The standard library's scanner is quick, and as Latin-1 each byte is one character. What
        # it does not like may be incomplete or wrong, which the slow way finds out.
        if self._text is None:
            self._text = self._rest.decode("latin-1")
        try:
            return _scan(self._text, self._at)[1]
        except (ValueError, StopIteration, RecursionError):
            return self._balanced_end()

    def _balanced_end(self) -> int | None:
        depth = 0
        for token in _TOKEN.finditer(self._rest, self._at):
            kind = self._rest[token.start()]
            if kind == _QUOTE:
                if not token[1]:
                    return None
            elif kind in _OPENING:
                depth += 1
            else:
                depth -= 1
                if depth == 0:
                    return token.end()
        return None


def _decoded(data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJsonError(str(error)) from error
