"""Lists of requests: the caller's own keys and bodies, checked at the door and kept as they are."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain, islice
from typing import Any, BinaryIO

import msgspec

from backburner.nouns.request import (
    Params,
    RequestLine,
    encode_params,
    read_line,
    read_params,
    travelling,
)
from backburner.plan.preflight import refusals, size_refusal
from backburner.runs.duplicates import Duplicates
from backburner.runs.faults import Faults
from backburner.runs.json_array import ArrayBroken, array_elements
from backburner.runs.lines import NEWLINE, decoded, whole_lines
from backburner.runs.record import note_empty

_BOM = "\ufeff"


class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One request of a list.

    Attributes:
        line: The line it begins in, or its place in a list of objects, from 1.
        custom_id: The caller's key.
        params: The body as it travels.
        checked: The parts of it that were looked at.
    """

    line: int
    custom_id: str
    params: bytes
    checked: Params


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
    blocks = decoded(stream, encoding, faults)
    start = _start(blocks)
    blocks = chain(start, blocks)
    if start and start[-1].lstrip().startswith("["):
        items = _elements(blocks, faults)
    else:
        items = _filled(whole_lines(blocks, faults, newline=NEWLINE))
    yield from _checked(islice(items, limit), faults, known_models)


def take_requests(
    requests: Iterable[Mapping[str, Any]],
    faults: Faults,
    known_models: Collection[str] | None = None,
) -> Iterator[RequestRecord]:
    """Takes a list of requests as Python objects: `{"custom_id": …, "params": {…}}`."""
    yield from _checked(_written(requests, faults), faults, known_models)


def _checked(
    items: Iterable[tuple[int, str | RequestLine]],
    faults: Faults,
    known_models: Collection[str] | None,
) -> Iterator[RequestRecord]:
    number = 0
    with closing(Duplicates()) as keys:
        for line, item in items:
            number += 1
            request = _request(item, line, faults)
            if request is None:
                continue
            key = request.custom_id
            if key:
                # Also of a request that is refused: all faults of a file are told at once.
                keys.add(key, line)
            checked = _passed(request, line, faults, known_models)
            if checked is not None:
                yield RequestRecord(line, key, travelling(request.params), checked)
        for key, first, again in keys.found():
            what = f"the custom_id {key!r} stands in line {first} already"
            faults.add("duplicate_key", what, line=again, hint="give each request its own key")
    if not number and not faults.count:
        note_empty("holds no request", faults)


def _request(item: str | RequestLine, line: int, faults: Faults) -> RequestLine | None:
    if isinstance(item, RequestLine):
        return item
    try:
        return read_line(item)
    except (ValueError, RecursionError) as error:
        _note_invalid(str(error), line, faults)
        return None


def _passed(
    request: RequestLine, line: int, faults: Faults, known_models: Collection[str] | None
) -> Params | None:
    if not request.custom_id:
        _note_invalid("custom_id is empty", line, faults)
        return None
    try:
        params = read_params(request.params)
    except ValueError as error:
        _note_invalid(f"params: {error}", line, faults)
        return None
    found = refusals(params, known_models)
    large = size_refusal(len(memoryview(request.params)))
    for refusal in (*found, large) if large else found:
        what = f"{refusal.what} (custom_id {request.custom_id!r})"
        faults.add(refusal.code, what, line=line, hint=refusal.hint)
    return None if found or large else params


def _note_invalid(what: str, line: int, faults: Faults) -> None:
    hint = 'write each request as {"custom_id": "…", "params": {…}} on its own line'
    faults.add("request_invalid", f"no request: {what}", line=line, hint=hint)


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
        _note_invalid(str(error), error.line, faults)


def _written(
    requests: Iterable[Mapping[str, Any]], faults: Faults
) -> Iterator[tuple[int, RequestLine]]:
    for place, request in enumerate(requests, 1):
        try:
            key, params = request["custom_id"], encode_params(request["params"])
        except KeyError as error:
            _note_invalid(f"{error} is missing", place, faults)
        except (TypeError, ValueError) as error:
            _note_invalid(f"params: {error}", place, faults)
        else:
            if isinstance(key, str):
                yield place, RequestLine(key, msgspec.Raw(params))
            else:
                _note_invalid(f"custom_id is {key!r}, not text", place, faults)
