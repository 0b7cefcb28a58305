"""The requests of a run that are not ok: which, why, and what was tried."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from backburner.client.finishing import check_kept
from backburner.client.input_rows import rows_of_input
from backburner.nouns.attempt import Attempt
from backburner.nouns.batch import Batch, BatchId, Via, request_id
from backburner.nouns.money import Money
from backburner.nouns.outcome import (
    BY_CODE,
    CODES,
    NOT_FINAL,
    ErrorResponse,
    ExceptionRow,
    ExceptionState,
    Outcome,
)
from backburner.nouns.run import Run
from backburner.plan.changing import STUCK
from backburner.plan.judging import NO_ANSWER, REASONS, UNANSWERED
from backburner.runs.packed_rows import requests_asked, row_numbers
from backburner.runs.row_answers import Reader
from backburner.store import Transaction
from backburner.store.attempts import attempts_of
from backburner.store.batches import batch_get, batch_outcomes, batches_of_run
from backburner.store.exceptions import exceptions_of_batch
from backburner.vault.frames import unpack
from backburner.worker import Tools
from backburner.worker.validating import line_of

_SLICE: Final = 65536
_NOTHING: Final = Money(picodollars=0)
_FINE: Final = (NOT_FINAL, CODES[Outcome.OK])


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A request whose newest attempt is not ok.

    Attributes:
        exception: Its sparse row; None where its first attempt was its last.
    """

    batch: Batch
    position: int
    outcome: Outcome
    exception: ExceptionRow | None

    @property
    def state(self) -> ExceptionState:
        """Whether it waits for another attempt, travels in one, is held, or is over."""
        return self.exception.state if self.exception else ExceptionState.FINAL

    @property
    def attempts(self) -> int:
        """How many attempts were collected."""
        return self.exception.attempts if self.exception else 1

    @property
    def number(self) -> int:
        """The run's request number."""
        return self.batch.first_request + self.position


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStanding:
    """One attempt and what it cost.

    Attributes:
        upstream_id: The batch upstream that it travelled in; empty where it never did.
        cost: None where the price is not known.
    """

    attempt: int
    outcome: Outcome
    error_type: str
    change: str | None
    upstream_id: str
    cost: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest:
    """A request that is not ok, for a person. `row` is its first row in the input, from 1."""

    name: str
    row: int
    outcome: Outcome
    state: ExceptionState
    reason: str
    attempts: tuple[AttemptStanding, ...]


@dataclass(frozen=True, slots=True)
class Failures:
    """The requests of a run that are not ok: how many, and the first of them."""

    count: int
    shown: tuple[FailedRequest, ...]


class _Result(msgspec.Struct, frozen=True, gc=False):
    error: ErrorResponse | None = None


class _Line(msgspec.Struct, frozen=True, gc=False):
    result: _Result = _Result()


_line = msgspec.json.Decoder(_Line).decode


def failing_asked(tools: Tools, tx: Transaction, run: Run) -> Iterator[Failing]:
    """The same without packs that all of their rows have left: nobody waits for those."""
    asked = requests_asked(tools.vault, run)
    return (one for one in failing(tx, run) if asked is None or asked[one.number])


def failing(tx: Transaction, run: Run) -> Iterator[Failing]:
    """Every request of a run that is not ok as far as is known, in order."""
    for batch in batches_of_run(tx, run.id):
        packed = batch_outcomes(tx, batch.id)
        if packed is None:
            continue
        exceptions = {row.position: row for row in exceptions_of_batch(tx, batch.id)}
        for position, code in enumerate(unpack(packed)):
            row = exceptions.get(position)
            outcome = row.outcome if row else BY_CODE.get(code, Outcome.OK)
            if outcome is not Outcome.OK and (row or code not in _FINE):
                yield Failing(batch=batch, position=position, outcome=outcome, exception=row)


