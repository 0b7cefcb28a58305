"""Money: whole picodollars, so that the smallest price of one token is exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

import msgspec

PICODOLLARS: Final = 10**12
"""In one US dollar. One dollar per million tokens is 1,000,000 picodollars per token."""

_PLACES: Final = 12
_SIGNIFICANT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Money:
    """An amount of US dollars. Added, compared and shown; multiplied only inside `plan.pricing`.

    Attributes:
        picodollars: 10⁻¹² US dollars; negative where a saving was a loss.
    """

    picodollars: int

    @classmethod
    def zero(cls) -> Self:
        """No money."""
        return cls(picodollars=0)

    @classmethod
    def total(cls, amounts: Iterable["Money"]) -> Self:
        """The sum of any number of amounts."""
        return cls(picodollars=sum(amount.picodollars for amount in amounts))

    def __add__(self, other: "Money") -> "Money":
        return Money(picodollars=self.picodollars + other.picodollars)

    def __sub__(self, other: "Money") -> "Money":
        return Money(picodollars=self.picodollars - other.picodollars)

    def __neg__(self) -> "Money":
        return Money(picodollars=-self.picodollars)

    def usd(self) -> str:
        """The exact amount in the fewest digits, for machines: `0.000123`, `5.28`, `-1`."""
        return usd(self.picodollars)

    def show(self) -> str:
        """The amount for people: `$5.28`, `$0.00`, `$0.0012`, `-$1,234.50`.

        Rounded half up, to cents, or to two significant digits where cents would say less.
        """
        places = _places(abs(self.picodollars))
        unit: int = 10 ** (_PLACES - places)
        rounded = (abs(self.picodollars) + unit // 2) // unit
        dollars, rest = divmod(rounded, 10**places)
        decimals = f"{rest:0{places}d}"
        cents, finer = decimals[:2], decimals[2:].rstrip("0")
        return f"{_sign(self.picodollars)}${dollars:,}.{cents}{finer}"


def usd(picodollars: int) -> str:
    """The exact amount in the fewest digits, for machines: `0.000123`, `5.28`, `-1`."""
    dollars, rest = divmod(abs(picodollars), PICODOLLARS)
    # Every row of a table has one of these: a single format and two strips take half the time.
    text = f"{dollars}.{rest:012d}".rstrip("0").rstrip(".")
    return f"-{text}" if picodollars < 0 else text


def picodollars(usd_text: str) -> int:
    """An exact amount of US dollars, as `usd` writes it."""
    return int(Decimal(usd_text).scaleb(_PLACES))


class Charge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What calls cost, and what they would have cost otherwise, in picodollars.

    Attributes:
        paid: The usage as it was, at the rates of the service that was used.
        uncached: The same service, every prompt token as plain input.
        sync: The Messages API, every prompt token as plain input.
    """

    paid: int = 0
    uncached: int = 0
    sync: int = 0

    def __add__(self, other: "Charge") -> "Charge":
        return Charge(
            paid=self.paid + other.paid,
            uncached=self.uncached + other.uncached,
            sync=self.sync + other.sync,
        )


def _sign(amount: int) -> str:
    return "-" if amount < 0 else ""


def _places(amount: int) -> int:
    if not amount:
        return _SIGNIFICANT
    leading_zeros = _PLACES - len(str(amount))
    return min(max(_SIGNIFICANT, leading_zeros + _SIGNIFICANT), _PLACES)
