"""`[worker]`: leases, and how a doubt is resolved."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from backburner.config.table import ConfigTable
from backburner.errors import ConfigError
from backburner.plan.reconciling import DoubtTerms, OnDoubt

TTL: Final = "BACKBURNER_TTL"
QUIET: Final = "BACKBURNER_QUIET"
GAP: Final = "BACKBURNER_GAP"
ON_DOUBT: Final = "BACKBURNER_ON_DOUBT"

_LEAST_QUIET: Final = 600.0
"""The SDK itself waits ten minutes for an answer: a shorter rest could miss a slow one."""

_LEAST_GAP: Final = 60.0
"""What the list does not show yet it may show a minute later."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "emulator"})


def worker_terms(root: ConfigTable) -> tuple[float, DoubtTerms]:
    """How long a lease lasts, and how a doubt is resolved.

    Raises:
        ConfigError: A figure is no number, or a key means nothing.
    """
    return lease_seconds(root), doubt_terms(root)


def lease_seconds(root: ConfigTable) -> float:
    """How long a lease lasts without being renewed."""
    return root.table("worker").seconds("ttl", 120.0, variable=TTL)


def doubt_terms(root: ConfigTable) -> DoubtTerms:
    """How a doubt is resolved.

    Raises:
        ConfigError: A figure is no number, or a key means nothing.
    """
    chosen = root.table("worker")
    chosen.only(("ttl", "quiet", "gap", "on_doubt", "concurrency"))
    return DoubtTerms(
        quiet=chosen.seconds("quiet", 900.0, variable=QUIET),
        gap=chosen.seconds("gap", 60.0, variable=GAP),
        on_doubt=OnDoubt(chosen.one_of("on_doubt", OnDoubt.WAIT, OnDoubt, variable=ON_DOUBT)),
    )


def check_doubts(terms: DoubtTerms, addresses: Iterable[str]) -> None:
    """Make sure that a real upstream has the time that it needs.

    Raises:
        ConfigError: A figure is too short for one.
    """
    for address in addresses:
        if urlsplit(address).hostname in _LOOPBACK:
            continue
        for name, value, least in (
            (QUIET, terms.quiet, _LEAST_QUIET),
            (GAP, terms.gap, _LEAST_GAP),
        ):
            if value < least:
                raise ConfigError(
                    f"{name}={value:g} is too short for {address}: what comes late could be missed",
                    hint=f"leave it out, or give at least {least:g} seconds",
                )
