"""Settings: where the home is, and the few figures an operator may change."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from platformdirs import user_data_path

from backburner.errors import ConfigError

HOME: Final = "BACKBURNER_HOME"
TTL: Final = "BACKBURNER_TTL"
QUIET: Final = "BACKBURNER_QUIET"
DEFAULT_LANE: Final = "default"

_LEAST_QUIET: Final = 600.0
"""The SDK itself waits ten minutes for an answer: a shorter rest could miss a slow one."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "emulator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings.

    Attributes:
        home: The folder of the store and the vault.
        ttl: Seconds a lease lasts without being renewed.
        quiet: Seconds a doubt must rest before it is resolved.
    """

    home: Path
    ttl: float = 120.0
    quiet: float = 900.0


def settings_from(environment: Mapping[str, str], home: Path | None, base_url: str) -> Settings:
    """The settings of an environment; `home`, where it is given, wins over its variable.

    Raises:
        ConfigError: A figure is no number, or `quiet` is too short for a real upstream.
    """
    quiet = _seconds(environment, QUIET, 900.0)
    if quiet < _LEAST_QUIET and urlsplit(base_url).hostname not in _LOOPBACK:
        raise ConfigError(
            f"{QUIET}={quiet:g} is too short for {base_url}: a slow answer could be missed",
            hint=f"leave it out, or give at least {_LEAST_QUIET:g} seconds",
        )
    return Settings(
        home=home or home_from(environment), ttl=_seconds(environment, TTL, 120.0), quiet=quiet
    )


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
