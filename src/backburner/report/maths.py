"""The README's maths: each of its figures, computed by the code that charges for a run."""

from dataclasses import dataclass
from typing import Final

from backburner.nouns.batch import Via
from backburner.nouns.money import Money
from backburner.nouns.tariff import Tariff
from backburner.nouns.usage import Usage
from backburner.plan.pricing import cost

TABLE_MODELS: Final = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-7")
"""The models whose prices the README shows."""

DRAFTS_MODEL: Final = "claude-sonnet-4-6"
DRAFTS: Final = 1_000
DRAFT: Final = Usage(input_tokens=20, output_tokens=700)
"""The README's example: a night's worth of article drafts, each of a one-line prompt."""

_MILLION_IN: Final = Usage(input_tokens=1_000_000)
_MILLION_OUT: Final = Usage(output_tokens=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """What a million tokens of one model cost, sync and in a batch."""

    model: str
    sync_input: Money
    sync_output: Money
    batch_input: Money
    batch_output: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The same calls, sync and in a batch."""

    sync: Money
    batch: Money


def price_table(tariff: Tariff) -> tuple[TableRow, ...]:
    """The README's table of prices.

    Raises:
        ModelUnknown: The tariff lacks one of `TABLE_MODELS`.
    """
    return tuple(
        TableRow(
            model=model,
            sync_input=_cost(tariff, model, _MILLION_IN, Via.DIRECT),
            sync_output=_cost(tariff, model, _MILLION_OUT, Via.DIRECT),
            batch_input=_cost(tariff, model, _MILLION_IN, Via.BATCH),
            batch_output=_cost(tariff, model, _MILLION_OUT, Via.BATCH),
        )
        for model in TABLE_MODELS
    )


def drafts(tariff: Tariff) -> Example:
    """A thousand drafts of 700 tokens, from prompts of 20.

    Raises:
        ModelUnknown: The tariff lacks `DRAFTS_MODEL`.
    """
    return Example(sync=_drafts(tariff, Via.DIRECT), batch=_drafts(tariff, Via.BATCH))


def _drafts(tariff: Tariff, via: Via) -> Money:
    return Money.total(_cost(tariff, DRAFTS_MODEL, DRAFT, via) for _ in range(DRAFTS))


def _cost(tariff: Tariff, model: str, usage: Usage, via: Via) -> Money:
    return Money(picodollars=cost(tariff, model, usage, via))
