"""Prices: genai-prices made into a `Tariff`. The only module that imports it.

It answers a question without a batch price, or with a misspelled context, with the full price and
no word of it. So a batch rate is believed only when it is half of its sync rate, and a model
without one is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from backburner.errors import ModelUnknown, PriceSuspect
from backburner.nouns.own_price import OwnPrice, priced_by_user
from backburner.nouns.tariff import ModelPrice, Rates, Step, Tariff, undated, unknown

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, TieredPrices
    from genai_prices.types import ModelPrice as TheirPrice

BATCH_CONTEXT: Final[Mapping[str, str]] = {"processing": "batch"}
"""What selects batch rates. Source: genai-prices 0.2.3, data.py (`price_variants`)."""

DATA_START: Final = date(2026, 10, 14)
"""The first day of its batch rates; before it, it gives full prices. Earlier days are read as this.

Source: genai-prices 0.2.3, data.py (`StartDateConstraint`).
"""

DATED_IDS: Final = frozenset(
    {"claude-haiku-4-5-20251001", "claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929"}
)
"""Current models that have an id with a date besides their alias.

Source: platform.claude.com models/overview, 2026-08-22.
"""

_PROVIDER: Final = "anthropic"
_PER_DOLLAR_A_MILLION: Final = 1_000_000
_HALF_LEAST, _HALF_MOST = 45, 55
_REINSTALL: Final = "install the version of genai-prices that this release was tested with"
_KINDS: Final = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "cache_read": "cache_read_mtok",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A model that the data lacks, and the model in it that costs the same."""

    same_as: str
    as_of: date
    source: str


OVERRIDES: Final[Mapping[str, Override]] = {
    "claude-mythos-5": Override(
        same_as="claude-fable-5",
        as_of=date(2026, 9, 15),
        source="platform.claude.com pricing",
    ),
    "claude-mythos-5-1": Override(
        same_as="claude-fable-5-1",
        as_of=date(2026, 9, 15),
        source="platform.claude.com pricing",
    ),
}
"""Current models that genai-prices 0.2.3 lacks. Its own entry wins as soon as it has one.

That a Mythos costs what its Fable does is also on platform.claude.com models/fable-5/overview.
"""


_NO_OWN: Final[Mapping[str, OwnPrice]] = {}


def tariff(
    models: Iterable[str] | None, when: datetime, own: Mapping[str, OwnPrice] = _NO_OWN
) -> Tariff:
    """The prices of these models at a time; of all that have a batch price, if None.

    Args:
        own: The user's own prices, which go before those of the data.

    Raises:
        ModelUnknown: There is no price, or no batch price, for one of them.
        PriceSuspect: The data contradicts itself for one of them.
        ConfigError: An own price of one of them cannot be.
    """
    return read(_bundled(), models, when, own=own)


def known_models(when: datetime, own: Mapping[str, OwnPrice] = _NO_OWN) -> frozenset[str]:
    """The models that can be run in a batch at a time: aliases and dated ids.

    Raises:
        PriceSuspect: The data has no batch price at all.
    """
    known = _data(_bundled(), when, BATCH_CONTEXT).with_batch() | {*own, *map(undated, own)}
    return known | frozenset(model for model in DATED_IDS if undated(model) in known)


def read(
    entries: Iterable["ModelInfo"],
    models: Iterable[str] | None,
    when: datetime,
    context: Mapping[str, str] = BATCH_CONTEXT,
    own: Mapping[str, OwnPrice] = _NO_OWN,
) -> Tariff:
    """A tariff made from entries of the data.

    Args:
        entries: What the data holds of Anthropic's models.
        models: Aliases or dated ids; None for all that have a batch price.
        when: The time whose prices are meant; before `DATA_START` it counts as that day.
        context: What selects the batch rates.
        own: The user's own prices, which go before those of the data.

    Raises:
        ModelUnknown: There is no price, or no batch price, for one of the models.
        PriceSuspect: The data contradicts itself, or has no batch price at all.
    """
    data = _data(entries, when, context)
    by_user = {undated(model): price for model, price in own.items()}
    known = data.with_batch() | by_user.keys()
    names = known if models is None else [_name(model, known, data) for model in models]
    return Tariff(
        as_of=data.as_of(),
        models={name: _priced(data, name, by_user.get(name)) for name in sorted(names)},
        source=data.source,
    )


