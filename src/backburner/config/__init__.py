"""Settings: where the home is, and what an operator may change, in variables and a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from backburner.config.calls import concurrency
from backburner.config.doubts import (
    GAP,
    ON_DOUBT,
    QUIET,
    TTL,
    check_doubts,
    worker_terms,
)
from backburner.config.file import CONFIG, FILE_NAME, config_path, read_file
from backburner.config.lanes import lane_book, terms_of
from backburner.config.prices import ALLOW_UNKNOWN_PRICE, price_terms
from backburner.config.retention import retention_of
from backburner.config.retries import retry_policy
from backburner.config.routes import route_rules
from backburner.config.sections import check_sections
from backburner.config.table import ConfigTable
from backburner.config.zone import zone_of
from backburner.nouns.lane import LaneTerms
from backburner.nouns.own_price import PriceTerms
from backburner.nouns.policy import RetryPolicy
from backburner.nouns.retention import Retention
from backburner.nouns.route import Rule
from backburner.plan.reconciling import DoubtTerms

__all__ = [
    "ALLOW_UNKNOWN_PRICE",
    "CONFIG",
    "DEFAULT_LANE",
    "FILE_NAME",
    "GAP",
    "HOME",
    "ON_DOUBT",
    "QUIET",
    "TTL",
    "Settings",
    "home_from",
    "lane_book",
    "price_terms",
    "read_config",
    "retry_policy",
    "route_rules",
    "settings_from",
]

HOME: Final = "BACKBURNER_HOME"
DEFAULT_LANE: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings.

    Attributes:
        home: The folder of the store and the vault.
        config: The file, for the readers of its sections.
        ttl: Seconds a lease lasts without being renewed.
        doubts: How a doubt is resolved.
        concurrency: How many direct calls of a batch are under way at once.
        retries: What follows from each outcome.
        prices: What the user says of prices.
        lanes: The lanes that the file names.
        retention: How long texts are kept, here and upstream.
        routes: Which model, lane and urgency requests get, by the first rule that matches.
        zone: The zone of all others, by its IANA name; None where none is known.
    """

    home: Path
    config: ConfigTable
    ttl: float = 120.0
    doubts: DoubtTerms = field(default_factory=DoubtTerms)
    concurrency: int = 8
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    prices: PriceTerms = field(default_factory=PriceTerms)
    lanes: Mapping[str, LaneTerms] = field(default_factory=dict)
    retention: Retention = field(default_factory=Retention)
    routes: tuple[Rule, ...] = ()
    zone: str | None = None

    def lane_terms(self, name: str) -> LaneTerms:
        """What holds for a lane, whether the file names it or not.

        Raises:
            InputError: It is no word, so there can be no such lane.
        """
        return terms_of(name, self.lanes, self.zone)


def settings_from(environment: Mapping[str, str], home: Path | None, base_url: str) -> Settings:
    """The settings of an environment; `home`, where it is given, wins over its variable.

    Raises:
        ConfigError: The file or a variable says something that cannot be, or a figure is too short
            for a real upstream.
    """
    config = read_config(environment, home)
    (ttl, doubts), lanes = worker_terms(config), lane_book(config)
    check_doubts(doubts, [base_url, *(one.base_url for one in lanes.values() if one.base_url)])
    return Settings(
        home=home or home_from(environment),
        config=config,
        ttl=ttl,
        doubts=doubts,
        concurrency=concurrency(config),
        retries=retry_policy(config),
        prices=price_terms(config),
        lanes=lanes,
        retention=retention_of(config),
        routes=route_rules(config),
        zone=zone_of(config),
    )


def read_config(environment: Mapping[str, str], home: Path | None) -> ConfigTable:
    """The configuration file, all of it found to be sound.

    Raises:
        ConfigError: It says something that there is not, or that cannot be.
    """
    folder = home or home_from(environment)
    config = read_file(config_path(environment, folder), environment)
    check_sections(config)
    return config


def home_from(environment: Mapping[str, str]) -> Path:
    """The home folder: the variable's, or the user's data folder; never the current one."""
    named = environment.get(HOME)
    return Path(named).expanduser() if named else user_data_path("backburner")
