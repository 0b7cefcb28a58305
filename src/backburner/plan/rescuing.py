"""Rescue: when what a batch has not brought yet is asked directly, so that a promise is kept.

A batch costs half and may end at any moment, so nothing is gained by giving up early. What counts
is the last moment at which the rest can still be asked one by one: the deadline, less the time that
a cancel takes, less what as many calls take. A large rest takes long, so it is given up part by
part: never more is left in batches than could still be asked in the time that is left.

Why so, and what was turned down: docs/decisions/026-direct-calls.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import BatchId

CANCELING: Final = 180.0
"""Seconds that a cancel takes at most, before a longer one was seen: about 25 were observed.

Source: live observations of the Message Batches API, 2026-09-26.
"""

_LONGEST_CANCEL: Final = 900.0
"""What was seen to take longer was seen late: nobody looked meanwhile."""

_MARGIN: Final = 120.0
"""Seconds for the last answers, their collection, the output, and a few calls that fail."""

_CALL: Final = 8.0
"""Seconds that a call takes, before any was measured: some 500 tokens of output."""

_TRUST: Final = 50
"""As many calls weigh as much as the assumption about them."""

_SLOWEST: Final = 4.0
"""How many times slower than assumed calls are taken to be at most: what was measured to be slower
was interrupted, as by a night in which nobody worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast direct calls are answered.

    Attributes:
        concurrency: How many are under way at once.
        calls: How many were measured.
        seconds: In what time.
    """

    concurrency: int
    calls: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Calls a second, drawn to the assumption where little was measured."""
        assumed = self.concurrency / _CALL
        measured = (self.calls + _TRUST) / (self.seconds + _TRUST / assumed)
        return max(measured, assumed / _SLOWEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A batch whose answers are not here.

    Attributes:
        away_since: When it was sent; None where the upstream has not got it.
    """

    id: BatchId
    requests: int
    away_since: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueView:
    """What is open of one promise.

    Attributes:
        rests: The batches that can still be given up.
        asking: Requests that are to be asked directly already, or that have to be canceled first.
        canceling: Seconds that a cancel takes at most.
    """

    deadline: float
    rests: Sequence[Rest]
    asking: int
    pace: Pace
    canceling: float = CANCELING


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What to give up now, in this order, and when to look again."""

    give_up: tuple[BatchId, ...]
    look_at: float | None


def rescue(view: RescueView, now: float) -> Rescue:
    """Decide what is given up now.

    What was sent first is given up last; what was not sent at all goes first, since nothing was
    waited for yet.
    """
    order = sorted(view.rests, key=_kept_first)
    give_up: list[BatchId] = []
    look_at: float | None = None
    calls = view.asking
    for rest in order:
        calls += rest.requests
        at = last_moment(view, calls)
        if at <= now:
            give_up.append(rest.id)
        else:
            look_at = at
    # Those that are kept come first, and the last of them is the next to be given up.
    return Rescue(give_up=tuple(reversed(give_up)), look_at=look_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The most that a batch can cost when it is asked directly.

    Attributes:
        amount: In picodollars; None where nothing bounds it.
    """

    id: BatchId
    amount: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Affordable:
    """The batches that there is enough money for, all of them together, and what is left then."""

    taken: tuple[BatchId, ...]
    left: int


def affordable(prices: Iterable[Price], left: int) -> Affordable:
    """Decide which batches a rescue can pay for: each takes its room before the next is looked at.

    One that is too dear leaves its room to smaller ones after it.
    """
    taken: list[BatchId] = []
    for price in prices:
        if price.amount is not None and price.amount <= left:
            taken.append(price.id)
            left -= price.amount
    return Affordable(taken=tuple(taken), left=left)


def first_look(deadline: float, requests: int, concurrency: int) -> float:
    """The earliest moment at which anything of a run could have to be given up.

    It is reckoned with the slowest calls and the longest cancel, so that a worker need not look at
    every promise with every step.
    """
    slowest = concurrency / _CALL / _SLOWEST
    return deadline - _MARGIN - _LONGEST_CANCEL - requests / slowest


def cancel_seconds(longest: float) -> float:
    """Seconds that a cancel is taken to need.

    Args:
        longest: What the newest ones took at most, as far as we saw; 0 where there was none.
    """
    return max(CANCELING, min(longest, _LONGEST_CANCEL))


def last_moment(view: RescueView, calls: int) -> float:
    """The last moment at which as many calls can be begun to be asked."""
    return view.deadline - _MARGIN - view.canceling - calls / view.pace.per_second


def _kept_first(rest: Rest) -> tuple[bool, float, int]:
    is_unsent = rest.away_since is None
    return is_unsent, rest.away_since or 0.0, rest.id
