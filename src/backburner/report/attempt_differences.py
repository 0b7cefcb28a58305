"""What differs between what the store says of attempts and what their result lines say."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from backburner.nouns.attempt import Attempt
from backburner.nouns.outcome import CODES, ExceptionRow, ExceptionState, Outcome
from backburner.report.differences import told
from backburner.report.recount import Tally

_OK = CODES[Outcome.OK]

LineOf = Callable[[int, int, int], int | None]
"""The outcome's byte that a batch's line at a position says, for the request at a position of its
first batch; None where there is no such line."""


def exception_differences(rows: Iterable[ExceptionRow], line_of: LineOf) -> Iterator[str]:
    """Exceptions against the lines of their newest attempts."""
    lost, differs = Tally(), Tally()
    for row in rows:
        if row.state is ExceptionState.TRAVELLING:
            continue
        code = line_of(row.last_batch, row.last_position, row.position)
        if code is None:
            lost.note(row.position)
        elif code != CODES[row.outcome] and not _was_waiting(row, code):
            differs.note(row.position)
    yield from told(lost, "exceptions whose newest attempt has no line")
    yield from told(differs, "exceptions whose outcome is not what their newest line says")


def _was_waiting(row: ExceptionRow, code: int) -> bool:
    """Whether it may have been canceled while it waited for another attempt."""
    return row.outcome is Outcome.CANCELED and code != _OK


def attempt_differences(
    rows: Mapping[int, ExceptionRow],
    attempts: Mapping[int, Sequence[Attempt]],
    line_of: LineOf,
    *,
    may_lack: bool,
) -> Iterator[str]:
    """The attempts of a batch's own requests against their lines and their exceptions.

    Args:
        rows: The exceptions, by position.
        attempts: By position, in order.
        may_lack: Whether the first of them may be from before attempts were kept.
    """
    alone, gaps, lost, differs = Tally(), Tally(), Tally(), Tally()
    for position in sorted(rows.keys() | attempts.keys()):
        row, known = rows.get(position), attempts.get(position, ())
        if row is None:
            alone.note(position)
            continue
        if not _is_whole(row, known, may_lack=may_lack):
            gaps.note(position)
        codes = [line_of(one.in_batch, one.in_position, position) for one in known]
        if None in codes:
            lost.note(position)
        elif any(code != CODES[one.outcome] for code, one in zip(codes, known, strict=True)):
            differs.note(position)
    yield from told(alone, "requests with attempts, and without an exception")
    yield from told(gaps, "requests whose attempts are not numbered from the first to the last")
    yield from told(lost, "requests with an attempt that has no line")
    yield from told(differs, "requests with an attempt whose outcome is not what its line says")


def _is_whole(row: ExceptionRow, known: Sequence[Attempt], *, may_lack: bool) -> bool:
    numbers = [one.attempt for one in known]
    first = max(row.attempts - len(numbers), 0) if may_lack else 0
    is_first_at_home = all(
        (one.in_batch, one.in_position) == (row.batch, row.position)
        for one in known
        if one.attempt == 1
    )
    return numbers == list(range(first + 1, row.attempts + 1)) and is_first_at_home
