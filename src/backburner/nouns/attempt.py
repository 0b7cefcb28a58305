"""An attempt: one travel of a request, and what came of it."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from backburner.nouns.outcome import Outcome

REPAIRED = "repaired"
CONTINUED = "continued"
THINKING_OFF = "thinking_off"
MAX_TOKENS = "max_tokens"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One collected attempt of a request that needed more than one, or a person.

    Attributes:
        batch: The request's first batch; with `position`, its id.
        attempt: Which one it is, from 1.
        in_batch: The batch it travelled in; with `in_position`, where its lines lie.
        error_type: The API's error class; empty where there is none.
        change: What was changed against the attempt before, such as `max_tokens:2000`; None for
            nothing.
    """

    batch: int
    position: int
    attempt: int
    in_batch: int
    in_position: int
    outcome: Outcome
    error_type: str = ""
    change: str | None = None


def turn_so_far(earlier: Iterable[Attempt], change: str | None) -> list[Attempt]:
    """The attempts whose content an answer goes on from: paused ones, in order.

    A repair asks for the whole answer anew, so what came before it is no part of the answer.

    Args:
        earlier: The attempts before the one that brought the answer.
        change: What was changed for that one.
    """
    turn: list[Attempt] = []
    for one in earlier:
        if one.change == REPAIRED:
            turn = []
        if one.outcome is Outcome.PAUSED:
            turn.append(one)
    return [] if change == REPAIRED else turn


_ANSWERED: Final = frozenset(
    {Outcome.OK, Outcome.TRUNCATED, Outcome.REFUSED, Outcome.INVALID_OUTPUT, Outcome.PAUSED}
)


def unused(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Answers that nobody got: another attempt followed, of whose turn they are no part.

    Args:
        attempts: All of a request, in order.
    """
    *earlier, last = attempts
    used = turn_so_far(earlier, last.change)
    return [one for one in earlier if one.outcome in _ANSWERED and one not in used]
