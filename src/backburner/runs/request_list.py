"""Lists of requests: the caller's own keys and bodies, checked at the door and kept as they are."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import BinaryIO

import msgspec

from backburner.nouns.request import (
    Params,
    RequestLine,
    read_line,
    read_params,
    travelling,
)
from backburner.plan.preflight import Refusal, refusals, size_refusal
from backburner.runs.duplicates import Duplicates
from backburner.runs.faults import Faults
from backburner.runs.json_array import ArrayBroken, array_elements
from backburner.runs.lines import NEWLINE, decoded, whole_lines
from backburner.runs.places import line_and_column, offset_in_error, offset_of
from backburner.runs.record import note_empty

_BOM = "\ufeff"


class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One request of a list.

    Attributes:
        line: The line it begins in, from 1.
        custom_id: The caller's key.
        params: The body as it travels.
        checked: The parts of it that were looked at.
        spot: Where its text begins.
    """

    line: int
    custom_id: str
    params: bytes
    checked: Params
    spot: "Spot"


class Spot(msgspec.Struct, frozen=True, gc=False):
    """A request as it stands in its file, for telling where in it something is.

    Attributes:
        line: The line it begins in, from 1.
        is_line: Whether it begins where the line does.
    """

    line: int
    text: str
    is_line: bool

    def params(self, path: Sequence[str | int]) -> tuple[int, int | None]:
        """The line and column of something in its params; of the last of its path that is there."""
        return self._at(offset_of(self.text, ("params", *path)))

    def error(self, message: str) -> tuple[int, int | None]:
        """The line and column that a message of the decoder names."""
        return self._at(offset_in_error(self.text, message))

    def _at(self, offset: int | None) -> tuple[int, int | None]:
        if offset is None:
            return self.line, None
        below, column = line_and_column(self.text, offset)
        return self.line + below, column if below or self.is_line else None


def read_requests(
    stream: BinaryIO,
    faults: Faults,
    known_models: Collection[str] | None = None,
    *,
    encoding: str | None = None,
    limit: int | None = None,
) -> Iterator[RequestRecord]:
    """Reads a list of requests, one a line or as one JSON array, in flat memory.

    Args:
        stream: The file.
        faults: Takes note of requests that a batch would refuse, and of keys that stand twice.
        known_models: Models that can be sent; None lets any model pass.
        encoding: What it is written in; UTF-8 if None.
        limit: How many requests to take from the start; None takes all.
    """
    is_array, items = request_texts(stream, faults, encoding)
    yield from _checked(islice(items, limit), faults, known_models, is_array=is_array)


def request_texts(
    stream: BinaryIO, faults: Faults, encoding: str | None = None
) -> tuple[bool, Iterator[tuple[int, str]]]:
    """The text of each request of a list and the line it begins in, unchecked.

    Gives first whether the list is one JSON array.
    """
    blocks = decoded(stream, encoding, faults)
    start = _start(blocks)
    blocks = chain(start, blocks)
    if start and start[-1].lstrip().startswith("["):
        return True, _elements(blocks, faults)
    return False, _filled(whole_lines(blocks, faults, newline=NEWLINE))


def _checked(
    items: Iterable[tuple[int, str]],
    faults: Faults,
    known_models: Collection[str] | None,
    *,
    is_array: bool,
) -> Iterator[RequestRecord]:
    number = 0
    with closing(Duplicates()) as keys:
        for line, item in items:
            number += 1
            spot = Spot(line, item, not is_array)
            request = _request(item, spot, faults)
            if request is None:
                continue
            key = request.custom_id
            if key:
                # Also of a request that is refused: all faults of a file are told at once.
                keys.add(key, line)
            checked = _passed(request, spot, faults, known_models)
            if checked is not None:
                yield RequestRecord(line, key, travelling(request.params), checked, spot)
        for key, first, again in keys.found():
            what = f"the custom_id {key!r} stands in line {first} already"
            faults.add("duplicate_key", what, line=again, hint="give each request its own key")
    if not number and not faults.count:
        note_empty("holds no request", faults)


def _request(item: str, spot: Spot, faults: Faults) -> RequestLine | None:
    try:
        return read_line(item)
    except (ValueError, RecursionError) as error:
        _note_invalid(str(error), spot.error(str(error)), faults)
        return None


def _passed(
    request: RequestLine, spot: Spot, faults: Faults, known_models: Collection[str] | None
) -> Params | None:
    if not request.custom_id:
        _note_invalid("custom_id is empty", (spot.line, None), faults)
        return None
    try:
        params = read_params(request.params)
    except ValueError as error:
        _note_invalid(f"params: {error}", spot.params(()), faults)
        return None
    found = refusals(params, known_models)
    large = size_refusal(len(memoryview(request.params)))
    for refusal in (*found, large) if large else found:
        note_refusal(refusal, request.custom_id, spot, faults)
    return None if found or large else params


def note_refusal(refusal: Refusal, custom_id: str, spot: Spot, faults: Faults) -> None:
    """Notes why a request cannot travel, with the place in its line."""
    line, column = spot.params(refusal.path)
    what = f"{refusal.what} (custom_id {custom_id!r})"
    faults.add(refusal.code, what, line=line, column=column, hint=refusal.hint)


def _note_invalid(what: str, place: tuple[int, int | None], faults: Faults) -> None:
    hint = 'write each request as {"custom_id": "…", "params": {…}} on its own line'
    line, column = place
    faults.add("request_invalid", f"no request: {what}", line=line, column=column, hint=hint)


def _start(blocks: Iterator[str]) -> list[str]:
    """Takes blocks until one holds something, without a byte-order mark."""
    start: list[str] = []
    for block in blocks:
        start.append(block if start else block.removeprefix(_BOM))
        if start[-1].strip():
            break
    return start


def _filled(blocks: Iterable[str]) -> Iterator[tuple[int, str]]:
    first = number = 1
    for block in blocks:
        # What stands after a block's last line end is the start of a line that the next one has.
        for number, line in enumerate(block.split("\n"), first):
            if line and not line.isspace():
                yield number, line
        first = number


def _elements(blocks: Iterator[str], faults: Faults) -> Iterator[tuple[int, str]]:
    try:
        yield from array_elements(blocks)
    except ArrayBroken as error:
        _note_invalid(str(error), (error.line, None), faults)
