"""What every step of the worker needs, in one value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from backburner.clock import Clock
from backburner.nouns.lane import LaneTerms
from backburner.nouns.policy import RetryPolicy
from backburner.nouns.retention import Retention
from backburner.nouns.tariff import Tariff
from backburner.nouns.ticket import InboxSlice
from backburner.plan.packing import PackLimits
from backburner.plan.reconciling import DoubtTerms
from backburner.store import Store, Transaction
from backburner.telemetry import Listener
from backburner.upstream import Upstream
from backburner.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The worker's settings. Seconds.

    Attributes:
        ttl: How long a lease lasts without being renewed.
        doubts: How a doubt is resolved.
        downloads: How often results that lack lines are read at the most; then a line is missing.
        download_wait: Seconds between two such readings.
        concurrency: How many direct calls of a batch are under way at once.
        retention: How long texts are kept, here and upstream.
    """

    ttl: float = 120.0
    downloads: int = 5
    download_wait: float = 600.0
    concurrency: int = 8
    doubts: DoubtTerms = field(default_factory=DoubtTerms)
    limits: PackLimits = field(default_factory=PackLimits)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    retention: Retention = field(default_factory=Retention)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSlice:
    """A run of tickets whose files are written, and which does not count yet.

    Attributes:
        run: Its id.
        commit: Makes it count, inside a transaction.
        throw_away: Removes what was written.
    """

    run: str
    commit: Callable[[Transaction], None]
    throw_away: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The adapters a step works with.

    Attributes:
        owner: This process's name in leases.
        is_alive: Whether the process of another name still runs.
        connect: Gives the upstream of a lane; it may refuse for want of a credential.
        tariff: Gives the prices of these models; only called when something is booked.
        lane_terms: What the user says of a lane, by its name.
        day: The lane's local day at a time, as YYYY-MM-DD.
        stage: Writes the files of a run of tickets.
        moving: Told again and again while a step moves bytes; it may raise `Abandoned`.
    """

    store: Store
    vault: Vault
    clock: Clock
    terms: Terms
    owner: str
    is_alive: Callable[[str], bool]
    connect: Callable[[str], Upstream]
    tariff: Callable[[Iterable[str]], Tariff]
    lane_terms: Callable[[str], LaneTerms]
    day: Callable[[float], str]
    stage: Callable[[InboxSlice], StagedSlice]
    emit: Listener
    moving: Callable[[], None] = lambda: None
