"""Sending failed requests again because a person wants it."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec

from backburner.client.asking_alone import ask_alone, clear_away, commit_alone, lost_rows
from backburner.client.failing import Failing, failing, failing_asked, only_attempt
from backburner.errors import InputError
from backburner.nouns.batch import Batch, BatchId
from backburner.nouns.outcome import NOT_FINAL, ExceptionRow, ExceptionState, Outcome
from backburner.nouns.run import Run, RunSpec
from backburner.plan.changing import STUCK, Changed
from backburner.plan.workloads import Workload
from backburner.runs.condition import Condition
from backburner.runs.faults import Faults
from backburner.runs.input_copy import open_input, open_table
from backburner.runs.packed_rows import row_numbers
from backburner.runs.request_list import read_requests
from backburner.runs.stager import workloads_of
from backburner.store import Transaction
from backburner.store.attempts import attempts_add
from backburner.store.batches import batch_get, batch_outcomes
from backburner.store.exceptions import exceptions_put
from backburner.store.lanes import lane_wake
from backburner.store.runs import run_update
from backburner.store.waiting_batches import batch_outcomes_put
from backburner.vault.frames import pack, unpack
from backburner.worker import Tools
from backburner.worker.retrying import changes

_OVER = (ExceptionState.FINAL, ExceptionState.HELD)
_OPEN_AGAIN: Mapping[str, Any] = {
    "finished_at": None,
    "written_at": None,
    "cancel_asked_at": None,
    "collapsed_sync": 0,
    "reused_sync": 0,
}
"""What a run is that has requests to send again. What its collapsed rows would have cost is known
anew when it ends: by the answers that count then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Failed requests that a person wants sent again.

    Attributes:
        rows: One for each, as it will wait.
        outcomes: How many there are of each outcome.
        stuck: How many are left out since nothing can be changed for another attempt, by cause.
        workloads: What they are, for an estimate.
        lost: Rows without a good answer in a pack that was answered, of a run that was canceled
            before they could be asked alone; with the body that asks each.
    """

    run: Run
    rows: tuple[ExceptionRow, ...]
    outcomes: Mapping[Outcome, int]
    stuck: Mapping[str, int]
    workloads: tuple[Workload, ...]
    lost: tuple[tuple[int, bytes], ...] = ()

    @property
    def count(self) -> int:
        """How many requests would be sent."""
        return len(self.rows) + len(self.lost)


def outcomes_named(names: Iterable[str]) -> frozenset[Outcome]:
    """Outcomes by their names.

    Raises:
        InputError: One is no outcome, or none that fails.
    """
    known = {str(outcome): outcome for outcome in Outcome if outcome is not Outcome.OK}
    for name in names:
        if name not in known:
            raise InputError(
                f"{name!r} is no outcome that can be sent again",
                hint=f"there is {', '.join(known)}",
            )
    return frozenset(known[name] for name in names)


def choose(
    tools: Tools, run: Run, spec: RunSpec, only: Collection[Outcome], where: str | None
) -> Chosen:
    """Choose among the failed requests of a run that are over or held.

    Args:
        only: The outcomes to choose; all if empty.
        where: A condition on the rows; a request is chosen if one of its rows meets it.

    Raises:
        InputFaults: The condition is broken, or names a column that there is not.
    """
    with tools.store.read() as tx:
        found = [one for one in failing_asked(tools, tx, run) if one.state in _OVER]
    found = [one for one in found if not only or one.outcome in only]
    lost = lost_rows(tools, run, spec) if not only or Outcome.INVALID_OUTPUT in only else {}
    if where is not None:
        candidates = {one.number: one for one in found}
        met, rows_met = _met(tools, run, spec, Condition(where), candidates, lost)
        found = [one for one in found if one.number in met]
        lost = {row: lost[row] for row in rows_met}
    rows = [_waiting(one, tools.clock.now()) for one in found]
    bodies: list[bytes] = []
    chosen: list[ExceptionRow] = []
    stuck: Counter[str] = Counter()
    for row, changed in changes(tools, rows, _batches(tools, rows)):
        if isinstance(changed, Changed):
            chosen.append(row)
            bodies.append(changed.params)
        else:
            stuck[STUCK[changed.code]] += 1
    outcomes = Counter(row.outcome for row in chosen)
    outcomes.update({Outcome.INVALID_OUTPUT: len(lost)} if lost else {})
    return Chosen(
        run=run,
        rows=tuple(chosen),
        outcomes=outcomes,
        stuck=stuck,
        workloads=workloads_of([*bodies, *lost.values()]),
        lost=tuple(lost.items()),
    )


def send_again(tools: Tools, chosen: Chosen) -> int:
    """Let chosen requests wait for the next batch; gives how many do.

    What began to travel meanwhile is left alone.
    """
    now, run = tools.clock.now(), chosen.run
    leaving = ask_alone(tools, run, chosen.lost)
    wanted = {(row.batch, row.position): row for row in chosen.rows}
    with tools.store.write() as tx:
        over = [
            one
            for one in failing(tx, run)
            if one.state in _OVER and (one.batch.id, one.position) in wanted
        ]
        fresh = [one for one in over if one.exception is None]
        attempts_add(
            tx, [only_attempt(tools, tx, one.batch, one.position, one.outcome) for one in fresh]
        )
        _reopen(tx, fresh)
        exceptions_put(tx, [wanted[one.batch.id, one.position] for one in over])
        alone = commit_alone(tx, leaving, now)
        if over or alone:
            run_update(tx, run.id, **_OPEN_AGAIN)
            lane_wake(tx, run.lane, now)
    clear_away(tools, leaving, is_committed=alone > 0)
    return len(over) + alone


def _reopen(tx: Transaction, requests: Iterable[Failing]) -> None:
    """Put the bytes of requests that were final back to not final: their row now says how it is."""
    by_batch: dict[BatchId, list[int]] = {}
    for one in requests:
        by_batch.setdefault(one.batch.id, []).append(one.position)
    for batch_id, positions in by_batch.items():
        codes = bytearray(unpack(batch_outcomes(tx, batch_id) or b""))
        for position in positions:
            codes[position] = NOT_FINAL
        batch_outcomes_put(tx, batch_id, pack(codes))


def _waiting(one: Failing, now: float) -> ExceptionRow:
    row = one.exception
    if row is None:
        row = ExceptionRow(
            batch=one.batch.id,
            position=one.position,
            state=ExceptionState.FINAL,
            outcome=one.outcome,
            attempts=1,
            due_at=now,
            last_batch=one.batch.id,
            last_position=one.position,
        )
    change = None if row.change in STUCK else row.change
    return msgspec.structs.replace(row, state=ExceptionState.WAITING, due_at=now, change=change)


def _batches(tools: Tools, rows: Sequence[ExceptionRow]) -> dict[int, Batch]:
    ids = {row.batch for row in rows} | {row.last_batch for row in rows}
    with tools.store.read() as tx:
        return {one: batch_get(tx, BatchId(one)) for one in ids}


def _met(
    tools: Tools,
    run: Run,
    spec: RunSpec,
    condition: Condition,
    candidates: Mapping[int, Failing],
    lost: Container[int],
) -> tuple[set[int], list[int]]:
    """The requests among the candidates of which a row meets the condition, and the lost rows."""
    faults = Faults()
    met: set[int] = set()
    rows_met: list[int] = []
    with open_input(tools.vault, spec, run.source) as stream:
        columns, rows = _rows(stream, spec, faults)
        condition.check([*columns, "outcome", "attempts"], faults)
        faults.raise_if_any(run.name)
        numbers = row_numbers(tools.vault, run) if run.row_map else count()
        for row, (number, (line, values)) in enumerate(zip(numbers, rows, strict=False)):
            one = candidates.get(number)
            if (one is None or number in met) and row not in lost:
                continue
            outcome = Outcome.INVALID_OUTPUT if one is None else one.outcome
            attempts = 1 if one is None else one.attempts
            known = {**values, "outcome": str(outcome), "attempts": attempts}
            if condition.holds(known, line, faults):
                met.add(number)
                rows_met += [row] if row in lost else []
    faults.raise_if_any(run.name)
    return met, rows_met


def _rows(
    stream: Any, spec: RunSpec, faults: Faults
) -> tuple[Sequence[str], Iterator[tuple[int, Mapping[str, Any]]]]:
    if spec.kind == "requests":
        records = read_requests(stream, faults, encoding=spec.encoding)
        return ("custom_id", "params"), (
            (one.line, {"custom_id": one.custom_id, "params": msgspec.json.decode(one.params)})
            for one in records
        )
    table = open_table(stream, spec, faults)
    return table.columns, ((record.line, record.values) for record in table.records())
