"""Packs that came back: what they say of each row, and rows that have to be asked alone.

A row is asked alone once, where its pack was answered without a good answer to it, or came to an
outcome that its neighbours may be at fault for. Such a row is a new request of the run.
"""

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import msgspec

from backburner.nouns.batch import NONCE_LENGTH, Batch, body_bytes
from backburner.nouns.outcome import BY_CODE, Outcome
from backburner.nouns.run import Run, RunSpec
from backburner.nouns.urgency import Urgency
from backburner.plan.native_schemas import native
from backburner.plan.packing import pack
from backburner.plan.row_packs import alone, answers_in, prompts_of_body, text_in
from backburner.store import Transaction
from backburner.store.batches import batch_insert
from backburner.store.lanes import lane_get
from backburner.store.objects import objects_register, objects_retire
from backburner.store.runs import run_get, run_update
from backburner.vault import Vault
from backburner.worker.moved import Moved, read_moved, write_moved
from backburner.worker.origins import packs_in
from backburner.worker.reading import Reading
from backburner.worker.tools import Tools
from backburner.worker.validating import complaints, text_and_reason, texts_before

ASKED_ALONE: Final = frozenset(
    {Outcome.TRUNCATED, Outcome.REFUSED, Outcome.INVALID_OUTPUT, Outcome.REJECTED}
)
"""What one row of a pack can bring about for all: its rows are asked alone, the pack not again."""


def row_answers(text: str, count: int, schema: bytes | None) -> list[str | None]:
    """The answer to each row of a pack; None where there is none, or one that cannot be."""
    return [_good(answer, schema) for answer in answers_in(text, count)]


def _good(answer: bytes | None, schema: bytes | None) -> str | None:
    if answer is None:
        return None
    if schema is None:
        return text_in(answer)
    text = answer.decode()
    return None if complaints(schema, text) else text


