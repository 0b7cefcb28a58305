"""How a run stands, counted from outcome bytes and exceptions. Nothing of it is ever stored."""

from array import array
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

from backburner.nouns.batch import BatchState
from backburner.nouns.outcome import CODES, ExceptionState, Outcome
from backburner.nouns.run import Run
from backburner.runs.packed_rows import packed_rows, row_code
from backburner.store import Store, Transaction
from backburner.store.batches import batch_outcomes, batches_of_run, outcomes_of_run
from backburner.store.exceptions import exceptions_counted, exceptions_of_batch
from backburner.store.runs import run_get
from backburner.vault import Vault
from backburner.vault.frames import unpack

_SLICE: Final = 65536
_TALLIES: Final = 1024
_OVER: Final = (ExceptionState.FINAL, ExceptionState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCount:
    """How a run's requests and batches stand.

    Attributes:
        outcomes: Requests that ended, by outcome; those held for themselves are among them.
        retrying: Requests that wait for another attempt, or travel in one.
        held: Requests that only a person can send on.
        stopped: Those of them for which the account was at fault: they have not ended.
        batches: First-attempt batches by state.
    """

    requests: int
    outcomes: dict[Outcome, int]
    retrying: int
    held: int
    stopped: int
    batches: dict[BatchState, int]

    @property
    def ended(self) -> int:
        """Requests that ended."""
        return sum(self.outcomes.values())

    @property
    def is_finished(self) -> bool:
        """Whether every request ended."""
        return self.ended == self.requests


def count_run(tx: Transaction, run: Run) -> RunCount:
    """Count a run's requests."""
    counted: Counter[Outcome] = Counter()
    batches = batches_of_run(tx, run.id)
    for packed in outcomes_of_run(tx, run.id):
        counted.update(_tally(packed))
    retrying = held = stopped = 0
    for state, outcome, for_account, count in exceptions_counted(tx, run.id):
        if for_account:
            stopped += count
        elif state in _OVER:
            counted[outcome] += count
        else:
            retrying += count
        held += count if state is ExceptionState.HELD else 0
    # Rows that leave their packs make requests while the run is under way.
    requests = run_get(tx, run.id).requests if run.packed else run.requests
    return RunCount(
        requests=requests,
        outcomes={outcome: counted[outcome] for outcome in Outcome if counted[outcome]},
        retrying=retrying,
        held=held,
        stopped=stopped,
        batches=dict(Counter(batch.state for batch in batches)),
    )


@lru_cache(maxsize=_TALLIES)
def _tally(packed: bytes) -> dict[Outcome, int]:
    """How often each outcome stands in packed outcomes.

    Whoever waits for a run counts it after every step, and these bytes never change.
    """
    codes = unpack(packed)
    return {outcome: codes.count(code) for outcome, code in CODES.items()}


def final_codes(store: Store, run: Run) -> bytearray:
    """The final outcome's byte of each request of a run: one byte a request, 0 if not final."""
    codes = bytearray()
    with store.read() as tx:
        for batch in batches_of_run(tx, run.id):
            packed = batch_outcomes(tx, batch.id)
            start = len(codes)
            codes += unpack(packed) if packed is not None else bytes(batch.requests)
            for row in exceptions_of_batch(tx, batch.id):
                if row.state in _OVER:
                    codes[start + row.position] = CODES[row.outcome]
    return codes


def count_rows(store: Store, vault: Vault, run: Run) -> dict[Outcome, int]:
    """How many rows of a finished run came to each outcome; they sum to its rows."""
    codes = final_codes(store, run)
    counted = Counter(codes)
    if run.packed:
        counted = Counter(row_code(row, codes) for row in packed_rows(store, vault, run))
    elif run.row_map is not None:
        with vault.raw(run.row_map) as file:
            counted = Counter()
            while numbers := _numbers(file):
                counted.update(map(codes.__getitem__, numbers))
    return {outcome: counted[code] for outcome, code in CODES.items() if counted[code]}


def _numbers(file: BinaryIO) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(file.read(_SLICE * numbers.itemsize))
    return numbers
