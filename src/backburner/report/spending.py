"""Spending: what work cost, what it would have cost otherwise, and what came of the money."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self

from backburner.nouns.money import usd
from backburner.nouns.usage import Usage
from backburner.report.recount import COUNTS

_UNUSED: Final = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """A sum over rows of the ledger; amounts in picodollars.

    Attributes:
        answers: Answers that were billed, those of retries and duplicates included.
        unpriced: Those of them whose model has no known price; they are in no amount.
        paid: All of it, `twice` included.
        twice: What batches cost that were accepted a second time.
        uncached: What the answers that count cost at the rates paid, had nothing been cached.
        sync: The same at sync rates.
        collapsed: What rows that share another row's request would have cost again, sync.
        reused: What requests would have cost again that have answers of earlier runs, sync.
        retries: Of `paid`: attempts after a request's first.
        wasted: Of `paid`: answers that nobody got, `twice` included.
        doubted: Requests of which nobody knows whether they were paid; they are in no amount.
        doubt: The most that those of them cost whose worst case is known.
        unbounded: Those of them whose worst case is not known.
    """

    answers: int = 0
    unpriced: int = 0
    usage: Usage = _UNUSED
    paid: int = 0
    twice: int = 0
    uncached: int = 0
    sync: int = 0
    collapsed: int = 0
    reused: int = 0
    retries: int = 0
    wasted: int = 0
    doubted: int = 0
    doubt: int = 0
    unbounded: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        )

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """The sum of any number of parts."""
        return sum(parts, start=cls())

    @property
    def full(self) -> int:
        """The top of the staircase: every row a sync call of its own, without caching."""
        return self.sync + self.collapsed + self.reused

    @property
    def saved(self) -> int:
        """All savings together."""
        return sum(step.saved(self) for step in STAIRCASE)

    @property
    def share(self) -> float:
        """Savings as a share of the top of the staircase; 0 where nothing was asked."""
        return self.saved / self.full if self.full else 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One saving by its cause.

    Attributes:
        name: As in JSON: `saved_by_NAME_usd`.
        words: As a person says it: `saved by WORDS`.
        is_rare: Whether a person is told of it only where there is any.
    """

    name: str
    words: str
    saved: Callable[[Spending], int]
    is_rare: bool = False


STAIRCASE: Final = (
    Step("collapse", "collapsing", lambda one: one.collapsed),
    Step("reuse", "reuse", lambda one: one.reused, is_rare=True),
    Step("batch", "batch", lambda one: one.sync - one.uncached),
    Step("cache", "cache", lambda one: one.uncached - (one.paid - one.twice)),
)
"""The savings from `full` down to `paid`; what was paid twice comes on top of their end."""


def told_steps(total: Spending) -> list[Step]:
    """The steps of the staircase that a person is told of."""
    return [step for step in STAIRCASE if not step.is_rare or step.saved(total)]


def spending_json(one: Spending) -> dict[str, object]:
    """Spending as JSON values. Money is exact, as decimal strings of US dollars."""
    return {
        "answers": one.answers,
        "answers_unpriced": one.unpriced,
        **{kind: getattr(one.usage, kind) for kind in COUNTS},
        "sync_equivalent_usd": usd(one.full),
        **{f"saved_by_{step.name}_usd": usd(step.saved(one)) for step in STAIRCASE},
        "saved_usd": usd(one.saved),
        "paid_usd": usd(one.paid),
        "paid_twice_usd": usd(one.twice),
        "spent_on_retries_usd": usd(one.retries),
        "wasted_usd": usd(one.wasted),
        "requests_in_doubt": one.doubted,
        "requests_in_doubt_unbounded": one.unbounded,
        "in_doubt_at_most_usd": usd(one.doubt),
    }
