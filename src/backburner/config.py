"""Settings: where the home is, and the few figures an operator may change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from platformdirs import user_data_path

from backburner.errors import ConfigError
from backburner.plan.reconciling import DoubtTerms, OnDoubt

HOME: Final = "BACKBURNER_HOME"
TTL: Final = "BACKBURNER_TTL"
QUIET: Final = "BACKBURNER_QUIET"
GAP: Final = "BACKBURNER_GAP"
ON_DOUBT: Final = "BACKBURNER_ON_DOUBT"
DEFAULT_LANE: Final = "default"

_LEAST_QUIET: Final = 600.0
"""The SDK itself waits ten minutes for an answer: a shorter rest could miss a slow one."""

_LEAST_GAP: Final = 60.0
"""What the list does not show yet it may show a minute later."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "emulator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings.

    Attributes:
        home: The folder of the store and the vault.
        ttl: Seconds a lease lasts without being renewed.
        doubts: How a doubt is resolved.
    """

    home: Path
    ttl: float = 120.0
    doubts: DoubtTerms = field(default_factory=DoubtTerms)


def settings_from(environment: Mapping[str, str], home: Path | None, base_url: str) -> Settings:
    """The settings of an environment; `home`, where it is given, wins over its variable.

    Raises:
        ConfigError: A figure is no number, or too short for a real upstream.
    """
    return Settings(
        home=home or home_from(environment),
        ttl=_seconds(environment, TTL, 120.0),
        doubts=_doubts(environment, base_url),
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
