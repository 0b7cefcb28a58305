"""Finding one request by its id: the run it belongs to, its row, what came of it."""

import re
from array import array
from dataclasses import dataclass
from typing import Final

from backburner.client.failing import AttemptStanding, attempts_standing
from backburner.errors import NotFound
from backburner.nouns.batch import Batch, request_id
from backburner.nouns.outcome import BY_CODE, NOT_FINAL, ExceptionState, Outcome
from backburner.nouns.run import Run
from backburner.store import Transaction
from backburner.store.batches import batch_by_nonce, batch_outcomes
from backburner.store.exceptions import exceptions_of_batch
from backburner.store.runs import run_get
from backburner.vault.frames import unpack
from backburner.worker import Tools

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
    """

    name: str
    run: Run
    row: int
    rows: int
    outcome: Outcome | None
    retrying: bool
    attempts: tuple[AttemptStanding, ...]


def is_request_id(text: str) -> bool:
    """Whether a text looks like the id of a request."""
    return _NAME.fullmatch(text) is not None


def find_request(tools: Tools, name: str) -> RequestStanding:
    """One request by its id; a batch's custom_id, which has the try within it, is taken too.

    Raises:
        NotFound: There is none of that name.
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
        outcome, retrying = _fate(tx, batch, position)
        is_known = outcome is not None or retrying
        attempts = attempts_standing(tools, tx, batch, position, outcome) if is_known else ()
    row, rows = _rows(tools, run, batch.first_request + position)
    return RequestStanding(
        name=request_id(batch.nonce, position),
        run=run,
        row=row,
        rows=rows,
        outcome=outcome,
        retrying=retrying,
        attempts=attempts,
    )


def _fate(tx: Transaction, batch: Batch, position: int) -> tuple[Outcome | None, bool]:
    packed = batch_outcomes(tx, batch.id)
    if packed is None:
        return None, False
    code = unpack(packed)[position]
    if code != NOT_FINAL:
        return BY_CODE[code], False
    for row in exceptions_of_batch(tx, batch.id):
        if row.position == position:
            over = row.state in (ExceptionState.FINAL, ExceptionState.HELD)
            return (row.outcome, False) if over else (None, True)
    return None, False


def _rows(tools: Tools, run: Run, number: int) -> tuple[int, int]:
    """The first row of a request, from 1, and how many rows share it."""
    if run.row_map is None:
        return number + 1, 1
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