class RowMap:
    """Which rows each pack of a run has: they follow one another, in the order of packs."""

    def __init__(self, vault: Vault, run: Run) -> None:
        self._numbers = array("I")
        if run.row_map is not None:
            with vault.raw(run.row_map) as file:
                self._numbers.frombytes(file.read())

    def rows(self, pack: int) -> range:
        """The rows of a pack, from 0."""
        numbers = self._numbers
        return range(bisect_left(numbers, pack), bisect_right(numbers, pack))


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Rows of one run that leave their packs: what is written, and not yet committed.

    Attributes:
        seen: The run as it was when this was written.
        batches: Rows of the store, without what the commit adds.
        moved: The object that says of all rows that left their packs where they are.
    """

    seen: Run
    batches: tuple[dict[str, Any], ...]
    requests: int
    moved: str

    @property
    def objects(self) -> list[str]:
        """What it has written."""
        return [self.moved, *(one["segment"] for one in self.batches)]


@dataclass(frozen=True, slots=True)
class Departures:
    """What follows for the rows of a batch's packs.

    Attributes:
        positions: Packs that are over although they are not `ok`, since their rows are asked alone.
    """

    runs: tuple[Departure, ...] = ()
    positions: frozenset[int] = frozenset()

    def is_stale(self, tx: Transaction) -> bool:
        """Whether a run has changed since this was written."""
        return any(_facts(run_get(tx, one.seen.id)) != _facts(one.seen) for one in self.runs)

    def commit(self, tx: Transaction, now: float) -> None:
        """Make the new requests count."""
        for one in self.runs:
            objects_register(tx, one.objects)
            if one.seen.moved is not None:
                objects_retire(tx, [one.seen.moved])
            for values in one.batches:
                batch_insert(tx, {**values, "due_at": now, "created_at": now})
            requests = one.seen.requests + one.requests
            run_update(tx, one.seen.id, requests=requests, moved=one.moved)

    def remove_old(self, tools: Tools) -> None:
        """Remove what counted before the commit, and does no more."""
        for one in self.runs:
            if one.seen.moved is not None:
                tools.vault.delete(one.seen.moved)

    def discard(self, tools: Tools) -> None:
        """Remove what was written: it does not count."""
        for one in self.runs:
            for name in one.objects:
                tools.vault.delete(name)


def _facts(run: Run) -> tuple[int, str | None, float | None]:
    return run.requests, run.moved, run.cancel_asked_at


def is_restored(tx: Transaction, batch: Batch) -> bool:
    """Whether the batch was sealed before its store was restored from a backup."""
    lane = lane_get(tx, batch.lane)
    restored_at = lane.restored_at if lane else None
    return restored_at is not None and batch.created_at < restored_at


def unpack_rows(tools: Tools, batch: Batch, file: BinaryIO, reading: Reading) -> Departures:
    """Look at the packs of a batch that was read, and write the requests of rows to ask alone.

    Nothing is asked of a run that was canceled, nor of one whose store was restored since: it may
    have been asked before.
    """
    with tools.store.read() as tx:
        packs = packs_in(tools, tx, batch)
        if not packs or is_restored(tx, batch):
            return Departures()
        runs = {run: run_get(tx, run) for run in {run for run, _ in packs.values()}}
    found = _Unpacking(tools, batch, file, reading)
    departures: list[Departure] = []
    positions: set[int] = set()
    for run in runs.values():
        if run.cancel_asked_at is not None:
            continue
        numbers = {position: number for position, (name, number) in packs.items() if name == run.id}
        leaving = list(found.rows(run, numbers))
        if leaving:
            departures.append(depart(tools, batch, run, leaving))
        positions |= {one for one in numbers if found.outcome(one) in ASKED_ALONE}
    return Departures(tuple(departures), frozenset(positions))


class _Unpacking:
    """The packs of one batch, with what came of them."""

    def __init__(self, tools: Tools, batch: Batch, file: BinaryIO, reading: Reading) -> None:
        self._tools = tools
        self._batch = batch
        self._file = file
        self._reading = reading
        self._before = texts_before(tools, batch) if batch.origins is not None else {}

    def outcome(self, position: int) -> Outcome | None:
        """What came of a request; None where its line is lacking."""
        return BY_CODE.get(self._reading.codes[position])

    def rows(self, run: Run, numbers: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
        """The rows that have to be asked alone, with the body of each."""
        with self._tools.vault.stream(run.spec) as stream:
            spec = msgspec.json.decode(stream.read(), type=RunSpec)
        row_map, moved = RowMap(self._tools.vault, run), read_moved(self._tools.vault, run)
        schema, config = None if spec.schema is None else bytes(spec.schema), config_of(spec)
        with self._tools.vault.finder(self._batch.segment) as finder:
            for position, number in sorted(numbers.items()):
                rows = row_map.rows(number)
                places = self._lost(position, len(rows), schema)
                lost = [one for one in places if moved.request_of(rows[one]) is None]
                if not lost:
                    continue
                body = finder.line(position)
                prompts = prompts_of_body(body)
                for place in lost:
                    yield rows[place], alone(body, prompts[place], spec.max_tokens, config)

    def _lost(self, position: int, count: int, schema: bytes | None) -> Sequence[int]:
        """The places of rows in a pack to which it brought no answer."""
        outcome = self.outcome(position)
        if outcome in ASKED_ALONE:
            return range(count)
        if outcome is not Outcome.OK:
            return ()
        reading = self._reading
        line = os.pread(self._file.fileno(), reading.lengths[position], reading.offsets[position])
        text = self._before.get(position, "") + text_and_reason(line)[0]
        answers = row_answers(text, count, schema)
        return [place for place, answer in enumerate(answers) if answer is None]


def config_of(spec: RunSpec) -> bytes | None:
    """The `output_config` of a row that is asked alone."""
    own = spec.params.get("output_config")
    if spec.schema is None:
        return None if own is None else bytes(own)
    form = {"type": "json_schema", "schema": native(msgspec.json.decode(spec.schema))}
    return msgspec.json.encode(msgspec.json.decode(own or b"{}") | {"format": form})


def depart(tools: Tools, batch: Batch, run: Run, leaving: Sequence[tuple[int, bytes]]) -> Departure:
    """Write the requests of rows that leave their packs.

    Args:
        batch: Gives lane, betas and deadline.
        run: Whose rows they are.
        leaving: Each row with the body that asks it alone.
    """
    bodies = [body for _, body in leaving]
    batches: list[dict[str, Any]] = []
    for part in pack(map(len, bodies), tools.terms.limits):
        first = run.requests + part.start
        batches.append(_sealed(tools, batch, run, first, bodies[part.start : part.stop]))
    moved = _with(read_moved(tools.vault, run), run.requests, (row for row, _ in leaving))
    name = f"runs/{run.id}/moved-{batches[0]['nonce']}"
    return Departure(
        seen=run,
        batches=tuple(batches),
        requests=len(bodies),
        moved=write_moved(tools.vault, name, moved),
    )


def _with(moved: Moved, first: int, rows: Iterable[int]) -> Moved:
    return Moved.of([*moved.pairs(), *((row, first + n) for n, row in enumerate(rows))])


def _sealed(
    tools: Tools, batch: Batch, run: Run, first: int, bodies: Sequence[bytes]
) -> dict[str, Any]:
    nonce = tools.clock.token(NONCE_LENGTH)
    segment = f"segments/{nonce}.jsonl.zst"
    with tools.vault.line_writer(segment) as writer:
        for body in bodies:
            writer.add(body)
    return {
        "lane": batch.lane,
        "run": run.id,
        "first_request": first,
        "nonce": nonce,
        "betas": batch.betas,
        "via": batch.via,
        "requests": len(bodies),
        "body_bytes": body_bytes(len(bodies), sum(map(len, bodies))),
        "segment": segment,
        # Its run is under way: what is asked again does not wait for another window.
        "urgency": Urgency.SOON,
        "deadline": batch.deadline,
    }
