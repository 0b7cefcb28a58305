"""Budgets: which of them a batch falls under, how much it takes of each, and whether it fits."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import Hold, Via
from backburner.nouns.budget import MOST, Budget, BudgetMode, WorstCase, day_scope, rescue_scope
from backburner.nouns.run import Run

_LONGEST_DAY: Final = 26 * 3600
"""Seconds: a day has at most 25 hours, on the night that the clocks go back."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What the answered requests of a run cost so far, in picodollars."""

    requests: int
    amount: int


@dataclass(frozen=True, slots=True)
class Short:
    """A budget that has too little left for what would be reserved."""

    budget: Budget
    needed: int

    @property
    def enough(self) -> int:
        """The limit with which it would fit now."""
        return self.budget.reserved + self.budget.spent + self.needed

    def is_stuck(self, coming_back: int) -> bool:
        """Whether it stays so even if this much of what is reserved comes back."""
        return self.enough - coming_back > self.budget.amount


@dataclass(frozen=True, slots=True)
class Need:
    """What one batch takes, and what keeps it from going.

    Attributes:
        taken: What it takes of each scope that has a budget.
        shorts: The budgets that have too little left.
        has_no_bound: Whether it holds requests whose cost nothing bounds.
    """

    taken: dict[str, int]
    shorts: tuple[Short, ...] = ()
    has_no_bound: bool = False

    @property
    def hold(self) -> Hold | None:
        """What it waits for; None where it may go."""
        if self.taken and self.has_no_bound:
            return Hold.UNBOUNDED
        return Hold.BUDGET if self.shorts else None


def scopes_of(run: Run, day: str, via: Via = Via.BATCH) -> tuple[str, ...]:
    """All that a run's requests may be held to, on a day given as YYYY-MM-DD.

    What is asked directly to keep its deadline goes beyond the run's own budget, on another.
    """
    tags = run.tags.split(",") if run.tags else ()
    owner = (f"owner:{run.owner}",) if run.owner else ()
    is_rescue = via is Via.DIRECT and run.rescued_at is not None
    own = rescue_scope(run.id) if is_rescue else f"run:{run.id}"
    labels = (own, f"lane:{run.lane}", day_scope(day))
    return (*labels, *owner, *(f"tag:{tag}" for tag in tags))


def has_no_bound(cases: Iterable[WorstCase], runs: Mapping[str, Run]) -> bool:
    """Whether a batch holds requests without a bound, of a run that reserves the worst case."""
    return any(case.unbounded and not _is_expected(runs[case.run]) for case in cases)


def demand(
    cases: Iterable[WorstCase],
    runs: Mapping[str, Run],
    paid: Mapping[str, Paid],
    day: str,
    via: Via = Via.BATCH,
) -> dict[str, int]:
    """What a batch takes of each scope, whether that has a budget or not.

    Args:
        cases: What each run's requests in the batch can cost.
        runs: Those runs.
        paid: What requests of those runs cost that were answered, where any was.
        day: The lane's local day.
        via: How they travel.
    """
    taken: Counter[str] = Counter()
    for case in cases:
        run = runs[case.run]
        amount = _expected(case, paid.get(case.run)) if _is_expected(run) else case.amount
        taken.update(dict.fromkeys(scopes_of(run, day, via), amount))
    return {scope: min(amount, MOST) for scope, amount in taken.items()}


def _is_expected(run: Run) -> bool:
    return run.budget_mode == BudgetMode.EXPECTED


def _expected(case: WorstCase, paid: Paid | None) -> int:
    """What answered requests of the run cost on average; before any was, the worst case."""
    if paid is None or not paid.requests:
        return case.amount
    likely = -(-paid.amount * case.requests // paid.requests)
    return likely if case.unbounded else min(likely, case.amount)


def shortfalls(taken: Mapping[str, int], budgets: Mapping[str, Budget]) -> list[Short]:
    """The budgets that have too little left for a batch, in the order of their scopes."""
    return [
        Short(budgets[scope], taken[scope])
        for scope in sorted(taken.keys() & budgets.keys())
        if budgets[scope].left < taken[scope]
    ]


def next_day_at(day: Callable[[float], str], now: float) -> float:
    """The first whole second of the next day, by a lane's own days."""
    today, early, late = day(now), int(now), int(now) + _LONGEST_DAY
    while late - early > 1:
        middle = (early + late) // 2
        if day(middle) == today:
            early = middle
        else:
            late = middle
    return float(late)
