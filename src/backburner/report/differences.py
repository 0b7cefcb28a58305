"""What differs between the store and what stored bytes say: one plain line each, never content."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.nouns.money import usd
from backburner.nouns.outcome import (
    BY_CODE,
    CODES,
    NOT_FINAL,
    ExceptionRow,
    ExceptionState,
    Outcome,
)
from backburner.report.receipt import Receipt
from backburner.report.recount import COUNTS, Recount, Sums, Tally
from backburner.store.ledger import LedgerRow

_OVER: Final = frozenset({ExceptionState.FINAL, ExceptionState.HELD})
_MISSING: Final = CODES[Outcome.MISSING]
_CANCELED: Final = CODES[Outcome.CANCELED]
_NAMES: Final = {NOT_FINAL: "not final", **BY_CODE}


def told(tally: Tally, words: str) -> Iterator[str]:
    """What a tally found, if anything."""
    if tally.count:
        yield f"{words}: {tally.count:,} of them, the first at position {tally.first}"


def line_differences(found: Recount, requests: int) -> Iterator[str]:
    """What is wrong with the lines of a results file themselves."""
    if len(found.codes) != requests:
        yield f"its results have {len(found.codes):,} lines for {requests:,} requests"
    yield from told(found.unreadable, "result lines that cannot be read")
    yield from told(found.misnamed, "result lines whose custom_id names another request")


def seen_codes(found: Recount | None, requests: int, *, was_sent: bool) -> bytes:
    """What came of each request of a collected batch, by its lines, or by their absence."""
    if found is not None:
        return bytes(found.codes.replace(bytes([NOT_FINAL]), bytes([_MISSING])))
    return bytes([_MISSING if was_sent else _CANCELED]) * requests


def outcome_differences(stored: bytes, seen: bytes, exceptions: Iterable[int]) -> Iterator[str]:
    """Stored outcomes against seen ones. What is not final has an exception, all else has none."""
    if len(stored) != len(seen):
        yield f"it has {len(stored):,} outcomes for {len(seen):,} requests"
        return
    alone, doubled, differs = Tally(), Tally(), Tally()
    excepted = set(exceptions)
    for position, (code, other) in enumerate(zip(stored, seen, strict=True)):
        if position in excepted:
            if code != NOT_FINAL:
                doubled.note(position)
        elif code == NOT_FINAL:
            alone.note(position)
        elif code != other:
            differs.note(position)
    yield from told(alone, "outcomes that are not final, without an exception")
    yield from told(doubled, "outcomes that are final, beside an exception")
    if differs.count:
        first = differs.first
        pair = f"{_name(stored[first])}, and the line says {_name(seen[first])}"
        yield from told(differs, f"outcomes that differ (there: stored {pair})")


def final_codes(seen: bytes, rows: Iterable[ExceptionRow]) -> bytearray:
    """The final outcome's byte of each request of a batch: of its line, or of its exception."""
    codes = bytearray(seen)
    for row in rows:
        if 0 <= row.position < len(codes):
            codes[row.position] = CODES[row.outcome] if row.state in _OVER else NOT_FINAL
    return codes


def ledger_differences(
    sums: Mapping[tuple[str, str], Sums],
    rows: Iterable[LedgerRow],
    has_money: Callable[[LedgerRow, Sums], bool],
) -> Iterator[str]:
    """The ledger of a batch against its lines.

    Args:
        has_money: Whether the money of a row can be compared; its tokens always are.
    """
    booked: dict[tuple[str, str], list[LedgerRow]] = {}
    for row in rows:
        booked.setdefault((row.run, row.model), []).append(row)
    for key in sorted(booked.keys() | sums.keys()):
        where = f"the ledger of run {key[0]} and model {key[1]}"
        yield from (
            f"{where}: {what}"
            for what in _booking_differences(sums.get(key), booked.get(key, []), has_money)
        )


def _booking_differences(
    sums: Sums | None, rows: Sequence[LedgerRow], has_money: Callable[[LedgerRow, Sums], bool]
) -> Iterator[str]:
    if sums is None:
        yield "booked, and no line says so"
        return
    if not rows:
        yield f"not booked, and {sums.requests:,} lines say so"
        return
    pairs = [("requests", sum(row.requests for row in rows), sums.requests)]
    for name, count in zip(COUNTS, sums.counts, strict=True):
        pairs.append((name, sum(getattr(row, name) for row in rows), count))
    for name, stored, seen in pairs:
        if stored != seen:
            yield f"{stored:,} {name} booked, and the lines say {seen:,}"
    comparable = [row for row in rows if has_money(row, sums)]
    if len(comparable) == len(rows):
        yield from _money_differences(sums, rows)


def _money_differences(sums: Sums, rows: Sequence[LedgerRow]) -> Iterator[str]:
    for name, seen in (
        ("paid", sums.paid),
        ("sync_price", sums.sync),
        ("uncached_price", sums.uncached),
    ):
        amounts = [getattr(row, name) for row in rows]
        if not sums.has_price and all(amount is None for amount in amounts):
            continue
        stored = sum(amount or 0 for amount in amounts)
        if stored != seen or None in amounts:
            yield f"{name} is ${usd(stored)}, and the lines say ${usd(seen)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a run adds up to, by its lines; amounts in picodollars.

    Attributes:
        outcomes: Rows by outcome.
        paid: All of it, `twice` included.
        twice: What batches cost that were accepted once more.
        collapsed_sync: What rows that share a request would have cost again; None where the prices
            have changed since that was stored.
        reused_sync: The same of requests that have answers of earlier runs.
        has_prices: Whether all of it was booked at prices that are still known.
    """

    outcomes: Mapping[str, int]
    requests: int
    paid: int
    twice: int
    uncached: int
    sync: int
    collapsed_sync: int | None
    reused_sync: int | None
    has_prices: bool


def receipt_differences(receipt: Receipt, totals: Totals) -> Iterator[str]:
    """A receipt against what the lines add up to."""
    if dict(receipt.outcomes) != dict(totals.outcomes):
        yield (
            f"its receipt says {_counts(receipt.outcomes)}, and the lines say "
            f"{_counts(totals.outcomes)}"
        )
    if receipt.requests != totals.requests:
        yield f"its receipt says {receipt.requests:,} requests for {totals.requests:,}"
    if not totals.has_prices:
        return
    once = totals.paid - totals.twice
    pairs = [
        ("paid", receipt.paid.picodollars, totals.paid),
        ("saved by batch", receipt.saved_by_batch.picodollars, totals.sync - totals.uncached),
        ("paid twice", receipt.paid_twice.picodollars, totals.twice),
        ("saved by cache", receipt.saved_by_cache.picodollars, totals.uncached - once),
    ]
    if totals.collapsed_sync is not None:
        saved = receipt.saved_by_collapse.picodollars
        pairs.append(("saved by collapsing", saved, totals.collapsed_sync))
    if totals.reused_sync is not None:
        pairs.append(("saved by reuse", receipt.saved_by_reuse.picodollars, totals.reused_sync))
    for name, stored, seen in pairs:
        if stored != seen:
            yield f"its receipt says ${usd(stored)} {name}, and the lines say ${usd(seen)}"


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(outcomes.items())) or "nothing"


def _name(code: int) -> str:
    return str(_NAMES.get(code, "a byte that stands for nothing"))
