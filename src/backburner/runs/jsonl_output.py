"""JSONL out: each line as it was written, and our keys before its last brace."""

from collections.abc import Iterable, Iterator
from io import BufferedWriter
from typing import Any

import msgspec

from backburner.runs.answer import Answer, our_columns
from backburner.runs.properties import Property, native_of, property_columns, values_of
from backburner.runs.record import Record, Table

_encode = msgspec.json.Encoder(enc_hook=str).encode
_NULL = msgspec.Raw(b"null")


def write_jsonl(
    table: Table,
    rows: Iterable[tuple[Record, Answer]],
    file: BufferedWriter,
    prefix: str,
    properties: tuple[Property, ...] = (),
) -> None:
    """Writes the rows with their answers; records without a source are written afresh."""
    names = our_columns(prefix)
    more = property_columns(properties, prefix)
    file.write(table.head.encode())
    last = None
    for record, answer in rows:
        source = record.source
        line = _encode(record.values) + b"\n" if source is None else source.encode()
        brace = line.rindex(b"}")
        comma = b"," if record.values else b""
        named = _named(names, answer)
        if properties:
            named.update(zip(more, map(native_of, values_of(answer, properties)), strict=True))
        ours = _encode(named)[1:-1]
        file.write(b"".join((line[:brace], comma, ours, line[brace:])))
        last = record
    if last is not None:
        file.write(table.tail.encode())


def write_results(results: Iterable[tuple[str, bytes]], file: BufferedWriter) -> int:
    """Writes one `{"custom_id", "result"}` a line and gives their number.

    Args:
        results: The caller's keys, in the order of the input, each with the result's own JSON.
        file: Where to write.
    """
    return sum(1 for line in _result_lines(results) if file.write(line))


def _result_lines(results: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    for custom_id, result in results:
        yield b'{"custom_id":%b,"result":%b}\n' % (_encode(custom_id), result)


def _named(names: tuple[str, ...], answer: Answer) -> dict[str, Any]:
    cost = msgspec.Raw(answer.cost_usd.encode()) if answer.cost_usd else _NULL
    values = (
        answer.answer,
        answer.outcome,
        answer.stop_reason,
        answer.input_tokens,
        answer.output_tokens,
        answer.cache_write_tokens,
        answer.cache_read_tokens,
        cost,
        answer.request_id,
    )
    return dict(zip(names, values, strict=True))
