"""The rows of a packed run: what its pack says of each, or which request it has of its own."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Final

import msgspec

from backburner.nouns.outcome import CODES, Outcome
from backburner.nouns.run import Run, RunSpec
from backburner.runs.answers import FinalLine, final_lines
from backburner.store import Store
from backburner.vault import Vault
from backburner.worker.moved import Moved, read_moved
from backburner.worker.unpacking import row_answers
from backburner.worker.validating import text_and_reason

_SLICE: Final = 65536


class PackedRow(msgspec.Struct, frozen=True, gc=False):
    """One row of a pack.

    Attributes:
        number: The request number of its pack.
        place: Its place there, from 0.
        pack: What came of the pack.
        own: The request that it has of its own; None where its pack answers it.
        text: The pack's answer to it; None where there is none, or none that is good.
    """

    number: int
    place: int
    pack: FinalLine
    own: int | None
    text: str | None

    @property
    def outcome(self) -> Outcome | None:
        """What came of it in its pack; None where that is not final yet."""
        if self.pack.outcome is Outcome.OK and self.text is None:
            return Outcome.INVALID_OUTPUT
        return self.pack.outcome


def packed_rows(store: Store, vault: Vault, run: Run) -> Iterator[PackedRow]:
    """Every row of a packed run, in order."""
    moved, schema = read_moved(vault, run), _schema(vault, run)
    packs = islice(final_lines(store, vault, run), run.packed)
    row = 0
    for (number, rows), pack in zip(groupby(mapped_numbers(vault, run)), packs, strict=False):
        count = sum(1 for _ in rows)
        texts = _texts(pack, count, schema)
        for place, text in enumerate(texts):
            yield PackedRow(number, place, pack, moved.request_of(row + place), text)
        row += count


def _texts(pack: FinalLine, count: int, schema: bytes | None) -> Sequence[str | None]:
    if pack.outcome is not Outcome.OK:
        return [None] * count
    text = "".join(text_and_reason(line)[0] for line in (*pack.turn, pack.line))
    return row_answers(text, count, schema)


def row_code(row: PackedRow, codes: Sequence[int]) -> int:
    """The byte of a row's outcome; `codes` are those of all requests of the run."""
    if row.own is not None:
        return codes[row.own]
    code = codes[row.number]
    is_lost = code == CODES[Outcome.OK] and row.text is None
    return CODES[Outcome.INVALID_OUTPUT] if is_lost else code


def _schema(vault: Vault, run: Run) -> bytes | None:
    with vault.stream(run.spec) as stream:
        schema = msgspec.json.decode(stream.read(), type=RunSpec).schema
    return None if schema is None else bytes(schema)


def mapped_numbers(vault: Vault, run: Run) -> Iterator[int]:
    """The request number of each row as it was staged."""
    if run.row_map is None:
        return
    with vault.raw(run.row_map) as file:
        while True:
            numbers = array("I")
            numbers.frombytes(file.read(_SLICE * numbers.itemsize))
            if not numbers:
                return
            yield from numbers


def row_numbers(vault: Vault, run: Run) -> Iterator[int]:
    """The request number of each row, where rows and requests are not the same."""
    numbers = mapped_numbers(vault, run)
    if run.moved is None:
        return numbers
    return _overridden(numbers, read_moved(vault, run))


def _overridden(numbers: Iterator[int], moved: Moved) -> Iterator[int]:
    for row, number in enumerate(numbers):
        own = moved.request_of(row)
        yield number if own is None else own


def requests_asked(vault: Vault, run: Run) -> bytearray | None:
    """A byte for each request, 0 of packs that all rows have left; None where none can be so."""
    if run.moved is None:
        return None
    asked = bytearray(run.requests)
    for number in row_numbers(vault, run):
        asked[number] = 1
    return asked
