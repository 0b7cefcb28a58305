"""From result lines to what each row of a table gains."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import msgspec

from backburner.nouns.batch import Via
from backburner.nouns.content import Block, text_of
from backburner.nouns.money import picodollars, usd
from backburner.nouns.outcome import ErrorResponse, Outcome, WireUsage
from backburner.nouns.run import Run
from backburner.nouns.tariff import ModelPrice, Tariff
from backburner.nouns.usage import Usage, usage_of
from backburner.plan.judging import REASONS
from backburner.plan.pricing import charge, priced
from backburner.runs.answer import Answer
from backburner.runs.answers import FinalLine, final_lines
from backburner.runs.numbering import with_firsts
from backburner.runs.packed_rows import PackedRow, packed_rows, row_numbers
from backburner.store import Store
from backburner.vault import Vault

_NAMES: Final[dict[Outcome | None, str]] = {None: "pending"} | {o: o.value for o in Outcome}
"""What the column `outcome` says; None is not final yet."""


class _StopDetails(msgspec.Struct, gc=False):
    category: str | None = None


class _Message(msgspec.Struct, gc=False):
    model: str = ""
    content: list[Block] = []
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None
    usage: WireUsage = WireUsage()


class _Result(msgspec.Struct, gc=False):
    type: str = ""
    message: _Message | None = None
    error: ErrorResponse | None = None


class _Line(msgspec.Struct, gc=False):
    result: _Result


_decode = msgspec.json.Decoder(_Line).decode


class Reader:
    """Reads result lines into answers, and knows what each cost."""

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._prices: dict[tuple[str, str | None], ModelPrice | None] = {}

    def read(self, final: FinalLine) -> Answer:
        """The answer of one request."""
        outcome = final.outcome
        if not final.line and not final.earlier:
            reason = REASONS[outcome] if outcome else "it has not come back yet"
            return Answer("", _NAMES[outcome], request_id=final.request_id, reason=reason)
        if final.earlier:
            return self._read_all(final)
        answer = self._read_one(final)
        return _without_cost(answer) if final.is_reused else answer

    def _read_one(self, final: FinalLine) -> Answer:
        outcome = final.outcome
        result = _decode(final.line).result if final.line else _Result()
        message = result.message
        if message is None:
            reason = _reason(outcome, result)
            return Answer("", _NAMES[outcome], request_id=final.request_id, reason=reason)
        usage = usage_of(message.usage)
        price = self._price(message)
        return Answer(
            text_of(message.content),
            _NAMES[outcome],
            message.stop_reason or "",
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_write_tokens,
            usage.cache_read_tokens,
            _paid(price, usage, final.via) if price else "",
            final.request_id,
            "" if outcome is Outcome.OK else _reason(outcome, result),
        )

    def _read_all(self, final: FinalLine) -> Answer:
        """The answer of a request with several attempts: the whole turn, and what all of them cost.

        So the columns of a table sum to what was paid.
        """
        last = self._read_one(final)
        lines = zip((*final.earlier, final.line), (*final.earlier_via, final.via), strict=True)
        messages = [(_decode(line).result.message, via) for line, via in lines if line]
        known = [(message, via) for message, via in messages if message is not None]
        total = sum((usage_of(message.usage) for message, _ in known), Usage())
        prices = [(self._price(message), usage_of(message.usage), via) for message, via in known]
        costs = [_cost(price, usage, via) for price, usage, via in prices if price]
        before = [_decode(line).result.message for line in final.turn if line]
        texts = [text_of(message.content) for message in before if message is not None]
        return msgspec.structs.replace(
            last,
            answer="".join([*texts, last.answer]),
            input_tokens=total.input_tokens,
            output_tokens=total.output_tokens,
            cache_write_tokens=total.cache_write_tokens,
            cache_read_tokens=total.cache_read_tokens,
            cost_usd=usd(sum(costs)) if len(costs) == len(known) else "",
        )

    def sync_cost(self, final: FinalLine) -> int:
        """What the request would cost once more, sync and without caching, in picodollars."""
        message = _decode(final.line).result.message if final.line else None
        price = self._price(message) if message else None
        if message is None or price is None:
            return 0
        return charge(price, usage_of(message.usage), Via.BATCH).sync

    def paid(self, line: bytes, via: Via) -> int | None:
        """What one attempt cost, in picodollars; None where the price is not known."""
        message = _decode(line).result.message if line else None
        if message is None:
            return 0
        price = self._price(message)
        return _cost(price, usage_of(message.usage), via) if price else None

    def _price(self, message: _Message) -> ModelPrice | None:
        geo = message.usage.inference_geo
        key = (message.model, geo)
        if key not in self._prices:
            price = self._tariff.find(message.model)
            self._prices[key] = None if price is None else price.located(geo)
        return self._prices[key]


def _cost(price: ModelPrice, usage: Usage, via: Via) -> int:
    return priced(price.rates(usage.prompt_tokens, via), usage)


def _paid(price: ModelPrice, usage: Usage, via: Via) -> str:
    return usd(_cost(price, usage, via))


def _reason(outcome: Outcome | None, result: _Result) -> str:
    reason = REASONS[outcome] if outcome else ""
    if result.error is not None:
        error = result.error.error
        return f"{reason}: {error.type}: {error.message}"
    details = result.message.stop_details if result.message else None
    if details is not None and details.category:
        return f"{reason} ({details.category})"
    return reason


class RowAnswers:
    """The answers of a run, row by row.

    Attributes:
        collapsed_sync: What the rows that share another's request would have cost again, sync and
            without caching, in picodollars; known when all rows were given.
    """

    def __init__(self, store: Store, vault: Vault, run: Run, tariff: Tariff) -> None:
        self._store = store
        self._vault = vault
        self._run = run
        self._reader = Reader(tariff)
        self.collapsed_sync = 0

    def __iter__(self) -> Iterator[Answer]:
        """One answer a row, in the order of rows."""
        if self._run.packed:
            yield from self._unpacked()
        elif self._run.row_map is None:
            for final in self._finals():
                yield self._reader.read(final)
        else:
            yield from self._spread()

    def _finals(self, first: int = 0) -> Iterator[FinalLine]:
        return final_lines(self._store, self._vault, self._run, first)

    def _spread(self) -> Iterator[Answer]:
        """Give first rows their answers straight, and repeated rows theirs from a side table.

        First rows come in the order of requests, those of reused ones in an order of their own.
        Repeated ones point back, so their answers are laid aside in one pass over the requests and
        read again in the order of rows.
        """
        with closing(sqlite3.connect("", isolation_level=None)) as aside:
            aside.execute("PRAGMA journal_mode=OFF")
            aside.execute("CREATE TABLE again(request INTEGER, row INTEGER)")
            aside.execute("CREATE TABLE answer(row INTEGER PRIMARY KEY, packed BLOB)")
            aside.execute("BEGIN")
            aside.executemany("INSERT INTO again VALUES(?, ?)", self._repeats())
            self._lay_aside(aside)
            fresh, reused = self._finals(), self._finals(self._run.fresh)
            repeated = aside.execute("SELECT packed FROM answer ORDER BY row")
            unpack = msgspec.msgpack.Decoder(Answer).decode
            for number, is_first in self._firsts():
                if not is_first:
                    yield unpack(next(repeated)[0])
                else:
                    yield self._reader.read(next(fresh if number < self._run.fresh else reused))

    def _unpacked(self) -> Iterator[Answer]:
        """Give each row what its pack says of it, or the answer of its own request.

        What a pack cost stands on its first row, wherever that row's answer comes from, so that
        columns sum to what was paid.
        """
        with closing(sqlite3.connect("", isolation_level=None)) as aside:
            aside.execute("PRAGMA journal_mode=OFF")
            aside.execute("CREATE TABLE own(request INTEGER PRIMARY KEY, packed BLOB)")
            aside.execute("BEGIN")
            aside.executemany("INSERT INTO own VALUES(?, ?)", self._own_answers())
            unpack = msgspec.msgpack.Decoder(Answer).decode
            pack = Answer("", "")
            for row in packed_rows(self._store, self._vault, self._run):
                pack = self._reader.read(row.pack) if row.place == 0 else _without_cost(pack)
                if row.own is None:
                    yield _of_row(pack, row)
                    continue
                query = "SELECT packed FROM own WHERE request = ?"
                own = unpack(aside.execute(query, (row.own,)).fetchone()[0])
                yield _with_cost(own, pack)

    def _own_answers(self) -> Iterator[tuple[int, bytes]]:
        encode, first = msgspec.msgpack.Encoder().encode, self._run.packed
        finals = final_lines(self._store, self._vault, self._run, first)
        for number, final in enumerate(finals, first):
            yield number, encode(self._reader.read(final))

    def _repeats(self) -> Iterator[tuple[int, int]]:
        for row, (number, is_first) in enumerate(self._firsts()):
            if not is_first:
                yield number, row

    def _firsts(self) -> Iterator[tuple[int, bool]]:
        return with_firsts(row_numbers(self._vault, self._run), self._run.fresh)

    def _lay_aside(self, aside: sqlite3.Connection) -> None:
        self.collapsed_sync = 0
        pack = msgspec.msgpack.Encoder().encode
        pairs = aside.execute("SELECT request, row FROM again ORDER BY request")
        pair = pairs.fetchone()
        for number, final in enumerate(self._finals()):
            if pair is None:
                return
            if pair[0] != number:
                continue
            packed = pack(_without_cost(self._reader.read(final)))
            cost = self._reader.sync_cost(final)
            while pair is not None and pair[0] == number:
                self.collapsed_sync += cost
                aside.execute("INSERT INTO answer VALUES(?, ?)", (pair[1], packed))
                pair = pairs.fetchone()


def _without_cost(answer: Answer) -> Answer:
    """The answer for a row whose request another row has paid for, so that columns sum right."""
    return msgspec.structs.replace(
        answer,
        input_tokens=0,
        output_tokens=0,
        cache_write_tokens=0,
        cache_read_tokens=0,
        cost_usd="0",
    )


def _of_row(pack: Answer, row: PackedRow) -> Answer:
    """The answer of a row that its pack answers."""
    if row.outcome is Outcome.OK:
        return msgspec.structs.replace(pack, answer=row.text or "")
    if row.pack.outcome is Outcome.OK:
        outcome, reason = Outcome.INVALID_OUTPUT.value, "its pack was answered without it"
        return msgspec.structs.replace(pack, answer="", outcome=outcome, reason=reason)
    return msgspec.structs.replace(pack, answer="")


def _with_cost(answer: Answer, other: Answer) -> Answer:
    """An answer with what another one cost besides."""
    names = ("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens")
    sums = {name: getattr(answer, name) + getattr(other, name) for name in names}
    costs = (answer.cost_usd, other.cost_usd)
    cost = usd(sum(map(picodollars, costs))) if all(costs) else ""
    return msgspec.structs.replace(answer, **sums, cost_usd=cost)
