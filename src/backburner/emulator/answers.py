"""What the model says: by the caller's rules, or an echo."""

from msgspec import Struct

from backburner.emulator import needles
from backburner.emulator.settings import FailureKind, Rule, Slip

_ECHO_LENGTH = 160


class Answer(Struct, frozen=True, gc=False):
    """A text, whether a rule gave it, and what else the rule says."""

    text: str
    by_rule: bool = False
    kind: FailureKind | None = None
    searches: int | None = None
    slip: Slip | None = None


class Answers:
    """The rules, compiled, in the order in which they are tried."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = [(needles.search(rule.match), rule, "\\" in rule.answer) for rule in rules]

    def to(self, text: str) -> Answer:
        """The answer to the last thing a user said."""
        for search, rule, has_groups in self._rules:
            match = search(text)
            if match:
                answer = match.expand(rule.answer) if has_groups else rule.answer
                return Answer(
                    answer,
                    by_rule=True,
                    kind=rule.kind,
                    searches=rule.searches,
                    slip=rule.slip,
                )
        return Answer(f"You said: {text[:_ECHO_LENGTH]}")
