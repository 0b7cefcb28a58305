"""Judging a batch that was read: which requests are final, and what becomes of the others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from backburner.nouns.attempt import Attempt
from backburner.nouns.batch import Batch, Via
from backburner.nouns.outcome import (
    BY_CODE,
    CODES,
    NOT_FINAL,
    ExceptionRow,
    ExceptionState,
    Outcome,
)
from backburner.nouns.policy import ACCOUNT_ERRORS, CAPACITY_ERRORS
from backburner.plan.judging import Deliver, GiveUp, Hold, Retry, Verdict, verdict
from backburner.plan.reconciling import OnDoubt
from backburner.plan.stopping import stop_for_errors
from backburner.store import Transaction
from backburner.store.attempts import attempts_add, attempts_refused_since, attempts_travelling
from backburner.store.exceptions import exceptions_put, exceptions_travelling
from backburner.store.lanes import lane_wake
from backburner.store.runs import batches_canceled, batches_rescued
from backburner.worker.reading import Reading
from backburner.worker.stopping import halt
from backburner.worker.tools import Tools
from backburner.worker.unpacking import is_restored

_GONE = Hold("the results are gone upstream")


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch's outcomes by position, 0 where a request is not final; how many are tried again."""

    codes: bytes
    retries: int


@dataclass(frozen=True, slots=True)
class _Past:
    """What a batch of retries carries, by position: its exceptions and their earlier attempts."""

    origins: Mapping[int, ExceptionRow]
    attempts: Mapping[int, Sequence[Attempt]]
    refused_since: Mapping[int, float]


_FIRST = _Past({}, {}, {})


def judge(
    tools: Tools,
    tx: Transaction,
    batch: Batch,
    reading: Reading,
    now: float,
    unpacked: Collection[int] = (),
) -> Judged:
    """Judge every request of a batch, and note those that are not over as exceptions.

    Args:
        unpacked: Positions of packs that are over, since their rows are asked alone.
    """
    past = _past(tx, batch)
    own = [batch.id, *(row.batch for row in past.origins.values())]
    canceled, rescued = batches_canceled(tx, own), batches_rescued(tx, own)
    restored = is_restored(tx, batch)
    hedging = tools.terms.doubts.on_doubt is OnDoubt.HEDGE
    codes = bytearray(reading.codes)
    rows: list[ExceptionRow] = []
    attempts: list[Attempt] = []
    for position, outcome in _to_judge(reading, always=batch.origins is not None):
        origin = past.origins.get(position)
        error_type = reading.error_types.get(position, "")
        follows = verdict(
            outcome,
            earlier=past.attempts.get(position, ()),
            refused_since=past.refused_since.get(position),
            now=now,
            policy=tools.terms.retries,
            error_type=error_type,
            is_canceled=(origin.batch if origin else batch.id) in canceled,
            is_rescued=(origin.batch if origin else batch.id) in rescued,
            is_restored=restored,
            is_hedging=hedging,
        )
        if position in unpacked:
            follows = GiveUp("its rows are asked alone")
        codes[position] = CODES[outcome]
        if origin is None and isinstance(follows, Deliver | GiveUp):
            continue
        if origin is None:
            codes[position] = NOT_FINAL
        row = _exception(batch, position, origin, outcome, follows)
        if row.batch in rescued:
            row = msgspec.structs.replace(row, via=Via.DIRECT)
        rows.append(row)
        attempts.append(_attempt(row, error_type, origin))
    exceptions_put(tx, rows)
    attempts_add(tx, attempts)
    _wake_lane(tx, batch, rows)
    if not ACCOUNT_ERRORS.isdisjoint(reading.error_types.values()):
        halt(tx, batch.lane, stop_for_errors(reading.error_types.values()), now)
    return Judged(bytes(codes), sum(row.state is ExceptionState.WAITING for row in rows))


def hold_all(tx: Transaction, batch: Batch) -> None:
    """Note every request of a batch as missing and held: only a person may send them again."""
    origins = _past(tx, batch).origins
    rows = [
        _exception(batch, position, origins.get(position), Outcome.MISSING, _GONE)
        for position in range(batch.requests)
    ]
    exceptions_put(tx, rows)
    attempts_add(tx, [_attempt(row, "", origins.get(row.last_position)) for row in rows])


def _past(tx: Transaction, batch: Batch) -> _Past:
    if batch.origins is None:
        return _FIRST
    return _Past(
        exceptions_travelling(tx, batch.id),
        attempts_travelling(tx, batch.id),
        attempts_refused_since(tx, batch.id, CAPACITY_ERRORS),
    )


def _attempt(row: ExceptionRow, error_type: str, origin: ExceptionRow | None) -> Attempt:
    return Attempt(
        batch=row.batch,
        position=row.position,
        attempt=row.attempts,
        in_batch=row.last_batch,
        in_position=row.last_position,
        outcome=row.outcome,
        error_type=error_type,
        change=origin.change if origin else None,
    )


def _to_judge(reading: Reading, *, always: bool) -> Iterator[tuple[int, Outcome]]:
    """The positions to look at: all of a batch of retries, else those that are not ok."""
    ok = CODES[Outcome.OK]
    for position, code in enumerate(reading.codes):
        if always or code != ok:
            yield position, BY_CODE.get(code, Outcome.MISSING)


def _exception(
    batch: Batch, position: int, origin: ExceptionRow | None, outcome: Outcome, follows: Verdict
) -> ExceptionRow:
    due_at = 0.0
    match follows:
        case Retry(due_at):
            state = ExceptionState.WAITING
        case Hold():
            state = ExceptionState.HELD
        case Deliver() | GiveUp():
            state = ExceptionState.FINAL
    return ExceptionRow(
        batch=origin.batch if origin else batch.id,
        position=origin.position if origin else position,
        state=state,
        outcome=outcome,
        attempts=origin.attempts + 1 if origin else 1,
        due_at=due_at,
        last_batch=batch.id,
        last_position=position,
        # Whoever did not wait for a batch does not wait for one now.
        via=batch.via,
    )


def _wake_lane(tx: Transaction, batch: Batch, rows: list[ExceptionRow]) -> None:
    waiting = [row.due_at for row in rows if row.state is ExceptionState.WAITING]
    if waiting:
        lane_wake(tx, batch.lane, min(waiting))
