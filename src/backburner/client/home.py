"""Opening a home: its store, its vault, this process's name in it, and the tools of a worker."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from backburner.client.inbox import ticket_stager
from backburner.clock import Clock
from backburner.config import Settings
from backburner.errors import StoreUnusable
from backburner.nouns.own_price import OwnPrice
from backburner.nouns.tariff import Tariff
from backburner.plan.packing import PackLimits
from backburner.runs.staging import Desk
from backburner.store import Store
from backburner.store.owners import Owner
from backburner.telemetry import Listener
from backburner.upstream import Upstream
from backburner.vault import Vault
from backburner.worker import Terms, Tools

if TYPE_CHECKING:
    import anthropic

_OWNER_LENGTH = 10

_TARIFFS: Final = 64
"""Sets of models whose prices are kept: more than are in use on one day."""

PricesAt = Callable[[tuple[str, ...], datetime], Tariff]
"""Gives the prices of these models at a time; of all that there are, where none is named."""


@dataclass(frozen=True, slots=True)
class Home:
    """An open home folder."""

    path: Path
    store: Store
    vault: Vault
    owner: Owner

    def close(self) -> None:
        """Give back what the process holds."""
        self.owner.close()
        self.store.close()


def open_home(path: Path, clock: Clock) -> Home:
    """Open a home folder, made for this user alone if it is not there.

    Raises:
        StoreUnusable: It cannot be made, opened or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = Store(path)
        owner = Owner(path, clock.token(_OWNER_LENGTH))
    except OSError as error:
        raise StoreUnusable(
            f"the home folder {path} cannot be used: {error.strerror}",
            hint="choose another with --home or BACKBURNER_HOME",
        ) from error
    return Home(path, store, Vault(path / "vault"), owner)


def worker_tools(
    home: Home,
    clock: Clock,
    settings: Settings,
    limits: PackLimits,
    connect: Callable[[str], Upstream],
    emit: Listener,
) -> Tools:
    """What a worker of this home needs."""
    tariff = tariff_source(clock, listed_prices(settings.prices.own))
    desk = Desk(store=home.store, vault=home.vault, clock=clock, limits=limits)
    return Tools(
        store=home.store,
        vault=home.vault,
        clock=clock,
        terms=Terms(
            ttl=settings.ttl,
            doubts=settings.doubts,
            limits=limits,
            retries=settings.retries,
            concurrency=settings.concurrency,
            retention=settings.retention,
        ),
        owner=home.owner.name,
        is_alive=home.owner.is_alive,
        connect=connect,
        tariff=tariff,
        lane_terms=settings.lane_terms,
        day=days_in(settings.zone),
        stage=ticket_stager(desk, tariff, settings.lane_terms),
        emit=emit,
    )


def tariff_source(clock: Clock, prices_at: PricesAt) -> Callable[[Iterable[str]], Tariff]:
    """The prices of models on the clock's day; each set of models is looked up once a day.

    Prices begin on days of UTC, and a worker runs for months.
    """

    @lru_cache(maxsize=_TARIFFS)
    def look_up(models: tuple[str, ...], day: date) -> Tariff:
        return prices_at(models, datetime(day.year, day.month, day.day, tzinfo=UTC))

    return lambda models: look_up(tuple(models), datetime.fromtimestamp(clock.now(), UTC).date())


def listed_prices(own: Mapping[str, OwnPrice]) -> PricesAt:
    """Gives prices as the price table, and the user, have them."""

    def prices_at(models: tuple[str, ...], when: datetime) -> Tariff:
        from backburner import prices  # noqa: PLC0415  # slow to import, and not needed for --help

        return prices.tariff(models or None, when, own)

    return prices_at


def days_in(zone: str | None) -> Callable[[float], str]:
    """Gives the day at a time, as YYYY-MM-DD, in a zone; in the process's own if none is known."""
    if zone is None:
        return lambda at: time.strftime("%Y-%m-%d", time.localtime(at))
    where = ZoneInfo(zone)
    return lambda at: datetime.fromtimestamp(at, where).date().isoformat()


def upstream_of(client: "anthropic.Anthropic", settings: Settings) -> Upstream:
    """The upstream behind an SDK client. The answer to a create may take `quiet` less a minute."""
    return Upstream(client, create_seconds=create_seconds(settings))


def create_seconds(settings: Settings) -> float:
    """How long the answer to a create is waited for: `quiet` less a minute."""
    quiet = settings.doubts.quiet
    return max(quiet - 60.0, quiet / 2)
