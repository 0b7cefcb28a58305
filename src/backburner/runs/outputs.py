"""The output: the input plus columns, in its own format, written whole or not at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from backburner.runs.answer import DONE, Answer
from backburner.runs.atomic import Noted, replacing, unnoted
from backburner.runs.binary_tables import BatchTable
from backburner.runs.csv_output import write_csv
from backburner.runs.file_per_row import files_review, write_files
from backburner.runs.jsonl_output import write_jsonl, write_results
from backburner.runs.parquet_output import write_parquet
from backburner.runs.path_template import PathTemplate
from backburner.runs.properties import Property
from backburner.runs.record import Record, Table
from backburner.runs.review import Review, review_path, reviewing
from backburner.runs.tables import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written.

    Attributes:
        rows: How many rows the output holds.
        reviewed: How many of them are not `ok`.
        review: The file that holds those; None without one.
    """

    rows: int
    reviewed: int = 0
    review: Path | None = None


def write_table(
    table: Table,
    answers: Iterable[Answer | None],
    target: Path,
    format: Format,  # noqa: A002 - the word of the house
    *,
    prefix: str = "",
    properties: tuple[Property, ...] = (),
    noted: Noted = unnoted,
) -> Written:
    """Writes a table with its answers.

    Args:
        table: The input, opened afresh.
        answers: One for each row, in order; None leaves a row out, and so does their end.
        target: Where to write; a file there is replaced.
        format: The output's format, from `output_format`.
        prefix: What our column names begin with.
        properties: What answers hold by their schema: a column each, after ours.
        noted: Is told of each file that was written.

    Raises:
        OutputBlocked: The target cannot be written.
    """
    with (
        replacing(target, noted) as file,
        reviewing(review_path(target), table.columns, prefix, noted) as review,
    ):
        if format is Format.PARQUET:
            batches = cast("BatchTable", table)
            rows = write_parquet(batches, iter(answers), file, prefix, review, properties)
        else:
            write = write_jsonl if format is Format.JSONL else write_csv
            counted = _Counted(_chosen(table, answers, review))
            write(table, counted, file, prefix, properties)
            rows = counted.rows
    return _written(rows, review)


def write_each(
    table: Table,
    answers: Iterable[Answer | None],
    template: PathTemplate,
    *,
    prefix: str = "",
    noted: Noted = unnoted,
) -> Written:
    """Writes one file per row, and the review beside their folder.

    Raises:
        OutputBlocked: A file cannot be written.
    """
    template.folder.mkdir(parents=True, exist_ok=True)
    with reviewing(files_review(template), table.columns, prefix, noted) as review:
        rows = write_files(_chosen(table, answers, review), template, noted)
    return _written(rows, review)


def write_list(
    results: Iterable[tuple[str, bytes]], target: Path, noted: Noted = unnoted
) -> Written:
    """Writes the results of a list of requests, one `{"custom_id", "result"}` a line.

    Args:
        results: The caller's keys in the order of the input, with each result's own JSON.
        target: Where to write; a file there is replaced.
        noted: Is told of the file when it was written.

    Raises:
        OutputBlocked: The target cannot be written.
    """
    with replacing(target, noted) as file:
        return Written(rows=write_results(results, file))


class _Counted:
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterator[tuple[Record, Answer]]) -> None:
        self._rows = rows
        self.rows = 0

    def __iter__(self) -> Iterator[tuple[Record, Answer]]:
        for row in self._rows:
            self.rows += 1
            yield row


def _chosen(
    table: Table, answers: Iterable[Answer | None], review: Review
) -> Iterator[tuple[Record, Answer]]:
    # The records come first: only when they have ended is it known what follows the last one.
    for record, answer in zip(table.records(), answers, strict=False):
        if answer is not None:
            if answer.outcome != DONE:
                review.add(record, answer)
            yield record, answer


def _written(rows: int, review: Review) -> Written:
    return Written(rows=rows, reviewed=review.rows, review=review.path if review.rows else None)
