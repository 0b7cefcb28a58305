"""One file per row: the answers as files of their own, in the folder that a template names."""

from collections.abc import Iterable
from pathlib import Path

from backburner.errors import OutputBlocked
from backburner.runs.answer import Answer
from backburner.runs.atomic import Noted, replacing
from backburner.runs.path_template import PathRefused, PathTemplate
from backburner.runs.record import Record


def write_files(rows: Iterable[tuple[Record, Answer]], template: PathTemplate, noted: Noted) -> int:
    """Writes each answer to its path and gives the number of rows.

    A row without an answer has no file; it is in the review.
    """
    number = 0
    for record, answer in rows:
        number += 1
        if answer.answer:
            _write(_path(record, template), answer.answer, noted)
    return number


def files_review(template: PathTemplate) -> Path:
    """Gives the path of the review of a folder: beside it, or in it if it has no name."""
    folder = template.folder
    name = f"{folder.name}.review.csv" if folder.name else "review.csv"
    return folder.parent / name


def _path(record: Record, template: PathTemplate) -> Path:
    try:
        return template.path_of(record.values)
    except PathRefused as error:
        # The door has refused such rows: the input must have changed since.
        raise OutputBlocked(f"row {record.number}: {error}", hint="check the input") from error


def _write(path: Path, text: str, noted: Noted) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{path.parent} cannot be made: {error.strerror}"
        raise OutputBlocked(what, hint="check the folder and its permissions") from error
    with replacing(path, noted) as file:
        file.write(text.encode())
