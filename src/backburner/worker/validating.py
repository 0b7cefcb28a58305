"""Validating answers against the JSON Schema that was asked for; never repairing them silently."""

from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from backburner.nouns.attempt import Attempt, turn_so_far
from backburner.nouns.batch import Batch, BatchId, BatchState
from backburner.nouns.content import Block, text_of
from backburner.nouns.outcome import ExceptionRow
from backburner.nouns.run import RunSpec
from backburner.store import Transaction
from backburner.store.attempts import attempts_of, attempts_travelled, attempts_travelling
from backburner.store.batches import batch_get
from backburner.store.exceptions import exceptions_travelling
from backburner.store.runs import run_get
from backburner.worker.origins import packs_in, read_origins
from backburner.worker.tools import Tools

_MARK: Final = b'"json_schema"'
_SHOWN: Final = 5
_SHOWN_LENGTH: Final = 300
_CACHED: Final = 64
_OF_PACKS: Final = b'{"type":"object"}'
"""What the answer of a pack must be at least; what it says of each row is looked at by itself."""


class _Format(msgspec.Struct, frozen=True, gc=False):
    type: str = ""
    schema: msgspec.Raw | UnsetType = UNSET


class _OutputConfig(msgspec.Struct, frozen=True, gc=False):
    format: _Format | None = None


class _Params(msgspec.Struct, frozen=True, gc=False):
    output_config: _OutputConfig | None = None


class _Message(msgspec.Struct, gc=False):
    content: list[Block] = []
    stop_reason: str | None = None


class _Result(msgspec.Struct, gc=False):
    message: _Message | None = None


class _Line(msgspec.Struct, gc=False):
    result: _Result


_params = msgspec.json.Decoder(_Params).decode
_config = msgspec.json.Decoder(_OutputConfig | None).decode
_line = msgspec.json.Decoder(_Line).decode


def complaints(schema: bytes, text: str) -> list[str]:
    """What keeps an answer from meeting a schema, at most five things; nothing if it meets it.

    A schema that cannot be read here, or points outside itself, finds no fault: the upstream took
    it, and we cannot say better.
    """
    validator = _validator(schema)
    if validator is None:
        return []
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        return [f"it is no JSON: {error}"]
    if validator.is_valid(value):
        return []
    errors = sorted(validator.iter_errors(value), key=lambda error: error.json_path)
    return [f"at {one.json_path}: {one.message[:_SHOWN_LENGTH]}" for one in errors[:_SHOWN]]


def complaint(found: list[str]) -> str:
    """What the model is told of an answer that does not meet its schema."""
    faults = "\n".join(f"- {one}" for one in found)
    return (
        f"That answer does not fit the JSON Schema that was asked for:\n{faults}\n"
        "Give the whole answer again, as JSON that fits, and nothing else."
    )


@lru_cache(maxsize=_CACHED)
def _validator(schema: bytes) -> Any:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415  # slow, and rarely needed
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415  # as above

    value = msgspec.json.decode(schema)
    if not isinstance(value, dict | bool) or _points_outside(value):
        return None
    kind = validator_for(value, default=Draft202012Validator)
    try:
        kind.check_schema(value)
    except SchemaError:
        return None
    return kind(value)


