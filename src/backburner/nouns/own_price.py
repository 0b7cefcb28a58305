"""Own prices: what a user states that models cost, in `backburner.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec

from backburner.errors import ConfigError
from backburner.nouns.tariff import ModelPrice, Rates, Step

OWN_SOURCE: Final = "backburner.toml"
"""The source of every own price."""

_PER_DOLLAR_A_MILLION: Final = 1_000_000
_WRITE_5M, _WRITE_1H, _READ = Decimal("1.25"), Decimal(2), Decimal("0.1")
"""What cache tokens cost, as a multiple of input: writes on every model, reads on most.

Source: platform.claude.com pricing (prompt caching), 2026-08-21.
"""


class OwnStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sync prices of requests whose whole prompt is longer than `above` tokens."""

    above: int
    input: Decimal
    output: Decimal


class OwnPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one model costs sync, in US dollars for a million tokens; in a batch it is half.

    Attributes:
        cache_write_5m: As a multiple of `input`, like the two that follow it; where it is not
            stated, the model's own in the price table, else the usual one.
        steps: None where nothing is said of them.
        as_of: The date of the price; the day of the file where it is not stated.
        place: The file and table that state it, for errors. No key of the file.
    """

    input: Decimal
    output: Decimal
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    cache_read: Decimal | None = None
    steps: tuple[OwnStep, ...] | None = None
    as_of: date | None = None
    place: str = msgspec.field(default="", name="(place)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTerms:
    """What a user says of prices.

    Attributes:
        own: Prices of their own, by the model's name.
        allow_unknown: Whether a model without a known price may be sent.
    """

    own: Mapping[str, OwnPrice] = field(default_factory=dict)
    allow_unknown: bool = False


def own_price(place: str, values: Any, day: date) -> OwnPrice:
    """An own price as a table of a file states it, whose numbers were read as decimals.

    Args:
        place: The file and the table.
        values: What stands there.
        day: The day of the file.

    Raises:
        ConfigError: A key is missing or unknown, or a value is not what may stand there.
    """
    try:
        price = msgspec.convert(values, OwnPrice)
    except msgspec.ValidationError as error:
        _refuse(place, str(error))
    for key in ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read"):
        _check(place, key, getattr(price, key))
    for step in price.steps or ():
        _check(place, "input", step.input)
        _check(place, "output", step.output)
    above = [step.above for step in price.steps or ()]
    if above != sorted(set(above)) or any(tokens < 1 for tokens in above):
        _refuse(place, "steps do not rise: give each a larger `above` than the one before")
    return msgspec.structs.replace(price, as_of=price.as_of or day, place=place)


def priced_by_user(model: str, own: OwnPrice, known: ModelPrice | None) -> ModelPrice:
    """An own price as a tariff has it.

    Args:
        known: What the price table says of the model, where it knows it.

    Raises:
        ConfigError: A rate would not be a whole number of picodollars, or the price table has steps
            for the model and the own price says nothing of them.
    """
    if own.steps is None and known is not None and known.steps:
        above = known.steps[0].above_prompt_tokens
        _refuse(
            own.place,
            f"it costs more above {above:,} tokens of prompt, and steps are missing",
            f"add steps = [{{ above = {above}, input = …, output = … }}], or steps = []",
        )
    sync, batch = _both(own, own.input, own.output, known)
    return ModelPrice(
        model=model,
        sync=sync,
        batch=batch,
        as_of=own.as_of or date.min,
        source=OWN_SOURCE,
        steps=tuple(
            Step(above_prompt_tokens=step.above, sync=dear, batch=half)
            for step in own.steps or ()
            for dear, half in [_both(own, step.input, step.output, known)]
        ),
    )


def _both(
    own: OwnPrice, per_input: Decimal, per_output: Decimal, known: ModelPrice | None
) -> tuple[Rates, Rates]:
    """Sync rates and batch rates."""
    sync = known.sync if known is not None else None
    dollars = {
        "input": per_input,
        "output": per_output,
        "cache_write_5m": per_input
        * _factor(own.cache_write_5m, sync, "cache_write_5m", _WRITE_5M),
        "cache_write_1h": per_input
        * _factor(own.cache_write_1h, sync, "cache_write_1h", _WRITE_1H),
        "cache_read": per_input * _factor(own.cache_read, sync, "cache_read", _READ),
    }
    halves = {kind: _half(own.place, kind, price) for kind, price in dollars.items()}
    return Rates(**{kind: 2 * half for kind, half in halves.items()}), Rates(**halves)


def _factor(stated: Decimal | None, known: Rates | None, kind: str, usual: Decimal) -> Decimal:
    if stated is not None:
        return stated
    if known is None or not known.input:
        return usual
    return Decimal(int(getattr(known, kind))) / known.input


def _half(place: str, kind: str, dollars: Decimal) -> int:
    """Picodollars a token in a batch, with room for the tenth more of the US."""
    half = dollars * _PER_DOLLAR_A_MILLION / 2
    if half % 10:
        _refuse(
            place,
            f"{kind} of ${dollars.normalize():f} is too fine: in a batch, and a tenth more in the "
            "US, a token costs no whole number of picodollars",
            "round it to $0.00002 for a million tokens",
        )
    return int(half)


def _check(place: str, key: str, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value >= 0):
        _refuse(place, f"{key} is {value}, not a number of at least 0")


def _refuse(place: str, what: str, hint: str = "") -> NoReturn:
    raise ConfigError(
        f"{place}: {what}",
        hint=hint
        or "give input and output in US dollars for a million tokens; docs/cli.md has more",
    )
