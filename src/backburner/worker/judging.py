"""Judging a batch that was read: which requests are final, and what becomes of the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backburner.nouns.batch import Batch
from backburner.nouns.outcome import (
    BY_CODE,
    CODES,
    NOT_FINAL,
    ExceptionRow,
    ExceptionState,
    Outcome,
)
from backburner.plan.judging import ACCOUNT_ERRORS, Deliver, GiveUp, Hold, Retry, Verdict, verdict
from backburner.store import Transaction
from backburner.store.exceptions import exceptions_put, exceptions_travelling
from backburner.store.lanes import lane_stop, lane_wake
from backburner.store.runs import batches_canceled
from backburner.worker.reading import Reading
from backburner.worker.tools import Tools

_GONE = Hold("the results are gone upstream")


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch's outcomes by position, 0 where a request is not final; how many are tried again."""

    codes: bytes
    retries: int


def judge(tools: Tools, tx: Transaction, batch: Batch, reading: Reading, now: float) -> Judged:
    """Judge every request of a batch, and note those that are not over as exceptions."""
    travelling = _travelling(tx, batch)
    canceled = batches_canceled(tx, [batch.id, *(row.batch for row in travelling.values())])
    codes = bytearray(reading.codes)
    rows: list[ExceptionRow] = []
    for position, outcome in _to_judge(reading, always=batch.origins is not None):
        origin = travelling.get(position)
        follows = verdict(
            outcome,
            attempts=origin.attempts + 1 if origin else 1,
            now=now,
            policy=tools.terms.retries,
            error_type=reading.error_types.get(position, ""),
            is_canceled=(origin.batch if origin else batch.id) in canceled,
        )
        codes[position] = CODES[outcome]
        if origin is None and isinstance(follows, Deliver | GiveUp):
            continue
        if origin is None:
            codes[position] = NOT_FINAL
        rows.append(_exception(batch, position, origin, outcome, follows))
    exceptions_put(tx, rows)
    _wake_lane(tx, batch, rows)
    if not ACCOUNT_ERRORS.isdisjoint(reading.error_types.values()):
        lane_stop(tx, batch.lane, "requests failed because of the account, not of themselves")
    return Judged(bytes(codes), sum(row.state is ExceptionState.WAITING for row in rows))


def hold_all(tx: Transaction, batch: Batch) -> None:
    """Note every request of a batch as missing and held: only a person may send them again."""
    travelling = _travelling(tx, batch)
    exceptions_put(
        tx,
        (
            _exception(batch, position, travelling.get(position), Outcome.MISSING, _GONE)
            for position in range(batch.requests)
        ),
    )


def _travelling(tx: Transaction, batch: Batch) -> Mapping[int, ExceptionRow]:
    return exceptions_travelling(tx, batch.id) if batch.origins is not None else {}


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
    )


def _wake_lane(tx: Transaction, batch: Batch, rows: list[ExceptionRow]) -> None:
    waiting = [row.due_at for row in rows if row.state is ExceptionState.WAITING]
    if waiting:
        lane_wake(tx, batch.lane, min(waiting))