def failures(tools: Tools, run: Run, limit: int) -> Failures:
    """The requests of a run that are not ok, the first `limit` of them with all that is known.

    Raises:
        Pruned: The run's texts were removed.
    """
    check_kept(run)
    with tools.store.read() as tx:
        found = failing_asked(tools, tx, run)
        first = list(islice(found, limit))
        count = len(first) + sum(1 for _ in found)
        rows = first_rows(tools, run, [one.number for one in first])
        shown = tuple(_shown(tools, tx, one, rows[one.number]) for one in first)
    return Failures(count, shown)


def _shown(tools: Tools, tx: Transaction, one: Failing, row: int) -> FailedRequest:
    attempts = attempts_standing(tools, tx, one.batch, one.position, one.outcome)
    return FailedRequest(
        name=request_id(one.batch.nonce, one.position),
        row=row,
        outcome=one.outcome,
        state=one.state,
        reason=_reason(one, attempts),
        attempts=attempts,
    )


def _reason(one: Failing, attempts: tuple[AttemptStanding, ...]) -> str:
    change = one.exception.change if one.exception else None
    if one.state is ExceptionState.FINAL and change in STUCK:
        return f"{REASONS[one.outcome]}; {STUCK[change or '']}"
    error = attempts[-1].error_type if attempts else ""
    if error == UNANSWERED:
        return NO_ANSWER
    return f"{REASONS[one.outcome]} ({error})" if error else REASONS[one.outcome]


def attempts_standing(
    tools: Tools, tx: Transaction, batch: Batch, position: int, outcome: Outcome | None
) -> tuple[AttemptStanding, ...]:
    """The attempts of a request with what each cost; its only one where it needed no other."""
    known = attempts_of(tx, batch.id, position)
    if not known and outcome is not None:
        known = [only_attempt(tools, tx, batch, position, outcome)]
    reader = Reader(tools.tariff([]))
    return tuple(
        AttemptStanding(
            attempt=one.attempt,
            outcome=one.outcome,
            error_type=one.error_type,
            change=one.change,
            upstream_id=there.upstream_id or "",
            cost=_NOTHING if there.is_reused else _cost(reader, line_of(tools, tx, one), there.via),
        )
        for one in known
        for there in [batch_get(tx, BatchId(one.in_batch))]
    )


def only_attempt(
    tools: Tools, tx: Transaction, batch: Batch, position: int, outcome: Outcome
) -> Attempt:
    """The first attempt of a request that had no other."""
    first = Attempt(
        batch=batch.id,
        position=position,
        attempt=1,
        in_batch=batch.id,
        in_position=position,
        outcome=outcome,
    )
    line = line_of(tools, tx, first)
    error = _line(line).result.error if line else None
    return msgspec.structs.replace(first, error_type=error.error.type if error else "")


def _cost(reader: Reader, line: bytes, via: Via) -> Money | None:
    paid = reader.paid(line, via)
    return None if paid is None else Money(picodollars=paid)


def first_rows(tools: Tools, run: Run, numbers: Iterable[int]) -> dict[int, int]:
    """The first row of the input, from 1, that each of these requests answers."""
    return rows_of_input(tools, run, _first_chosen(tools, run, numbers))


def _first_chosen(tools: Tools, run: Run, numbers: Iterable[int]) -> dict[int, int]:
    """The same, counted among the rows that the run asks."""
    wanted = set(numbers)
    if run.row_map is None:
        return {number: number + 1 for number in wanted}
    if run.packed:
        return _first_rows_packed(tools, run, wanted)
    found: dict[int, int] = {}
    seen = 0
    with tools.vault.raw(run.row_map) as file:
        while wanted:
            rows = array("I")
            rows.frombytes(file.read(_SLICE * rows.itemsize))
            if not rows:
                break
            for number in wanted.intersection(rows):
                found[number] = seen + rows.index(number) + 1
            wanted -= found.keys()
            seen += len(rows)
    return found


def _first_rows_packed(tools: Tools, run: Run, wanted: set[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for row, number in enumerate(row_numbers(tools.vault, run), 1):
        if number in wanted:
            found.setdefault(number, row)
    return found
