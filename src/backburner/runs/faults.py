"""All that is wrong with an input, collected and reported together."""

from dataclasses import dataclass

from backburner.errors import InputFaults

SHOWN = 100
"""How many faults of one input are kept; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFault:
    """One thing that is wrong with an input.

    Attributes:
        code: Stable, in snake case.
        what: A sentence that names the value at fault.
        line: The line of the file, counted from 1; None where a file has no lines.
        column: Its byte in the line, counted from 1, or the name of a table's column.
        hint: What to do next.
        path: The file at fault, where it is not the input itself, such as a template.
    """

    code: str
    what: str
    line: int | None = None
    column: int | str | None = None
    hint: str = ""
    path: str = ""

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        column = f"column {self.column!r}" if self.column else ""
        place = ", ".join(filter(None, (self.path, line, column)))
        return f"{place}: {self.what} ({self.code})" if place else f"{self.what} ({self.code})"


class Faults:
    """Collects the faults of one input: the first ones are kept, all are counted."""

    def __init__(self, keep: int = SHOWN) -> None:
        self._keep = keep
        self._kept: list[InputFault] = []
        self.count = 0

    def add(
        self,
        code: str,
        what: str,
        *,
        line: int | None = None,
        column: int | str | None = None,
        hint: str = "",
        path: str = "",
    ) -> None:
        """Notes one fault."""
        self.count += 1
        if len(self._kept) < self._keep:
            fault = InputFault(code=code, what=what, line=line, column=column, hint=hint, path=path)
            self._kept.append(fault)

    @property
    def kept(self) -> tuple[InputFault, ...]:
        """The first faults: those of other files first, then in the order of lines."""
        return tuple(sorted(self._kept, key=_order))

    def raise_if_any(self, path: str) -> None:
        """Raises what was found.

        Args:
            path: The input, as the person named it.

        Raises:
            InputFaults: At least one fault was noted.
        """
        if self.count:
            raise InputFaults(self._message(path), hint=self._hints())

    def _message(self, path: str) -> str:
        faults = self.kept
        if self.count == 1:
            return f"{path}: {faults[0]}"
        more = [f"and {self.count - len(faults):,} more"] if self.count > len(faults) else []
        return "\n  ".join([f"{path}: {self.count:,} faults", *map(str, faults), *more])

    def _hints(self) -> str:
        return "; ".join(dict.fromkeys(fault.hint for fault in self.kept if fault.hint))


def _order(fault: InputFault) -> tuple[bool, int, bool, int]:
    column = fault.column if isinstance(fault.column, int) else 0
    return fault.path == "", fault.line or 0, not column, column


def one_fault(path: str, code: str, what: str, hint: str) -> InputFaults:
    """Gives a single fault to raise, where looking for others is pointless."""
    return InputFaults(f"{path}: {what} ({code})", hint=hint)
