"""Three ways to send the same month, each on an emulator and a clock of its own."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2

from backburner import Backburner
from backburner.client.sdk import sdk_client
from backburner.client.single_requests import TicketOptions
from backburner.clock import FakeClock
from backburner.emulator.settings import Limits, Rule, Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World
from backburner.report.savings import By
from backburner.telemetry import DeadlineMissed, Event
from bench.deadlines.turnarounds import drawn, log_normal
from bench.month.mix import Burst, Kind, Mix

ZONE = ZoneInfo("Europe/Berlin")
FIRST_DAY = datetime(2026, 11, 1, tzinfo=ZONE)
MORNING = 7
WINDOW = """\
[lanes.default]
zone = "Europe/Berlin"
[[lanes.default.windows]]
from = "23:00"
until = "06:00"
days = "mon-sun"
"""
_DRAWN = 997
"""Turnarounds that are drawn; a prime, so that no hour of the day gets the same ones again."""

_NAP = 24 * 3600.0
"""The longest sleep of the worker: nobody else puts anything into its queue."""

_SETTLED = 48 * 3600.0
"""Seconds after which every batch has ended."""

RESCUE = "5.00"
"""What one promise may cost beyond the batch price, in US dollars."""


@dataclass(kw_only=True)
class Month:
    """What came of a month.

    Attributes:
        paid: By the emulator's bill, in picodollars.
        paid_by_kind: The same by kind; empty where nobody kept books.
        sync_by_kind: What the calls of each kind cost sync.
        late: Calls that were not answered by the time that was promised.
    """

    name: str
    calls: int = 0
    sync_calls: int = 0
    paid: int = 0
    paid_by_kind: dict[str, int] = field(default_factory=dict)
    sync_by_kind: dict[str, int] = field(default_factory=dict)
    late: int = 0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One emulator, one clock, one home."""

    clock: FakeClock
    world: World
    home: Path

    def until(self, at: float) -> None:
        """Let time pass."""
        self.clock.sleep(at - self.clock.now())


@contextmanager
def scene(mix: Mix, folder: Path) -> Iterator[Scene]:
    """An emulator whose model answers by kind; batches take as long as they do in public."""
    clock = FakeClock(FIRST_DAY.timestamp(), seed=mix.seed)
    turnarounds = drawn(log_normal, _DRAWN, mix.seed)
    rules = tuple(Rule(match=rf"^\[{kind.name}\]", answer=kind.answer) for kind in mix.kinds)
    settings = Settings(
        seed=mix.seed,
        turnaround=lambda ordinal, _count: turnarounds[ordinal % len(turnarounds)],
        rules=rules,
        limits=Limits(message_calls_per_minute=None),
    )
    folder.mkdir()
    world = World(settings, now=clock.now, state_dir=folder / "world")
    try:
        yield Scene(clock=clock, world=world, home=folder / "home")
    finally:
        world.close()


def at(burst: Burst) -> float:
    """When a burst comes, by the clock on the wall."""
    day = FIRST_DAY + timedelta(days=burst.day)
    return day.replace(hour=burst.hour).timestamp()


def all_sync(mix: Mix, folder: Path) -> Month:
    """Every call by itself, at once: what a program does that knows no batches."""
    month = Month(name="all sync")
    with scene(mix, folder) as here, plain_client(here.world) as client:
        for burst in mix.bursts():
            here.until(at(burst))
            ask(client, burst, month)
        month.paid = here.world.bill().total
    return month


def ask(client: httpx2.Client, burst: Burst, month: Month) -> None:
    """Call the API for each request, and wait for the answer."""
    for body in burst.bodies:
        client.post("/v1/messages", content=json.dumps(body)).raise_for_status()
    asked = len(burst.bodies)
    month.calls += asked
    month.sync_calls += asked


@contextmanager
def plain_client(world: World) -> Iterator[httpx2.Client]:
    """A client without our queue, and without the SDK, which would take most of the time."""
    headers = {
        "x-api-key": "no-key",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
    }
    transport = EmulatorTransport(world)
    with httpx2.Client(transport=transport, base_url="http://emulator", headers=headers) as client:
        yield client


