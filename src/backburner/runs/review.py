"""The rows that need a look: a second table with the reason, only where there are any."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BufferedWriter
from pathlib import Path

from backburner.runs.answer import Answer
from backburner.runs.atomic import Noted, replacing, unnoted
from backburner.runs.cells import row_text
from backburner.runs.record import Record

_OURS = ("row", "request_id", "outcome", "reason")


class Review:
    """Collects the rows that are not `ok`; its file is opened for the first of them."""

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        prefix: str,
        open_file: Callable[[], BufferedWriter],
    ) -> None:
        self.path = path
        self.rows = 0
        self._columns = columns
        self._prefix = prefix
        self._open_file = open_file
        self._file: BufferedWriter | None = None

    def add(self, record: Record, answer: Answer) -> None:
        """Writes one row."""
        if self._file is None:
            self._file = self._open_file()
            self._file.write(_line((*self._headings(), *self._columns)))
        ours = (record.number, answer.request_id, answer.outcome, answer.reason)
        theirs = (record.values.get(name) for name in self._columns)
        self._file.write(_line((*ours, *theirs)))
        self.rows += 1

    def _headings(self) -> list[str]:
        names = []
        for name in _OURS:
            heading = self._prefix + name
            while heading in self._columns:
                heading += "_"
            names.append(heading)
        return names


def review_path(target: Path) -> Path:
    """Gives the path of the review beside an output: `NAME.review.csv`."""
    return target.with_name(f"{target.stem}.review.csv")


@contextmanager
def reviewing(
    path: Path, columns: Sequence[str], prefix: str, noted: Noted = unnoted
) -> Iterator[Review]:
    """Collects a review; without a row in it, that of an earlier output goes."""
    with ExitStack() as stack:
        review = Review(path, columns, prefix, lambda: stack.enter_context(replacing(path, noted)))
        yield review
    if not review.rows:
        path.unlink(missing_ok=True)


def _line(values: Sequence[object]) -> bytes:
    return (row_text(values, ",") + "\n").encode()
