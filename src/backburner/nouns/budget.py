"""A budget: the most that one scope may cost, and what of it is reserved or spent."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from backburner.errors import InputError
from backburner.nouns.given import several
from backburner.nouns.money import PICODOLLARS

DAY: Final = "day"
"""The scope whose limit every day has anew; `day:2026-11-22` is one of those days."""

MOST: Final = 9 * 10**18
"""The largest amount that the store's integers hold, with room to add to it: nine million dollars.
A worst case beyond it counts as this, and fits no budget; so does all that is reserved together."""

RESCUE: Final = "rescue"
"""The kind of scope that a run's rescue falls under."""

_KINDS: Final = ("run", RESCUE, "lane", "tag", "owner")
_WORD: Final = re.compile(r"[\w.@+-]{1,64}")


class BudgetMode(StrEnum):
    """What a run's batches reserve: all that they can cost, or what is likely."""

    WORST = "worst"
    EXPECTED = "expected"


class ReservationState(StrEnum):
    """Whether a reservation still waits for the bill."""

    RESERVED = "reserved"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One scope's limit, and how much of it is taken. Picodollars.

    Attributes:
        scope: `run:ID`, `rescue:ID`, `lane:NAME`, `tag:WORD`, `owner:WORD`, `day`, or
            `day:YYYY-MM-DD`.
        reserved: What the batches under way can still cost.
        spent: What was paid since it was set.
    """

    scope: str
    amount: int
    reserved: int
    spent: int
    set_at: float

    @property
    def left(self) -> int:
        """What may still be reserved; negative where more was spent than allowed since."""
        return self.amount - self.reserved - self.spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """Who pays for a run, what it is for, and the most that it may cost. No part of its identity.

    Attributes:
        owner: One word; empty for nobody.
        tags: Words, sorted and comma-joined.
        amount: The run's own budget in picodollars; None where it has none, or keeps what it has.
        mode: What its batches reserve; None where that stays as it is, worst case at first.
    """

    owner: str = ""
    tags: str = ""
    amount: int | None = None
    mode: BudgetMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """The most that the requests of one run in one batch can cost.

    Attributes:
        unbounded: How many of the requests have no bound.
        amount: The bounds of all others together, in picodollars.
    """

    run: str
    requests: int
    unbounded: int
    amount: int


def is_word(text: str) -> bool:
    """Whether a text can be a tag, an owner or a lane."""
    return isinstance(text, str) and _WORD.fullmatch(text) is not None


def tags_of(words: Iterable[str]) -> str:
    """Tags as a run keeps them: each once, sorted, comma-joined.

    Raises:
        InputError: One of them is no word, or they are no list.
    """
    tags = several("tags", words)
    for tag in tags:
        _check_word("tag", tag)
    return ",".join(sorted(set(tags)))


def owner_of(word: str) -> str:
    """An owner as a run keeps it; empty for nobody.

    Raises:
        InputError: It is no word.
    """
    if word:
        _check_word("owner", word)
    return word


def mode_of(word: str) -> BudgetMode:
    """A budget mode by its name.

    Raises:
        InputError: There is no such mode.
    """
    if word not in tuple(BudgetMode):
        raise InputError(f"{word!r} is no budget mode", hint="there is worst and expected")
    return BudgetMode(word)


def billing_of(
    budget: str | float | None = None,
    tags: Iterable[str] = (),
    owner: str = "",
    mode: str | None = None,
) -> Billing:
    """Who pays for a run and how much at most, as a person says it.

    Raises:
        InputError: A tag or the owner is no word, or the budget no amount.
    """
    return Billing(
        owner=owner_of(owner),
        tags=tags_of(tags),
        amount=None if budget is None else amount_of(str(budget)),
        mode=None if mode is None else mode_of(mode),
    )


def _check_word(kind: str, text: str) -> None:
    if not is_word(text):
        raise InputError(
            f"{text!r} is no {kind}: one word of letters, digits and . _ - @ +",
            hint=f"give one such as {'nightly' if kind == 'tag' else 'ann'}",
        )


def rescue_scope(run: str) -> str:
    """The scope of what a run may spend beyond its budget to keep its deadline."""
    return f"{RESCUE}:{run}"


def day_scope(day: str) -> str:
    """The scope of one day, given as YYYY-MM-DD."""
    return f"{DAY}:{day}"


def is_day(scope: str) -> bool:
    """Whether a scope is one day's."""
    return scope.startswith(f"{DAY}:")


def scope_of(text: str) -> str:
    """A scope as a person names it: `lane:default`, `tag:seo`, `owner:ann`, `run:k3x9qa`, `day`.

    Raises:
        InputError: There is no such scope.
    """
    kind, _, name = text.partition(":")
    if text == DAY or (kind in _KINDS and is_word(name)):
        return text
    raise InputError(
        f"{text!r} is no scope of a budget",
        hint="name one such as lane:default, tag:seo, owner:ann, run:RUN, or day",
    )


def amount_of(text: str) -> int:
    """Picodollars of an amount such as `5`, `5.00` or `$0.25`.

    Raises:
        InputError: It is none, is negative, or is more than a budget can hold.
    """
    try:
        dollars = Decimal(text.strip().removeprefix("$"))
        amount = dollars * PICODOLLARS if dollars.is_finite() else Decimal(-1)
    except InvalidOperation:
        amount = Decimal(-1)
    if amount != amount.to_integral_value() or not 0 <= amount <= MOST:
        raise InputError(
            f"{text!r} is no amount of US dollars",
            hint="give one such as 5 or 0.50; the most is 9000000",
        )
    return int(amount)