def nightly_window(mix: Mix, folder: Path) -> Month:
    """The article's way: what nobody waits for goes at 23:00; the program makes the other calls."""
    return queued(mix, folder, "nightly window", WINDOW, by_night)


def deadlines_and_routes(mix: Mix, folder: Path) -> Month:
    """Everything through the queue: each kind with its model and its promise."""
    return queued(mix, folder, "deadlines + routes", WINDOW + routes(mix), by_promise)


def routes(mix: Mix) -> str:
    """The route rules that the mix asks for."""
    rules = (
        f'[[routes]]\nname = "{kind.name}"\nwhen = {{ kind = "{kind.name}" }}\n'
        f'give = {{ model = "{kind.routed_to}" }}\n'
        for kind in mix.kinds
        if kind.routed_to
    )
    return "\n".join(rules)


Chosen = Callable[[Kind], TicketOptions]


def by_night(kind: Kind) -> TicketOptions:
    """The lane's window for all that can wait."""
    return TicketOptions(tags=(kind.name,), urgency="now" if kind.urgent else None)


def by_promise(kind: Kind) -> TicketOptions:
    """What is promised for a kind, with some money to keep it."""
    if kind.urgent:
        return TicketOptions(tags=(kind.name,), kind=kind.name, urgency="now")
    by = None if kind.within else f"{MORNING:02}:00"
    return TicketOptions(
        tags=(kind.name,), kind=kind.name, within=kind.within, by=by, rescue=RESCUE
    )


def queued(mix: Mix, folder: Path, name: str, config: str, chosen: Chosen) -> Month:
    """A month through the queue, with a worker beside it."""
    month, missed = Month(name=name), set[str]()

    def listen(event: Event) -> None:
        if isinstance(event, DeadlineMissed):
            missed.add(event.run)

    with scene(mix, folder) as here:
        here.home.mkdir()
        (here.home / "backburner.toml").write_text(config, encoding="utf-8")
        with (
            sdk_client("no-key", "http://emulator", EmulatorTransport(here.world)) as client,
            Backburner(
                here.home, client=client, clock=here.clock, listener=listen, environment={}
            ) as backburner,
        ):
            live(mix, backburner, chosen, month)
            settle(here, backburner, month, missed)
    return month


def live(mix: Mix, backburner: Backburner, chosen: Chosen, month: Month) -> None:
    """Submit what comes, and work in between."""
    mornings = [(FIRST_DAY + timedelta(days=n + 1)).replace(hour=MORNING) for n in range(mix.days)]
    due = [one.timestamp() for one in mornings]
    for burst in mix.bursts():
        while due[0] <= at(burst):
            month.late += unanswered(backburner, due.pop(0))
        backburner.work(until=at(burst), nap=_NAP)
        options = chosen(burst.kind)
        backburner.submit_many(burst.bodies, options)
        month.calls += len(burst.bodies)
        month.sync_calls += len(burst.bodies) if burst.kind.urgent else 0
    for morning in due:
        month.late += unanswered(backburner, morning)


def unanswered(backburner: Backburner, morning: float) -> int:
    """Requests without a promise of their own that are not back in the morning."""
    backburner.work(until=morning, nap=_NAP)
    lane, runs = backburner.status()
    waiting = sum(one.tickets for one in lane.inbox)
    open_runs = (one for one in runs if one.run.deadline is None)
    return waiting + sum(one.count.requests - one.count.ended for one in open_runs)


def settle(here: Scene, backburner: Backburner, month: Month, missed: set[str]) -> None:
    """Count promises and money once everything is back."""
    backburner.work(until=here.clock.now() + _SETTLED, nap=_NAP)
    month.late += sum(backburner.get(run).requests for run in missed)
    report = backburner.savings(By.TAG)
    month.paid_by_kind = {one.key: one.spending.paid for one in report.groups}
    month.sync_by_kind = {one.key: one.spending.sync for one in report.groups}
    month.paid = here.world.bill().total
    if report.total.paid != month.paid:
        raise SystemExit(f"{month.name}: the books are not the emulator's bill")
