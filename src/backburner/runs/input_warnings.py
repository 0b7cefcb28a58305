"""What is worth knowing of an input, although it can be sent."""

from dataclasses import dataclass

from backburner.runs.faults import SHOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class InputWarning:
    """Something that a person may not have meant.

    Attributes:
        code: Stable, in snake case.
        what: A sentence that names the value.
        hint: What to do next.
        line: The first line it is in; None where it is not in a line.
        count: How many lines it is in.
    """

    code: str
    what: str
    hint: str
    line: int | None = None
    count: int = 1

    def __str__(self) -> str:
        again = f", and {self.count - 1:,} more" if self.count > 1 else ""
        place = f" (first in line {self.line}{again})" if self.line else ""
        return f"{self.what}{place}"


class Warnings:
    """Collects the first warnings; what is the same in many lines is one, with its count."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[str, int | None, int]] = {}

    def warn(self, code: str, what: str, hint: str, *, line: int | None = None) -> None:
        """Notes one."""
        if len(self._found) == SHOWN and (code, what) not in self._found:
            return
        _, first, count = self._found.get((code, what), (hint, line, 0))
        self._found[code, what] = hint, first, count + 1

    @property
    def found(self) -> tuple[InputWarning, ...]:
        """All of them, in the order in which they came up first."""
        return tuple(
            InputWarning(code=code, what=what, hint=hint, line=line, count=count)
            for (code, what), (hint, line, count) in self._found.items()
        )
