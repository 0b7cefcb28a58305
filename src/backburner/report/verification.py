"""What a verification looked at, and what it found."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from backburner.nouns.money import Money


@dataclass(slots=True)
class Verification:
    """Counts of what was read, each difference in words, and notes on what is no difference.

    Attributes:
        lines: Result lines that were read.
        paid: What they cost, in picodollars.
        objects: Files of the vault that the store counts on.
    """

    runs: int = 0
    batches: int = 0
    requests: int = 0
    lines: int = 0
    paid: int = 0
    objects: int = 0
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def differ(self, where: str, words: Iterable[str]) -> None:
        """Note what differs in one place."""
        self.differences.extend(f"{where}: {what}" for what in words)

    def note(self, words: str) -> None:
        """Note something once, however often it is met."""
        if words not in self.notes:
            self.notes.append(words)

    def lines_for_people(self) -> list[tuple[str, str]]:
        """Labels and values for a terminal, in reading order."""
        return [
            ("runs", f"{self.runs:,}"),
            ("batches", f"{self.batches:,}"),
            ("requests", f"{self.requests:,}"),
            ("result lines", f"{self.lines:,}"),
            ("paid, by them", Money(picodollars=self.paid).show()),
            ("files", f"{self.objects:,}"),
            *(("note", note) for note in self.notes),
            *(("differs", difference) for difference in self.differences),
        ]

    def to_json(self) -> dict[str, object]:
        """The verification as JSON values."""
        return {
            "runs": self.runs,
            "batches": self.batches,
            "requests": self.requests,
            "result_lines": self.lines,
            "paid_usd": Money(picodollars=self.paid).usd(),
            "files": self.objects,
            "notes": list(self.notes),
            "differences": list(self.differences),
        }
