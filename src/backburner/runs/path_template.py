"""One path per row: a template whose values cannot leave the folder it names."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from backburner.runs.duplicates import Duplicates
from backburner.runs.faults import Faults
from backburner.runs.record import Record, Table
from backburner.runs.template import PromptTemplate

_NAME_BYTES = 240

Body = TypeVar("Body")


class PathRefused(ValueError):
    """A row's values make no path in the folder.

    Attributes:
        code: Stable, in snake case.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


class PathTemplate:
    """A template such as `drafts/{{ id }}.md`.

    Attributes:
        folder: What stands before the first value, up to the last slash; no row leaves it.
    """

    def __init__(self, text: str) -> None:
        fixed = _fixed(text)
        self._prefix = fixed[: fixed.rfind("/") + 1]
        self._ending = text[text.rfind("}") + 1 :]
        self.folder = Path(self._prefix or ".")
        self._template = PromptTemplate.compile(text, "-o")

    @staticmethod
    def is_one(text: str) -> bool:
        """Says whether an output names one file per row."""
        return "{{" in text or "{%" in text

    def check(self, columns: Sequence[str], faults: Faults) -> None:
        """Notes every column that the path names and the table lacks."""
        self._template.check(columns, faults)

    def path_of(self, values: Mapping[str, Any]) -> Path:
        """Gives the path of one row.

        Raises:
            PathRefused: It would leave the folder, or is no name for a file.
        """
        try:
            text = self._template.render(values)
        except Exception as error:
            raise PathRefused("template_error", self._template.told(error)) from error
        inner = text.removeprefix(self._prefix)
        parts = inner.split("/")
        if not text.startswith(self._prefix) or ".." in parts or inner.startswith("/"):
            raise PathRefused("path_escapes", f"the path {text!r} leaves {self.folder}")
        if parts[-1] in {"", ".", self._ending}:
            raise PathRefused("path_invalid", f"the path {text!r} has no name")
        if "\0" in text or any(len(part.encode()) > _NAME_BYTES for part in parts):
            raise PathRefused("path_invalid", f"the path {text[:80]!r} is no name for a file")
        return Path(PurePosixPath(text))


def check_paths(
    table: Table,
    limit: int | None,
    template: PathTemplate,
    faults: Faults,
    objection: Callable[[Path], str | None],
) -> None:
    """Notes all that is wrong with the paths of a table's first rows."""
    template.check(table.columns, faults)
    if faults.count:
        return
    rows = ((record, None) for record in islice(table.records(), limit))
    for _ in note_paths(rows, template, faults, objection):
        pass


def note_paths(
    rows: Iterator[tuple[Record, Body]],
    template: PathTemplate,
    faults: Faults,
    objection: Callable[[Path], str | None] = lambda _path: None,
) -> Iterator[tuple[Record, Body]]:
    """Gives the rows on and notes paths that are refused, taken, or shared by two rows.

    The rows must be taken to the end: what two rows share is found there.
    """
    with closing(Duplicates()) as paths:
        for record, body in rows:
            try:
                path = template.path_of(record.values)
                paths.add(str(path), record.line)
                if what := objection(path):
                    hint = "name another -o, or replace it with --force"
                    faults.add("path_taken", f"{path} {what}", line=record.line, hint=hint)
            except PathRefused as error:
                hint = "choose a column whose values are names of files"
                faults.add(error.code, str(error), line=record.line, hint=hint)
            yield record, body
        for shared, first, again in paths.found():
            what = f"the path {shared} is that of line {first} already"
            hint = "put a column into the path that no two rows share"
            faults.add("path_duplicate", what, line=again, hint=hint)


def whole_path(output: str) -> str:
    """An output's path from the root on.

    Of a template only what no row changes is put in order: elsewhere `//` divides.
    """
    if not PathTemplate.is_one(output):
        return os.path.abspath(output)  # noqa: PTH100  # `..` goes, and links stay
    end = _fixed(output).rfind("/") + 1
    folder = os.path.abspath(output[:end])  # noqa: PTH100  # as above
    return f"{folder.rstrip('/')}/{output[end:]}"


def _fixed(text: str) -> str:
    return text[: min(_first(text, "{{"), _first(text, "{%"))]


def _first(text: str, mark: str) -> int:
    place = text.find(mark)
    return place if place >= 0 else len(text)
