"""The results of a batch: every request judged and answered, once, in finish order."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from backburner.emulator import identifiers, marks, prices
from backburner.emulator.batchbook import Batch
from backburner.emulator.credit import Credit
from backburner.emulator.foreign import ForeignSpool
from backburner.emulator.promptcache import Visit
from backburner.emulator.settings import FailureKind, Settings
from backburner.emulator.shapes import (
    Canceled,
    Errored,
    Expired,
    Message,
    Problem,
    RequestCounts,
    ResultLine,
    Succeeded,
    error_body,
)
from backburner.emulator.speaking import STOP_KINDS, Occasion, Speaker, failure
from backburner.emulator.validation import check

STEP = 256
"""Requests answered between two chances for others to work."""
_CANCELED, _EXPIRED = Canceled(), Expired()
_FIRST_DIGITS = 14


@dataclass(frozen=True, slots=True)
class Fates:
    """What chance and script have in store for each request of a batch, fixed at intake."""

    errored: "list[int] | memoryview[int]"
    expired: "list[int] | memoryview[int]"
    unlucky: "list[int] | memoryview[int]"
    machines: "list[int] | memoryview[int]"
    scripted: dict[int, FailureKind]

    @classmethod
    def of(cls, settings: Settings, ordinal: int, count: int, hit_share: float) -> "Fates":
        """The fates of a batch, from the seed, its ordinal and the positions alone."""

        def draw(purpose: str, *, wanted: bool) -> "list[int] | memoryview[int]":
            if not wanted:
                return []
            return memoryview(identifiers.chances(settings.seed, ordinal, purpose, count))

        return cls(
            errored=draw("errored", wanted=settings.errored_share > 0),
            expired=draw("expired", wanted=settings.expired_share > 0),
            unlucky=draw("unlucky", wanted=hit_share < 1),
            machines=draw("machine", wanted=settings.cache.machines > 1),
            scripted={f.index: f.kind for f in settings.fail_once if f.ordinal == ordinal},
        )


def expires_any(settings: Settings, ordinal: int, count: int) -> bool:
    """Whether a batch holds a request that never gets its turn."""
    if any(f.ordinal == ordinal and f.kind == "expired" for f in settings.fail_once):
        return True
    if settings.expired_share <= 0:
        return False
    limit = settings.expired_share * identifiers.CHANCE_RANGE
    return min(identifiers.chances(settings.seed, ordinal, "expired", count)) < limit


class Results:
    """Writes the results of batches; remembers which requests have failed by chance."""

    def __init__(self, settings: Settings, speaker: Speaker, credit: Credit) -> None:
        self._settings = settings
        self._speaker = speaker
        self._credit = credit
        self._failed: dict[bytes, tuple[int, int]] = {}

    def prepare(self, batch: Batch) -> Iterator[None]:
        """Writes a batch's results and totals, pausing every few requests.

        Whoever calls this decides how quickly to go on; the batch shows nothing of it until then.
        """
        if isinstance(batch.spool, ForeignSpool):
            batch.spool.reached = done = batch.processed(batch.ends_at)
            batch.counts = RequestCounts(0, done, 0, batch.count - done)
            return
        order = identifiers.finish_order(self._settings.seed, batch.ordinal, batch.count)
        fates = self._fates(batch)
        reached = batch.processed(batch.ends_at)
        letters = bytearray(batch.count)
        encode = msgspec.json.Encoder().encode
        counts = dict.fromkeys("secx", 0)
        picodollars = 0
        lines: list[bytes] = []
        with batch.spool.results.open("wb", buffering=0) as file:
            picked = batch.spool.picked(order)
            for place, (index, (custom_id, raw)) in enumerate(zip(order, picked, strict=True)):
                result: Succeeded | Errored | Canceled | Expired
                if place >= reached:
                    result = _EXPIRED if batch.cancel_at is None else _CANCELED
                else:
                    result = self._judge(batch, fates, place, index, raw)
                if isinstance(result, Succeeded):
                    message = result.message
                    picodollars += prices.cost(message.model, message.usage)
                letter = _letter(result)
                counts[letter] += 1
                letters[index] = ord(letter)
                lines += (encode(ResultLine(custom_id, result)), b"\n")
                if len(lines) >= 2 * STEP:
                    file.write(b"".join(lines))
                    lines.clear()
                    yield
            file.write(b"".join(lines))
        batch.spool.note_outcomes(bytes(letters))
        batch.counts = RequestCounts(0, counts["s"], counts["e"], counts["c"], counts["x"])
        batch.cost = picodollars

    def tally(self, batch: Batch) -> bytes:
        """How each request will end, one letter each in finish order, before it has ended."""
        order = identifiers.finish_order(self._settings.seed, batch.ordinal, batch.count)
        fates = self._fates(batch)
        letters = []
        quiet = Results(self._settings, Speaker(self._settings), self._credit)
        quiet._failed = dict(self._failed)
        for place, (index, (_, raw)) in enumerate(
            zip(order, batch.spool.picked(order), strict=True)
        ):
            letters.append(_letter(quiet._judge(batch, fates, place, index, raw)))
        return "".join(letters).encode()

    def _fates(self, batch: Batch) -> Fates:
        return Fates.of(self._settings, batch.ordinal, batch.count, self._speaker.hit_share)

    def _judge(
        self, batch: Batch, fates: Fates, place: int, index: int, raw: bytes
    ) -> Succeeded | Errored | Expired:
        kind = fates.scripted.get(index) if fates.scripted else None
        if kind == "expired" or (
            fates.expired and _hits(fates.expired[index], self._settings.expired_share)
        ):
            return _EXPIRED
        if not self._credit.always_enough and self._credit.is_out(batch.moment(place)):
            kind = "billing_error"
        valid = check(raw, batch.terms)
        if isinstance(valid, Problem):
            return self._errored(batch, index, valid)
        if kind is not None and kind not in STOP_KINDS:
            return self._errored(batch, index, failure(kind))
        if fates.errored and self._fails(batch, fates, index, raw):
            chance = fates.errored[index]
            name = "overloaded_error" if chance & 1 else "api_error"
            return self._errored(batch, index, failure(name))
        occasion = Occasion(
            "batch",
            _message_id(batch, index),
            self._visit(batch, fates, place, index) if marks.is_marked(raw) else None,
            kind,
        )
        reply = self._speaker.reply(valid, occasion)
        if isinstance(reply, Message):
            return Succeeded(reply)
        return self._errored(batch, index, reply)

    def _visit(self, batch: Batch, fates: Fates, place: int, index: int) -> Visit:
        plan = self._settings.cache
        scope = f"{batch.workspace} batch"
        if not plan.across_batches:
            scope += f" {batch.ordinal}"
        if fates.machines:
            scope += f" machine {fates.machines[index] % plan.machines}"
        start = batch.start(place, plan.concurrency)
        begun = min(start + plan.prefill, batch.moment(place))
        unlucky = fates.unlucky and _hits(fates.unlucky[index], 1 - self._speaker.hit_share)
        return Visit(scope, start, begun, not unlucky)

    def _fails(self, batch: Batch, fates: Fates, index: int, raw: bytes) -> bool:
        """Whether chance strikes a request that it has not struck before."""
        if not _hits(fates.errored[index], self._settings.errored_share):
            return False
        digest = hashlib.blake2b(raw, digest_size=12).digest()
        here = (batch.ordinal, index)
        return self._failed.setdefault(digest, here) == here

    def _errored(self, batch: Batch, index: int, problem: Problem) -> Errored:
        return Errored(error_body(problem, _derived("req", batch, index)))


def _hits(chance: int, share: float) -> bool:
    return chance < share * identifiers.CHANCE_RANGE


def _letter(result: Succeeded | Errored | Canceled | Expired) -> str:
    if isinstance(result, Succeeded):
        return "s"
    if isinstance(result, Errored):
        return "e"
    return "c" if isinstance(result, Canceled) else "x"


def _derived(prefix: str, batch: Batch, index: int) -> str:
    """An id that belongs to one request of one batch."""
    return f"{prefix}_{batch.id[-20 : -20 + _FIRST_DIGITS]}{batch.ordinal:03d}{index:06d}"


def _message_id(batch: Batch, index: int) -> str:
    return _derived("msg", batch, index)
