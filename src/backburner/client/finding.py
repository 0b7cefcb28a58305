"""Finding one request by its id: the run it belongs to, its row, what came of it."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backburner.client.failing import AttemptStanding, attempts_standing
from backburner.client.finishing import check_kept
from backburner.errors import NotFound
from backburner.nouns.batch import Batch, BatchState, Hold, request_id
from backburner.nouns.outcome import BY_CODE, NOT_FINAL, ExceptionRow, ExceptionState, Outcome
from backburner.nouns.run import Run
from backburner.plan.stopping import CANARY_WORDS, LEADERS_WORDS, held_in_words
from backburner.store import Transaction
from backburner.store.attempts import attempts_of
from backburner.store.batches import batch_by_nonce, batch_outcomes
from backburner.store.exceptions import exceptions_of_batch
from backburner.store.runs import run_get
from backburner.vault.frames import unpack
from backburner.worker import Tools
from backburner.worker.moved import read_moved
from backburner.worker.unpacking import RowMap

_NAME: Final = re.compile(r"([a-z0-9]{12})[a-z0-9]?-([0-9]{5,})")
_SLICE: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStanding:
    """One request and how it stands.

    Attributes:
        name: Nonce and position of its first batch.
        row: The first row of the input that it answers, from 1.
        rows: How many rows it answers.
        outcome: None while it is not final.
        attempts: Those that were collected.
        held: Why only a person can send it on; empty where that is not so.
    """

    name: str
    run: Run
    row: int
    rows: int
    outcome: Outcome | None
    retrying: bool
    attempts: tuple[AttemptStanding, ...]
    held: str


def is_request_id(text: str) -> bool:
    """Whether a text looks like the id of a request."""
    return _NAME.fullmatch(text) is not None


def find_request(tools: Tools, name: str) -> RequestStanding:
    """One request by its id; a batch's custom_id, which has the try within it, is taken too.

    Raises:
        NotFound: There is none of that name.
        Pruned: The texts of its run were removed.
    """
    match = _NAME.fullmatch(name)
    with tools.store.read() as tx:
        batch = batch_by_nonce(tx, match[1]) if match else None
        position = int(match[2]) if match else 0
        if batch is None or batch.run is None or position >= batch.requests:
            raise NotFound(
                f"there is no request {name!r}",
                hint="the column request_id of an output names them",
            )
        run = run_get(tx, batch.run)
        check_kept(run)
        fate = _fate(tx, batch, position)
        is_known = fate.outcome is not None or fate.retrying
        attempts = attempts_standing(tools, tx, batch, position, fate.outcome) if is_known else ()
    row, rows = _rows(tools, run, batch.first_request + position)
    return RequestStanding(
        name=request_id(batch.nonce, position),
        run=run,
        row=row,
        rows=rows,
        outcome=fate.outcome,
        retrying=fate.retrying,
        held=fate.held,
        attempts=attempts,
    )


_BUDGET_WORDS: Final = "until a budget has room for it: `backburner status RUN` tells which"
_WAITS: Final[dict[str, str]] = {
    Hold.CANARY: CANARY_WORDS,
    Hold.LEADERS: LEADERS_WORDS,
    Hold.BUDGET: _BUDGET_WORDS,
    Hold.UNBOUNDED: _BUDGET_WORDS,
}


@dataclass(frozen=True, slots=True)
class _Fate:
    outcome: Outcome | None = None
    retrying: bool = False
    held: str = ""


def _fate(tx: Transaction, batch: Batch, position: int) -> _Fate:
    packed = batch_outcomes(tx, batch.id)
    if packed is None:
        hold = batch.hold if batch.state is BatchState.HELD else None
        return _Fate(held=_WAITS.get(hold or "", ""))
    code = unpack(packed)[position]
    if code != NOT_FINAL:
        return _Fate(BY_CODE[code])
    for row in exceptions_of_batch(tx, batch.id):
        if row.position == position:
            return _exceptional(tx, row)
    return _Fate()


def _exceptional(tx: Transaction, row: ExceptionRow) -> _Fate:
    match row.state:
        case ExceptionState.HELD:
            known = attempts_of(tx, row.batch, row.position)
            return _Fate(row.outcome, held=held_in_words(known[-1] if known else None))
        case ExceptionState.FINAL:
            return _Fate(row.outcome)
        case ExceptionState.WAITING | ExceptionState.TRAVELLING:
            return _Fate(retrying=True)


def _rows(tools: Tools, run: Run, number: int) -> tuple[int, int]:
    """The first row of a request, from 1, and how many rows share it."""
    if run.row_map is None:
        return number + 1, 1
    if run.packed:
        rows = _rows_packed(tools, run, number)
        return rows[0] + 1, len(rows)
    first = count = seen = 0
    with tools.vault.raw(run.row_map) as file:
        while True:
            numbers = array("I")
            numbers.frombytes(file.read(_SLICE * numbers.itemsize))
            if not numbers:
                return first, count
            if not count and number in numbers:
                first = seen + numbers.index(number) + 1
            count += numbers.count(number)
            seen += len(numbers)


def _rows_packed(tools: Tools, run: Run, number: int) -> Sequence[int]:
    """The rows that a request asks: a pack has asked those too that have left it since."""
    if number < run.packed:
        return RowMap(tools.vault, run).rows(number)
    return [row for row, own in read_moved(tools.vault, run).pairs() if own == number]
