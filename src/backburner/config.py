"""Settings: where the home is, and what an operator may change, in variables and a file."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from math import isinf
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from platformdirs import user_data_path

from backburner.errors import ConfigError
from backburner.nouns.outcome import Outcome
from backburner.nouns.own_price import OwnPrice, PriceTerms, own_price
from backburner.nouns.policy import CHOICES, DEFAULT_RULES, RetryPolicy, RetryRule, Then
from backburner.plan.reconciling import DoubtTerms, OnDoubt

HOME: Final = "BACKBURNER_HOME"
TTL: Final = "BACKBURNER_TTL"
QUIET: Final = "BACKBURNER_QUIET"
GAP: Final = "BACKBURNER_GAP"
ON_DOUBT: Final = "BACKBURNER_ON_DOUBT"
ALLOW_UNKNOWN_PRICE: Final = "BACKBURNER_ALLOW_UNKNOWN_PRICE"
DEFAULT_LANE: Final = "default"
CONFIG: Final = "config.toml"

_LEAST_QUIET: Final = 600.0
"""The SDK itself waits ten minutes for an answer: a shorter rest could miss a slow one."""

_LEAST_GAP: Final = 60.0
"""What the list does not show yet it may show a minute later."""

_MOST_TIMES: Final = 100
_LEAST_SHARE: Final = 0.01
_FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "emulator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings.

    Attributes:
        home: The folder of the store and the vault.
        ttl: Seconds a lease lasts without being renewed.
        doubts: How a doubt is resolved.
        retries: What follows from each outcome.
        prices: What the user says of prices.
    """

    home: Path
    ttl: float = 120.0
    doubts: DoubtTerms = field(default_factory=DoubtTerms)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    prices: PriceTerms = field(default_factory=PriceTerms)


def settings_from(environment: Mapping[str, str], home: Path | None, base_url: str) -> Settings:
    """The settings of an environment; `home`, where it is given, wins over its variable.

    Raises:
        ConfigError: A figure is no number, or too short for a real upstream.
    """
    folder = home or home_from(environment)
    return Settings(
        home=folder,
        ttl=_seconds(environment, TTL, 120.0),
        doubts=_doubts(environment, base_url),
        retries=retry_policy(folder / CONFIG),
        prices=price_terms(environment, folder / CONFIG),
    )


def _doubts(environment: Mapping[str, str], base_url: str) -> DoubtTerms:
    terms = DoubtTerms(
        quiet=_seconds(environment, QUIET, 900.0),
        gap=_seconds(environment, GAP, 60.0),
        on_doubt=_on_doubt(environment),
    )
    is_real = urlsplit(base_url).hostname not in _LOOPBACK
    for name, value, least in ((QUIET, terms.quiet, _LEAST_QUIET), (GAP, terms.gap, _LEAST_GAP)):
        if is_real and value < least:
            raise ConfigError(
                f"{name}={value:g} is too short for {base_url}: what comes late could be missed",
                hint=f"leave it out, or give at least {least:g} seconds",
            )
    return terms


def _on_doubt(environment: Mapping[str, str]) -> OnDoubt:
    text = environment.get(ON_DOUBT) or OnDoubt.WAIT
    if text not in tuple(OnDoubt):
        raise ConfigError(f"{ON_DOUBT}={text!r} is neither wait nor hedge", hint="leave it out")
    return OnDoubt(text)


def home_from(environment: Mapping[str, str]) -> Path:
    """The home folder: the variable's, or the user's data folder; never the current one."""
    named = environment.get(HOME)
    return Path(named).expanduser() if named else user_data_path("backburner")


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value <= 0:
        raise ConfigError(f"{name}={text!r} is no number of seconds", hint="give one, such as 120")
    return value


def retry_policy(file: Path) -> RetryPolicy:
    """The policy of a `config.toml`: the usual one, but for what its `[retry]` says.

    Raises:
        ConfigError: It is no TOML, or says something that there is not.
    """
    settings = _Toml(file, _read_toml(file))
    settings.check_keys("", ("retry", "prices"))
    chosen = settings.table("retry")
    usual = RetryPolicy()
    rules = dict(DEFAULT_RULES)
    chosen.check_keys("retry.", ("longest_wait", "capacity_seconds", *CHOICES))
    for outcome in CHOICES:
        rules[outcome] = _rule(chosen.table(outcome), outcome, rules[outcome])
    return RetryPolicy(
        rules=rules,
        longest_wait=chosen.number("longest_wait", usual.longest_wait, least=1.0),
        capacity_seconds=chosen.number("capacity_seconds", usual.capacity_seconds, least=0.0),
    )


