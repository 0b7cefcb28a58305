"""How each lane reaches its upstream: through a client that was handed over, or by its terms."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from backburner.client.budgets import limit
from backburner.client.home import create_seconds, upstream_of
from backburner.config import DEFAULT_LANE, Settings, settings_from
from backburner.errors import InputError, NotFound
from backburner.nouns.lane import LaneTerms
from backburner.plan.packing import PackLimits
from backburner.store import Store, Transaction
from backburner.store.budgets import budgets_in
from backburner.store.lanes import lane_check, lane_pin, lane_pin_workspace, lanes_all
from backburner.store.looking import look_into
from backburner.upstream import Upstream
from backburner.upstream.connect import base_url_of, checked_address, connect
from backburner.upstream.credentials import (
    addressed,
    missing_credential,
    names_credential,
    with_credential,
)
from backburner.worker import Tools

if TYPE_CHECKING:
    import anthropic


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How each lane reaches its upstream.

    Attributes:
        client: An SDK client that all lanes speak through; None where each has its own terms.
    """

    client: "anthropic.Anthropic | None"
    environment: Mapping[str, str]
    settings: Settings

    def address(self, terms: LaneTerms) -> str:
        """Where a lane's work is sent to."""
        return address_in(self.client, addressed(self.environment, terms))

    def has_credential(self, terms: LaneTerms) -> bool:
        """Whether there is something to speak with; it is not looked at."""
        return self.client is not None or names_credential(self.environment, terms)

    def require_credential(self, terms: LaneTerms) -> None:
        """Make sure of that.

        Raises:
            KeyMissing: There is nothing.
        """
        if not self.has_credential(terms):
            raise missing_credential(terms)

    def connector(self, store: Store) -> Callable[[str], Upstream]:
        """Gives a lane's upstream when it is first needed: what only enqueues needs no key.

        It gives none to a lane that another process pinned elsewhere since this one began.
        """

        @cache
        def upstream(lane: str) -> Upstream:
            if self.client is not None:
                return upstream_of(self.client, self.settings)
            environment = with_credential(self.environment, self.settings.lane_terms(lane))
            return connect(environment, create_seconds=create_seconds(self.settings))

        def checked(lane: str) -> Upstream:
            with store.read() as tx:
                lane_check(tx, lane, self.address(self.settings.lane_terms(lane)))
            return upstream(lane)

        return checked


def address_in(client: "anthropic.Anthropic | None", environment: Mapping[str, str]) -> str:
    """Where work of an environment is sent to.

    Raises:
        ConfigError: The address holds a password.
    """
    if client is None:
        return base_url_of(environment)
    return checked_address(str(client.base_url), "the client's base_url")


def access_from(
    client: "anthropic.Anthropic | None", environment: Mapping[str, str], home: Path | None
) -> Access:
    """How lanes reach their upstreams, by an environment and its file.

    Raises:
        ConfigError: The file or a variable says something that cannot be.
        InputError: The client is none that batches can be sent through.
    """
    _check_client(client)
    settings = settings_from(environment, home, address_in(client, environment))
    return Access(client=client, environment=environment, settings=settings)


def _check_client(client: object) -> None:
    if client is None:
        return
    from anthropic import Anthropic  # noqa: PLC0415  # whoever has a client has loaded it

    if not isinstance(client, Anthropic):
        raise InputError(
            f"client is of type {type(client).__name__}, and no anthropic.Anthropic",
            hint="give client=anthropic.Anthropic(…): batches are sent by its sync calls",
        )


def open_lane(tools: Tools, access: Access, name: str) -> None:
    """Give a lane what the file says of it; one without work belongs to no upstream yet.

    Raises:
        LanePinned: It belongs to another upstream.
    """
    terms = tools.lane_terms(name)
    with tools.store.write() as tx:
        if lane_check(tx, name, access.address(terms)):
            _pin_workspace(tx, terms)
    _set_budget(tools, terms)


def pin_lane(tx: Transaction, access: Access, name: str, now: float) -> None:
    """Pin a lane to its upstream, in the transaction that keeps work in it.

    Raises:
        LanePinned: It belongs to another upstream.
    """
    terms = access.settings.lane_terms(name)
    lane_pin(tx, name, access.address(terms), now)
    _pin_workspace(tx, terms)


def _pin_workspace(tx: Transaction, terms: LaneTerms) -> None:
    if terms.workspace is not None:
        lane_pin_workspace(tx, terms.name, terms.workspace)


def _set_budget(tools: Tools, terms: LaneTerms) -> None:
    scope = f"lane:{terms.name}"
    if terms.budget is None:
        return
    with tools.store.read() as tx:
        present = budgets_in(tx, [scope]).get(scope)
    if present is None or present.amount != terms.budget:
        limit(tools, scope, terms.budget)


def find_lane(home: Path, named: Iterable[str], name: str) -> None:
    """Make sure that there is a lane, in a home that is only looked at.

    Args:
        home: Its folder.
        named: The lanes that the file names.
        name: The lane.

    Raises:
        NotFound: There is none of that name.
    """
    look = look_into(home)
    require_lane([*named, *(row.name for row in (look.lanes if look else ()))], name)


def require_lane(others: Iterable[str], name: str) -> None:
    """Make sure that there is a lane.

    Args:
        others: Those that there are, besides the usual one: of the file, and with work.
        name: The lane.

    Raises:
        NotFound: There is none of that name.
    """
    known = sorted({DEFAULT_LANE, *others})
    if name not in known:
        like = get_close_matches(name, known, n=1)
        meant = f"did you mean {like[0]}? " if like else ""
        raise NotFound(
            f"there is no lane {name!r}",
            hint=f"{meant}there is {', '.join(known)}; the first work in a lane makes it, or "
            f"[lanes.{name}] in backburner.toml",
        )


def within_queue(limits: PackLimits, terms: LaneTerms) -> PackLimits:
    """The limits of batches that a lane's own queue limit has room for."""
    if terms.queue_limit is None:
        return limits
    return replace(limits, requests=min(limits.requests, terms.queue_limit))


@dataclass(frozen=True, slots=True)
class Served:
    """The lanes that a worker here can serve, and why it cannot serve the others."""

    lanes: tuple[str, ...]
    passed_over: Mapping[str, str]


def served_lanes(tools: Tools, access: Access, *, with_key: bool) -> Served:
    """All lanes of the store that belong to the upstream that their terms name now.

    Args:
        with_key: Whether those without a credential are passed over; who stays tells of them.
    """
    lanes: list[str] = []
    passed_over: dict[str, str] = {}
    with tools.store.read() as tx:
        rows = lanes_all(tx)
    for row in rows:
        terms = tools.lane_terms(row.name)
        address = access.address(terms)
        if row.base_url != address:
            passed_over[row.name] = f"it is pinned to {row.base_url}, not to {address}"
        elif with_key and not access.has_credential(terms):
            passed_over[row.name] = "there is no key for it"
        else:
            lanes.append(row.name)
    return Served(tuple(lanes), passed_over)
