"""The tariff: prices with their date."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Final

from backburner.errors import ModelUnknown, PriceSuspect
from backburner.nouns.batch import Via

WEB_SEARCH: Final = 10_000_000_000
"""Picodollars for one web search: $10 for 1,000, wherever it runs, and in a batch too.

Source: platform.claude.com pricing (web search tool), 2026-08-21. Whether a batch halves it is not
said there; another line says that tool calls in a batch are priced as in Messages.
"""

US: Final = "us"
"""The `inference_geo` that costs more: a tenth on every kind of token, not on web searches.

Source: platform.claude.com pricing (data residency pricing), 2026-08-21.
"""

_DATE_ENDING: Final = re.compile(r"-20\d{6}$")
_SUGGESTIONS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Picodollars per token, for each kind of token."""

    input: int
    output: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int

    def in_us(self) -> "Rates":
        """The rates of inference in the US alone.

        Raises:
            PriceSuspect: One of them would not be a whole number of picodollars.
        """
        return Rates(
            **{one.name: _in_us(one.name, getattr(self, one.name)) for one in fields(self)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Rates of requests whose whole prompt is longer than a threshold, for all their tokens.

    Source: platform.claude.com pricing (long-context pricing), 2026-08-21.
    """

    above_prompt_tokens: int
    sync: Rates
    batch: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """What one model costs.

    Attributes:
        steps: Dearer rates for longer prompts, by rising threshold.
        as_of: The date these prices are known from.
        source: Where they come from.
    """

    model: str
    sync: Rates
    batch: Rates
    as_of: date
    source: str
    steps: tuple[Step, ...] = ()

    def rates(self, prompt_tokens: int, via: Via) -> Rates:
        """The rates of a request with a prompt of this length, cached tokens included."""
        level: ModelPrice | Step = self
        for step in self.steps:
            if prompt_tokens > step.above_prompt_tokens:
                level = step
        return level.batch if via is Via.BATCH else level.sync

    def located(self, geo: str | None) -> "ModelPrice":
        """The price of calls with this `inference_geo`, as an answer's usage or a body names it.

        Raises:
            PriceSuspect: A rate in the US would not be a whole number of picodollars.
        """
        if geo != US:
            return self
        return replace(
            self,
            sync=self.sync.in_us(),
            batch=self.batch.in_us(),
            steps=tuple(
                replace(step, sync=step.sync.in_us(), batch=step.batch.in_us())
                for step in self.steps
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """Prices of a set of models.

    Attributes:
        as_of: The date of the newest price in the data.
        models: By id without a date.
        source: The data's name and version.
    """

    as_of: date
    models: Mapping[str, ModelPrice]
    source: str

    def price(self, model: str) -> ModelPrice:
        """The price of a model, by its alias or by its dated id.

        Raises:
            ModelUnknown: The tariff has no such model.
        """
        found = self.find(model)
        if found is None:
            raise unknown(model, self.models)
        return found

    def find(self, model: str) -> ModelPrice | None:
        """The price of a model, by its alias or by its dated id; None where there is none."""
        return self.models.get(model) or self.models.get(undated(model))


def undated(model: str) -> str:
    """A model's id without its date: `claude-haiku-4-5-20251001` is `claude-haiku-4-5`.

    Source: platform.claude.com models/overview (aliases), 2026-08-22.
    """
    return _DATE_ENDING.sub("", model)


def _in_us(kind: str, rate: int) -> int:
    dearer, rest = divmod(rate * 11, 10)
    if rest:
        raise PriceSuspect(
            f"{kind} at {rate} picodollars a token, and a tenth more in the US, is no whole number",
            hint="give the price in steps of $0.00002 for a million tokens",
        )
    return dearer


def unknown(model: str, known: Collection[str]) -> ModelUnknown:
    """The error for a model that is not among those known, with the nearest of them."""
    close = difflib.get_close_matches(undated(model), known, n=_SUGGESTIONS)
    near = f"did you mean {' or '.join(close)}?" if close else ""
    return ModelUnknown(
        f"there is no price for the model {model!r}",
        hint=near or f"known models: {', '.join(sorted(known))}",
    )