def _rule(chosen: "_Toml", outcome: Outcome, usual: RetryRule) -> RetryRule:
    chosen.check_keys(f"retry.{outcome}.", ("then", "times", "wait", "share"))
    then = chosen.one_of("then", usual.then, CHOICES[outcome])
    return RetryRule(
        then=Then(then),
        times=int(chosen.number("times", usual.times, least=1, most=_MOST_TIMES, whole=True)),
        wait=chosen.number("wait", usual.wait, least=0.0),
        share=chosen.number("share", usual.share, least=_LEAST_SHARE, most=1.0),
    )


def price_terms(environment: Mapping[str, str], file: Path) -> PriceTerms:
    """What a `config.toml` says in its `[prices]`, and a variable.

    Raises:
        ConfigError: It is no TOML, or says something that cannot be.
    """
    # As decimals: a price has to be exact.
    chosen = _Toml(file, _read_toml(file, number=Decimal)).table("prices")
    models = chosen.tables("prices.", besides=("allow_unknown",))
    return PriceTerms(
        own=_own_prices(file, models),
        allow_unknown=chosen.flag("allow_unknown", usual=_flag(environment, ALLOW_UNKNOWN_PRICE)),
    )


def _own_prices(file: Path, models: Mapping[str, Any]) -> dict[str, OwnPrice]:
    if not models:
        return {}
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC).date()
    return {model: own_price(model, values, changed) for model, values in models.items()}


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "0"
    if text not in _FLAGS:
        raise ConfigError(f"{name}={text!r} is neither 1 nor 0", hint="leave it out for 0")
    return _FLAGS[text]


def _read_toml(file: Path, number: Callable[[str], Any] = float) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=number)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file} cannot be read: {error}", hint="mend it, or remove it"
        ) from error


class _Toml:
    """A table of a TOML file, read key by key."""

    def __init__(self, file: Path, values: dict[str, Any], path: str = "") -> None:
        self._file = file
        self._values = values
        self._path = path

    def check_keys(self, path: str, known: Iterable[str]) -> None:
        """Refuse keys that mean nothing: a misspelled one would be obeyed by nobody."""
        self._path = path
        for key in self._values:
            if key not in set(known):
                raise ConfigError(
                    f"{self._file}: there is no {path}{key}", hint=f"there is {', '.join(known)}"
                )

    def table(self, key: str) -> "_Toml":
        """The table under a key; an empty one where there is none."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, value, f"a table, such as [{self._path}{key}]")
        return _Toml(self._file, value)

    def tables(self, path: str, besides: Iterable[str]) -> dict[str, Any]:
        """All tables under it, but for a few keys that are none."""
        self._path = path
        found = {key: value for key, value in self._values.items() if key not in set(besides)}
        for key, value in found.items():
            if not isinstance(value, dict):
                raise self._wrong(key, value, "a table of a model's prices")
        return found

    def flag(self, key: str, *, usual: bool) -> bool:
        """True or false."""
        value = self._values.get(key, usual)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def one_of(self, key: str, usual: str, allowed: Iterable[str]) -> str:
        """One of a few words."""
        value = self._values.get(key, usual)
        if value not in set(allowed):
            raise self._wrong(key, value, " or ".join(allowed))
        return str(value)

    def number(
        self,
        key: str,
        usual: float,
        *,
        least: float,
        most: float = float("inf"),
        whole: bool = False,
    ) -> float:
        """A number within limits."""
        value = self._values.get(key, usual)
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            kind = "a whole number" if whole else "a number"
            limits = f"at least {least:g}" if isinf(most) else f"from {least:g} to {most:g}"
            raise self._wrong(key, value, f"{kind}, {limits}")
        return float(value)

    def _wrong(self, key: str, value: object, wanted: str) -> ConfigError:
        return ConfigError(
            f"{self._file}: {self._path}{key} is {value!r}, not {wanted}",
            hint="`backburner policy` and `backburner prices` show what holds",
        )