def _priced(data: "_Data", name: str, own: OwnPrice | None) -> ModelPrice:
    if own is None:
        return data.price(name)
    return priced_by_user(name, own, data.price(name) if name in data.with_batch() else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    entries: Mapping[str, "ModelInfo"]
    when: datetime
    context: Mapping[str, str]
    source: str

    def as_of(self) -> date:
        """The newest day on which any price began."""
        starts = (start for entry in self.entries.values() for start in _starts(entry))
        return max((start for start in starts if start <= self.when.date()), default=DATA_START)

    def with_batch(self) -> frozenset[str]:
        """Every model with a batch price; a model that is given its full price has none."""
        own = {name for name, entry in self.entries.items() if self._has_batch(entry)}
        if not own:
            raise PriceSuspect(
                f"{self.source} has no batch price for any Claude model",
                hint=_REINSTALL,
            )
        return frozenset(own | {name for name, twin in OVERRIDES.items() if twin.same_as in own})

    def price(self, name: str) -> ModelPrice:
        entry = self.entries.get(name)
        if entry and self._has_batch(entry):
            return self._own_price(name, entry)
        override = OVERRIDES[name]
        twin = self._own_price(override.same_as, self.entries[override.same_as])
        return replace(twin, model=name, as_of=override.as_of, source=override.source)

    def _has_batch(self, entry: "ModelInfo") -> bool:
        return entry.get_prices(self.when, self.context) != entry.get_prices(self.when)

    def _own_price(self, name: str, entry: "ModelInfo") -> ModelPrice:
        theirs = _Pair(
            model=name,
            sync=entry.get_prices(self.when),
            batch=entry.get_prices(self.when, self.context),
        )
        base, *steps = (theirs.level(start) for start in (0, *theirs.steps(entry.context_window)))
        return ModelPrice(
            model=name,
            sync=base.sync,
            batch=base.batch,
            steps=tuple(steps),
            as_of=self.as_of(),
            source=self.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One model's sync and batch prices as the data has them."""

    model: str
    sync: "TheirPrice"
    batch: "TheirPrice"

    def steps(self, context_window: int | None) -> list[int]:
        """Prompt lengths above which it is dearer, but for those no prompt can reach.

        Sonnet 4.5 keeps a step at 200,000 from a beta that ended on 2026-04-30, with a context
        window of 200,000. Source: genai-prices 0.2.3, data.py (`price_comments`).
        """
        starts = {
            tier.start
            for theirs in (self.sync, self.batch)
            for key in _KINDS.values()
            for tier in getattr(getattr(theirs, key), "tiers", ())
        }
        return sorted(start for start in starts if not context_window or start < context_window)

    def level(self, above: int) -> Step:
        sync, batch = self._rates(self.sync, above), self._rates(self.batch, above)
        for kind in _KINDS:
            whole, half = getattr(sync, kind), getattr(batch, kind)
            if not _HALF_LEAST * whole <= 100 * half <= _HALF_MOST * whole:
                raise PriceSuspect(
                    f"the batch price of {self.model} for {kind} is {half} picodollars a token, "
                    f"which is not half of its sync price of {whole}",
                    hint=_REINSTALL,
                )
        return Step(above_prompt_tokens=above, sync=sync, batch=batch)

    def _rates(self, theirs: "TheirPrice", above: int) -> Rates:
        return Rates(**{kind: self._rate(theirs, kind, above) for kind in _KINDS})

    def _rate(self, theirs: "TheirPrice", kind: str, above: int) -> int:
        dollars = _dollars(getattr(theirs, _KINDS[kind]), above)
        scaled = None if dollars is None else dollars * _PER_DOLLAR_A_MILLION
        # With a tenth more in the US it has to be whole too.
        if scaled is None or scaled % 10:
            raise PriceSuspect(
                f"the price of {self.model} for {kind} is {dollars} dollars a million tokens, "
                "which is not a whole number of tens of picodollars a token",
                hint=_REINSTALL,
            )
        return int(scaled)


def _dollars(price: "Decimal | TieredPrices | None", above: int) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= above]
    return reached[-1] if reached else price.base


def _bundled() -> "list[ModelInfo]":
    # Imported here because it takes 0.2 s and 30 MB, which most commands need not pay.
    from genai_prices.data_snapshot import find_provider_by_id, get_snapshot  # noqa: PLC0415

    provider = find_provider_by_id(get_snapshot().providers, _PROVIDER)
    return provider.models if provider else []


def _data(entries: Iterable["ModelInfo"], when: datetime, context: Mapping[str, str]) -> _Data:
    from genai_prices import __version__  # noqa: PLC0415

    return _Data(
        entries={entry.id: entry for entry in entries if entry.id.startswith("claude-")},
        when=max(when.astimezone(UTC), datetime.combine(DATA_START, time(), UTC)),
        context=context,
        source=f"genai-prices {__version__}",
    )


def _name(model: str, known: frozenset[str], data: _Data) -> str:
    name = undated(model)
    if name in known:
        return name
    if any(entry.is_match(model) for entry in data.entries.values() if entry.id not in known):
        raise ModelUnknown(
            f"{data.source} has no batch price for {model!r}: a retired model has none",
            hint=f"current models: {', '.join(sorted(known))}",
        )
    raise unknown(model, known)


def _starts(entry: "ModelInfo") -> Iterator[date]:
    prices = entry.prices if isinstance(entry.prices, list) else []
    for part in (*prices, *(entry.price_variants or ())):
        start = getattr(part.constraint, "start_date", None)
        if start is not None:
            yield start
