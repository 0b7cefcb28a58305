"""Reading a results file once: what came of each request, what it cost, where its line lies."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

import msgspec

from backburner.nouns.batch import Via
from backburner.nouns.money import Charge
from backburner.nouns.outcome import (
    CODES,
    NOT_FINAL,
    Outcome,
    ResultLine,
    WireUsage,
    outcome_of,
)
from backburner.nouns.tariff import US, ModelPrice
from backburner.nouns.usage import Usage, usage_of
from backburner.plan.judging import UNKNOWN_RESULT
from backburner.plan.pricing import charge

_CHUNK: Final = 1 << 20
_DIGITS: Final = 5
_decode = msgspec.json.Decoder(ResultLine).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What one model's answers to one run used and cost.

    Attributes:
        charge: None where the model has no known price.
    """

    run: str
    model: str
    requests: int
    usage: Usage
    charge: Charge | None

    def __add__(self, other: "Booking") -> "Booking":
        charges = None
        if self.charge is not None and other.charge is not None:
            charges = self.charge + other.charge
        return replace(
            self,
            requests=self.requests + other.requests,
            usage=self.usage + other.usage,
            charge=charges,
        )


@dataclass(slots=True)
class Reading:
    """One pass over a results file, by position in the batch.

    Attributes:
        codes: The outcome's byte of each request, 0 where no line was found.
        offsets: Where each request's line begins, -1 where none was found.
        lengths: The bytes of each line, without its line end.
        error_types: The API's error class of errored lines, and UNKNOWN_RESULT.
        orphans: Where lines lie that belong to no request of the batch, doubled ones included.
        bookings: What was used and paid, by run and model.
    """

    codes: bytearray
    offsets: "array[int]"
    lengths: "array[int]"
    error_types: dict[int, str] = field(default_factory=dict)
    orphans: list[tuple[int, int]] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)

    @property
    def lacking(self) -> int:
        """How many requests have no line."""
        return self.codes.count(NOT_FINAL)

    @property
    def paid(self) -> int | None:
        """What the answers cost, in picodollars; None where a model has no known price."""
        charges = [booking.charge for booking in self.bookings]
        known = [charge.paid for charge in charges if charge is not None]
        return sum(known) if len(known) == len(charges) else None

    def counts(self) -> dict[Outcome, int]:
        """How many requests came to each outcome, lacking ones as missing."""
        counted = Counter(self.codes)
        counted[CODES[Outcome.MISSING]] += counted.pop(NOT_FINAL, 0)
        return {outcome: counted[code] for outcome, code in CODES.items() if counted[code]}


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Each line with its offset, split at the newline byte and nowhere else.

    U+2028, U+0085 and their like are text: splitting there is how others lose answers.
    """
    offset = 0
    rest = b""
    while chunk := file.read(_CHUNK):
        pieces = chunk.split(b"\n")
        pieces[0] = rest + pieces[0]
        rest = pieces.pop()
        for piece in pieces:
            yield offset, piece
            offset += len(piece) + 1
    if rest:
        yield offset, rest


def read_results(
    file: BinaryIO,
    *,
    position_of: Callable[[str], int],
    requests: int,
    run_of: Callable[[int], str],
    price_of: Callable[[str], ModelPrice | None],
    is_invalid: Callable[[int, bytes], bool] | None = None,
    via: Via = Via.BATCH,
) -> Reading:
    """Read a batch's results.

    Args:
        position_of: The position that a custom_id names; any that is out of range for none.
        run_of: The run of the request at a position.
        price_of: The price of a model, where it is known; asked a few times for each run.
        is_invalid: Tells of a position and its line whether an answer breaks its schema.
        via: How the requests travelled, which decides what their answers cost.
    """
    reading = Reading(
        codes=bytearray(requests),
        offsets=array("q", [-1]) * requests,
        lengths=array("l", [0]) * requests,
    )
    books: dict[tuple[str, str, bool], _Book] = {}
    # Looked up once here and not for each of a hundred thousand lines.
    codes, offsets, lengths, orphans = (
        reading.codes,
        reading.offsets,
        reading.lengths,
        reading.orphans,
    )
    for offset, line in lines(file):
        if not line or line.isspace():
            continue
        try:
            parsed = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            orphans.append((offset, len(line)))
            continue
        position = position_of(parsed.custom_id)
        if not 0 <= position < requests or codes[position]:
            orphans.append((offset, len(line)))
            continue
        result = parsed.result
        outcome = outcome_of(result)
        if is_invalid and outcome is Outcome.OK and is_invalid(position, line):
            outcome = Outcome.INVALID_OUTPUT
        codes[position] = CODES[outcome]
        offsets[position] = offset
        lengths[position] = len(line)
        message = result.message
        if message is not None:
            key = (run_of(position), message.model, message.usage.inference_geo == US)
            book = books.get(key)
            if book is None:
                book = books[key] = _Book(price_of(key[1]), US if key[2] else None, via)
            book.add(message.usage)
        elif result.error is not None:
            reading.error_types[position] = result.error.error.type
        if outcome is Outcome.MISSING:
            reading.error_types[position] = UNKNOWN_RESULT
    reading.bookings = _joined(book.booking(*key[:2]) for key, book in books.items())
    return reading


def _joined(bookings: Iterable[Booking]) -> list[Booking]:
    """One booking for each run and model, wherever its answers were made."""
    joined: dict[tuple[str, str], Booking] = {}
    for one in bookings:
        key = (one.run, one.model)
        joined[key] = joined[key] + one if key in joined else one
    return list(joined.values())


def own_positions(prefix: str) -> Callable[[str], int]:
    """Reads the position out of custom_ids that begin with a batch's prefix; -1 for any other."""
    start, size = f"{prefix}-", len(prefix) + 1 + _DIGITS

    def position_of(custom_id: str) -> int:
        digits = custom_id[-_DIGITS:]
        if len(custom_id) != size or not custom_id.startswith(start) or not digits.isdecimal():
            return -1
        return int(digits) if digits.isascii() else -1

    return position_of


