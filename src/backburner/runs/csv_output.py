"""CSV and TSV out: each record as it was written, and our cells before its line end."""

from collections.abc import Iterable
from io import BufferedWriter, TextIOWrapper

from backburner.runs.answer import Answer, our_columns
from backburner.runs.cells import cell_writer, row_text
from backburner.runs.properties import Property, cell_of, property_columns, values_of
from backburner.runs.record import Record, Table


def write_csv(
    table: Table,
    rows: Iterable[tuple[Record, Answer]],
    file: BufferedWriter,
    prefix: str,
    properties: tuple[Property, ...] = (),
) -> None:
    """Writes the rows with their answers, and the properties of answers after them.

    Records without a source, which come from formats that are no text, are written afresh.
    """
    mark = table.delimiter or ","
    cell = cell_writer(mark)
    out = TextIOWrapper(file, "utf-8", newline="")
    head = table.head or row_text(table.columns, mark) + "\n"
    names = (*our_columns(prefix), *property_columns(properties, prefix))
    out.write(_joined(head, mark + mark.join(map(cell, names))))
    last = None
    for record, answer in rows:
        source = record.source
        if source is None:
            source = row_text(record.values.values(), mark) + "\n"
        cells = _cells(answer, mark, cell(answer.answer), cell(answer.stop_reason))
        for value in values_of(answer, properties) if properties else ():
            cells += mark + cell(cell_of(value))
        out.write(_joined(source, mark + cells))
        last = record
    if last is not None:
        out.write(table.tail)
    out.detach()


def _cells(answer: Answer, mark: str, text: str, stop_reason: str) -> str:
    # Outcome and request id are words of ours without delimiters, the rest are numbers.
    return (
        f"{text}{mark}{answer.outcome}{mark}{stop_reason}{mark}{answer.input_tokens}{mark}"
        f"{answer.output_tokens}{mark}{answer.cache_write_tokens}{mark}{answer.cache_read_tokens}"
        f"{mark}{answer.cost_usd}{mark}{answer.request_id}"
    )


def _joined(source: str, cells: str) -> str:
    if source.endswith("\r\n"):
        return f"{source[:-2]}{cells}\r\n"
    if source.endswith(("\n", "\r")):
        return f"{source[:-1]}{cells}{source[-1]}"
    return source + cells
