"""What came of a canceled run's requests, and what was paid for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The requests of a canceled run; what is still under way is in `open`.

    Attributes:
        never_sent: Ended before they travelled.
        not_tried_again: Had failed, and waited for another attempt.
        stopped: Travelled, and were canceled upstream before it was their turn: they cost nothing.
        finished: Have another outcome: what they cost is paid, and their answers are kept.
        open: Not known yet: under way, or in doubt.
    """

    never_sent: int
    not_tried_again: int
    stopped: int
    finished: int
    open: int

    def in_words(self, paid: str) -> str:
        """For a terminal: `1,200 never sent, 300 finished and paid $0.04, kept`."""
        parts = [
            (self.never_sent, "never sent"),
            (self.not_tried_again, "not tried again"),
            (self.stopped, "stopped by Anthropic, unpaid"),
            (self.open, "under way or in doubt"),
        ]
        said = [f"{count:,} {words}" for count, words in parts if count]
        if self.finished:
            said.append(f"{self.finished:,} finished and paid {paid}, kept")
        return ", ".join(said)

    def to_json(self) -> dict[str, int]:
        """The same as JSON values."""
        return {
            "never_sent": self.never_sent,
            "not_tried_again": self.not_tried_again,
            "stopped": self.stopped,
            "finished": self.finished,
            "open": self.open,
        }