def key_positions(keys: Iterable[bytes]) -> Callable[[str], int]:
    """Finds the position of the custom_ids that somebody else chose; -1 for any other."""
    places = {key.decode(): position for position, key in enumerate(keys)}
    return lambda custom_id: places.get(custom_id, -1)


class _Book:
    """Sums up usage. Where the price has steps, each answer is charged alone."""

    __slots__ = (
        "_charge",
        "_input",
        "_output",
        "_price",
        "_read",
        "_requests",
        "_searches",
        "_via",
        "_w1h",
        "_w5m",
    )

    def __init__(self, price: ModelPrice | None, geo: str | None, via: Via) -> None:
        self._via = via
        self._price = price.located(geo) if price else None
        self._charge = Charge()
        self._requests = self._input = self._output = self._searches = 0
        self._w5m = self._w1h = self._read = 0

    def add(self, wire: WireUsage) -> None:
        """Count one answer in."""
        self._requests += 1
        self._input += wire.input_tokens
        self._output += wire.output_tokens
        if wire.cache_read_input_tokens or wire.cache_creation_input_tokens:
            usage = usage_of(wire)
            self._w5m += usage.cache_write_5m_tokens
            self._w1h += usage.cache_write_1h_tokens
            self._read += usage.cache_read_tokens
        if wire.server_tool_use is not None:
            self._searches += wire.server_tool_use.web_search_requests or 0
        if self._price and self._price.steps:
            self._charge = self._charge + charge(self._price, usage_of(wire), self._via)

    def booking(self, run: str, model: str) -> Booking:
        """What was summed up."""
        usage = Usage(
            input_tokens=self._input,
            output_tokens=self._output,
            cache_write_5m_tokens=self._w5m,
            cache_write_1h_tokens=self._w1h,
            cache_read_tokens=self._read,
            web_searches=self._searches,
        )
        return Booking(
            run=run, model=model, requests=self._requests, usage=usage, charge=self._total(usage)
        )

    def _total(self, usage: Usage) -> Charge | None:
        if self._price is None:
            return None
        return self._charge if self._price.steps else charge(self._price, usage, self._via)
