"""Parquet out: the input's columns with their types, and ours with theirs."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from io import BufferedWriter
from itertools import islice
from typing import Any, cast

from backburner.runs.answer import DONE, OUR_COLUMNS, Answer, our_columns
from backburner.runs.binary_tables import BatchTable, pyarrow
from backburner.runs.properties import (
    Kind,
    Property,
    property_columns,
    typed_of,
    values_of,
)
from backburner.runs.record import Record
from backburner.runs.review import Review

_GROUP_ROWS = 65_536
_GROUP_BYTES = 32_000_000
_DIGITS, _PLACES = 24, 12
"""Money to the picodollar, exact."""


def write_parquet(
    table: BatchTable,
    answers: Iterator[Answer | None],
    file: BufferedWriter,
    prefix: str,
    review: Review,
    properties: tuple[Property, ...] = (),
) -> int:
    """Writes the rows that have an answer, and gives their number."""
    arrow = pyarrow("Parquet output")
    schema = _schema(arrow, table.schema, prefix)
    for name, one in zip(property_columns(properties, prefix), properties, strict=True):
        schema = schema.append(arrow.field(name, _type(arrow, one.kind)))
    rows = 0
    with closing(arrow.parquet.ParquetWriter(arrow.PythonFile(file, mode="w"), schema)) as out:
        for group in _groups(_joined(arrow, table, schema, answers, review, properties)):
            out.write_table(arrow.Table.from_batches(group, schema=schema), _GROUP_ROWS)
            rows += sum(batch.num_rows for batch in group)
    return rows


def _schema(arrow: Any, schema: Any, prefix: str) -> Any:
    for name, column in zip(our_columns(prefix), _types(arrow), strict=True):
        schema = schema.append(arrow.field(name, column))
    return schema


def _types(arrow: Any) -> tuple[Any, ...]:
    text, count = arrow.string(), arrow.int64()
    cost = arrow.decimal128(_DIGITS, _PLACES)
    return (text, text, text, count, count, count, count, cost, text)


def _type(arrow: Any, kind: Kind) -> Any:
    match kind:
        case Kind.WHOLE:
            return arrow.int64()
        case Kind.NUMBER:
            return arrow.float64()
        case Kind.TRUTH:
            return arrow.bool_()
        case Kind.TEXT | Kind.JSON:
            return arrow.string()


def _joined(
    arrow: Any,
    table: BatchTable,
    schema: Any,
    answers: Iterator[Answer | None],
    review: Review,
    properties: tuple[Property, ...],
) -> Iterator[Any]:
    number = 0
    for batch in table.batches():
        found = list(islice(answers, batch.num_rows))
        _review(batch, found, number, review)
        number += batch.num_rows
        chosen = [answer for answer in found if answer is not None]
        mask = [answer is not None for answer in found]
        mask += [False] * (batch.num_rows - len(mask))
        kept = batch if all(mask) else batch.filter(arrow.array(mask, arrow.bool_()))
        ours = [
            arrow.array(map(_value(name), chosen), kind)
            for name, kind in zip(OUR_COLUMNS, _types(arrow), strict=True)
        ]
        if chosen:
            more = _properties(arrow, chosen, properties)
            yield arrow.RecordBatch.from_arrays([*kept.columns, *ours, *more], schema=schema)


def _properties(
    arrow: Any, answers: list[Answer], properties: tuple[Property, ...]
) -> Iterator[Any]:
    rows = [values_of(answer, properties) for answer in answers] if properties else []
    for place, one in enumerate(properties):
        values = [typed_of(row[place], one.kind) for row in rows]
        yield arrow.array(values, _type(arrow, one.kind))


def _review(batch: Any, answers: list[Answer | None], number: int, review: Review) -> None:
    for place, answer in enumerate(answers):
        if answer is not None and answer.outcome != DONE:
            values = cast("dict[str, Any]", batch.slice(place, 1).to_pylist()[0])
            row = number + place + 1
            review.add(Record(row, row, None, values), answer)


def _value(name: str) -> Any:
    if name == "cost_usd":
        return lambda answer: Decimal(answer.cost_usd) if answer.cost_usd else None
    return lambda answer: getattr(answer, name)


def _groups(batches: Iterator[Any]) -> Iterator[list[Any]]:
    group: list[Any] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group
