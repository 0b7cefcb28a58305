"""How many requests a table makes and how large they are, for route rules that look at it."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from backburner.client.attachments import files_of
from backburner.client.checking import fields_of, input_stream, read_twice
from backburner.client.preparing import RunOptions, added_columns, spec_of
from backburner.nouns.route import Extent
from backburner.runs.faults import Faults
from backburner.runs.routed_list import tokens_of
from backburner.runs.stager import Order, Stager

_ANY_MODEL = "claude-sonnet-4-6"
"""Stands in where none is known yet: a body without one is not made."""


class _Sizes:
    """Takes bodies, and keeps the extremes of their sizes."""

    def __init__(self, measure: Callable[[bytes], int]) -> None:
        self._measure = measure
        self.extent: Extent | None = None
        self.requests = 0

    def add(self, body: bytes) -> None:
        """Take a request in."""
        size = self._measure(body)
        before = self.extent or Extent(size, size)
        self.extent = Extent(min(before.least, size), max(before.most, size))
        self.requests += 1


def measure_table(
    options: RunOptions, stdin: Callable[[], BinaryIO], *, in_tokens: bool
) -> Extent | None:
    """The sizes of the smallest and the largest request of a table; None where none can be made.

    Reads the whole input. What is wrong with it is left for staging to say.

    Args:
        options: What a person asks.
        stdin: Gives standard input.
        in_tokens: Whether tokens are counted, about, or bytes.
    """
    model = options.model or _ANY_MODEL
    measure = (lambda body: tokens_of(body, model)) if in_tokens else len
    return _measured(options, stdin, measure).extent


def table_requests(options: RunOptions, stdin: Callable[[], BinaryIO]) -> int:
    """How many requests a table makes, packed and collapsed as it is asked."""
    return _measured(options, stdin, len).requests


def _measured(
    options: RunOptions, stdin: Callable[[], BinaryIO], measure: Callable[[bytes], int]
) -> _Sizes:
    spec = spec_of(replace(options, model=options.model or _ANY_MODEL))
    faults = Faults(keep=0)
    sizes = _Sizes(measure)
    order = Order(
        lane="",
        name=options.source,
        title=options.source,
        output=None,
        prefix=options.prefix,
        reserved=added_columns(spec),
    )
    with (
        input_stream(options, spec, faults, stdin) as source,
        read_twice(spec, source) as stream,
        nullcontext(fields_of(spec, stream, order)) as fields,
        Path(os.devnull).open("wb") as nowhere,
    ):
        files = files_of(options, spec)
        Stager(spec, order, sizes, faults, fields=fields, files=files).read(stream, nowhere)
    return sizes