def _points_outside(value: Any) -> bool:
    """Whether a schema refers to another document: looking it up would need the network."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            return True
        return any(map(_points_outside, value.values()))
    return isinstance(value, list) and any(map(_points_outside, value))


def schema_in(params: bytes) -> bytes | None:
    """The schema that a request names in its own `output_config.format`."""
    return _schema_of(_params(params).output_config) if _MARK in params else None


def _schema_of(config: _OutputConfig | None) -> bytes | None:
    form = config.format if config else None
    if form is None or form.type != "json_schema" or form.schema is UNSET:
        return None
    return bytes(form.schema)


def schema_of_spec(spec: RunSpec) -> bytes | None:
    """The schema that every answer of a run must meet."""
    if spec.schema is not None:
        return bytes(spec.schema)
    config = spec.params.get("output_config")
    return _schema_of(_config(config)) if config is not None else None


def schema_of_run(tools: Tools, tx: Transaction, run: str) -> bytes | None:
    """The schema that every answer of a run must meet."""
    return schema_of_spec(_spec(tools, tx, run))


def _spec(tools: Tools, tx: Transaction, run: str) -> RunSpec:
    with tools.vault.stream(run_get(tx, run).spec) as stream:
        return msgspec.json.decode(stream.read(), type=RunSpec)


def text_and_reason(line: bytes) -> tuple[str, str | None]:
    """The text of the answer in a result line, and why it stopped."""
    message = _line(line).result.message if line else None
    return (text_of(message.content), message.stop_reason) if message else ("", None)


def validation_of(tools: Tools, batch: Batch) -> Callable[[int, bytes], bool] | None:
    """Tells of a position and its result line whether the answer breaks its schema.

    None where no answer of the batch has to meet one, so that reading costs nothing more. It tells
    the same before and after the batch was collected.
    """
    found = _Schemas(tools, batch)
    if not found.schemas:
        return None
    before = texts_before(tools, batch) if batch.origins is not None else {}

    def is_invalid(position: int, line: bytes) -> bool:
        schema = found.of(position)
        if schema is None:
            return False
        text, reason = text_and_reason(line)
        # A call of a tool is no answer yet.
        return reason != "tool_use" and bool(complaints(schema, before.get(position, "") + text))

    return is_invalid


class _Schemas:
    """The schemas of a batch by position, each kept once."""

    def __init__(self, tools: Tools, batch: Batch) -> None:
        self.schemas: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._of_all: bytes | None = None
        self._by_position = array("I")
        if batch.origins is None:
            with tools.store.read() as tx:
                spec = _spec(tools, tx, batch.run or "")
                is_packed = batch.first_request < run_get(tx, batch.run or "").packed
            self._of_all = _OF_PACKS if is_packed else schema_of_spec(spec)
            if self._of_all is not None:
                self.schemas = [self._of_all]
            elif spec.kind == "requests":
                self._scan(tools, batch, {})
        else:
            self._scan(tools, batch, _schemas_of_origins(tools, batch))

    def of(self, position: int) -> bytes | None:
        """The schema that the answer at a position must meet."""
        if self._of_all is not None:
            return self._of_all
        number = self._by_position[position]
        return self.schemas[number - 1] if number else None

    def _scan(self, tools: Tools, batch: Batch, of_runs: Mapping[int, bytes]) -> None:
        """Look into the requests themselves; whole frames without a schema are passed over."""
        numbers = self._by_position
        for frame in tools.vault.frames(batch.segment):
            lines = frame.split(b"\n") if of_runs or _MARK in frame else []
            if not lines:
                numbers.extend(array("I", [0]) * frame.count(b"\n"))
                continue
            lines.pop()
            for line in lines:
                of_run = of_runs.get(len(numbers))
                is_pack = of_run is _OF_PACKS
                numbers.append(self._number(of_run if is_pack else schema_in(line) or of_run))

    def _number(self, schema: bytes | None) -> int:
        if schema is None:
            return 0
        if schema not in self._numbers:
            self.schemas.append(schema)
            self._numbers[schema] = len(self.schemas)
        return self._numbers[schema]


def _schemas_of_origins(tools: Tools, batch: Batch) -> dict[int, bytes]:
    """The schemas of the runs that a batch of retries carries, by position."""
    origins = read_origins(tools, batch.origins or "")
    with tools.store.read() as tx:
        runs = {one: batch_get(tx, BatchId(one)).run for one in {item.batch for item in origins}}
        schemas = {run: schema_of_run(tools, tx, run) for run in set(runs.values()) if run}
        packs = packs_in(tools, tx, batch)
    found = (schemas.get(runs[item.batch] or "") for item in origins)
    own = {position: schema for position, schema in enumerate(found) if schema is not None}
    return own | dict.fromkeys(packs, _OF_PACKS)


def texts_before(tools: Tools, batch: Batch) -> dict[int, str]:
    """What a paused turn had said before the batch went on with it, by position."""
    with tools.store.read() as tx:
        return {
            position: "".join(text_and_reason(line_of(tools, tx, one))[0] for one in turn)
            for position, turn in _turns_before(tx, batch)
            if turn
        }


def _turns_before(tx: Transaction, batch: Batch) -> Iterator[tuple[int, list[Attempt]]]:
    """The paused attempts that those in a batch of retries go on from, by position."""
    if batch.state is BatchState.DONE:
        for position, (*earlier, last) in attempts_travelled(tx, batch.id).items():
            yield position, turn_so_far(earlier, last.change)
    else:
        travelling = exceptions_travelling(tx, batch.id)
        for position, earlier in attempts_travelling(tx, batch.id).items():
            yield position, turn_so_far(earlier, travelling[position].change)


def turn_text(tools: Tools, tx: Transaction, row: ExceptionRow) -> str:
    """What the newest attempt of a request said, with the paused turns that it went on from."""
    first = Attempt(
        batch=row.batch,
        position=row.position,
        attempt=1,
        in_batch=row.last_batch,
        in_position=row.last_position,
        outcome=row.outcome,
    )
    *earlier, last = attempts_of(tx, row.batch, row.position) or [first]
    turn = [*turn_so_far(earlier, last.change), last]
    return "".join(text_and_reason(line_of(tools, tx, one))[0] for one in turn)


def line_of(tools: Tools, tx: Transaction, attempt: Attempt) -> bytes:
    """The result line of an attempt; empty where there is none."""
    results = batch_get(tx, BatchId(attempt.in_batch)).results
    if results is None:
        return b""
    with tools.vault.finder(results) as finder:
        return finder.line(attempt.in_position)
