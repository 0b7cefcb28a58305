"""What the tests of the core share: a clock that moves when told, a world, and clients of it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import HealthCheck, settings

from backburner.client import Backburner
from backburner.clock import FakeClock
from backburner.emulator.ledger import Accepted
from backburner.emulator.settings import Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World
from backburner.nouns.batch import BatchState, Via
from backburner.nouns.run import Run
from backburner.report.savings import SavingsReport
from backburner.store.batches import batches_where
from backburner.store.doubts import duplicates_of
from backburner.store.lanes import lanes_all
from backburner.store.ledger import ledger_booked
from backburner.store.outbox import outbox_counted
from backburner.store.runs import runs_all

EMULATOR = "http://emulator"

# Examples are held to no wall clock: on a busy machine the simplest of them may take long.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the crash tests die at every effect: `make crash`."""
    parser.addoption(
        "--every-effect", action="store_true", help="Die at each effect in the longer crash tests"
    )


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder in memory, where a system has one
ENOUGH = 3 * 2**30
"""Bytes that all tests together may need there."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests' files in memory where there is room.

    Most tests wait for the disk: the store makes every commit durable. What a crash leaves is
    judged by what was written, not by what reached a disk.
    """
    if config.option.basetemp is not None or not os.access(SHARED_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(SHARED_MEMORY).free >= ENOUGH:
        folder = tempfile.mkdtemp(prefix="backburner-tests-", dir=SHARED_MEMORY)
        config.option.basetemp = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worlds() -> Iterator[list[World]]:
    """The worlds of the test."""
    made: list[World] = []
    yield made
    for world in made:
        world.close()


@pytest.fixture
def make_world(clock: FakeClock, tmp_path: Path, worlds: list[World]) -> Callable[..., World]:
    """Makes worlds that go by the test's clock."""

    def make(**settings: Any) -> World:
        chosen = {"turnaround": 20.0, "retry_after": 1, **settings}
        world = World(Settings(**chosen), now=clock.now, state_dir=tmp_path / "worlds")
        worlds.append(world)
        return world

    return make


@pytest.fixture
def make_client() -> Iterator[Callable[..., anthropic.Anthropic]]:
    """Makes official SDK clients that speak to a world, through a transport of the test's if any.

    The SDK's own retries are left on: what must not use them has to see to it.
    """
    clients = []

    def make(
        world: World, transport: httpx2.BaseTransport | None = None, key: str = "k"
    ) -> anthropic.Anthropic:
        client = anthropic.Anthropic(
            api_key=key,
            base_url=EMULATOR,
            http_client=httpx2.Client(transport=transport or EmulatorTransport(world)),
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """The parameters of a request."""

    def params(text: str = "Hello", **more: Any) -> dict[str, Any]:
        return {
            "model": "claude-haiku-4-5",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": text}],
            **more,
        }

    return params


@pytest.fixture
def check_bill(clock: FakeClock) -> Callable[[Path, Iterable[World]], None]:
    """Holds the books of a home against the bills of the worlds that it may have spoken to."""

    def check(home: Path, worlds: Iterable[World]) -> None:
        if not (home / "backburner.db").exists():
            return
        with Backburner(
            home, clock=clock, environment={}, is_checked=False, is_pinned=False
        ) as opened:
            wrong = misbilled(opened, worlds)
        assert wrong == []

    return check


@pytest.fixture
def differing() -> Callable[[Backburner, Iterable[World]], list[str]]:
    """What differs between the bills of worlds and the books of an open home."""
    return misbilled


@pytest.fixture
def is_billed(request: pytest.FixtureRequest) -> bool:
    """Whether the books must equal the bill when the test is over."""
    return request.node.get_closest_marker("unbilled") is None


def misbilled(opened: Backburner, worlds: Iterable[World]) -> list[str]:
    """What differs between the emulator's bill and our books, receipts and report, in picodollars.

    A batch counts from when its results were collected, a second one from when it was found. What
    a line has cost that no download served, only the emulator knows: then the books hold less.
    """
    with opened.tools.store.read() as tx:
        batches = batches_where(tx, [lane.name for lane in lanes_all(tx)], tuple(BatchState))
        sent = [one for one in batches if one.via is Via.BATCH]
        tickets = [run for run in runs_all(tx) if run.is_inbox]
        known = [one.upstream_id for one in sent if one.results and not one.is_reused]
        known += [twice for one in batches for twice in duplicates_of(tx, one.id)]
        booked = dict.fromkeys(known, 0)
        calls = booked[""] = 0
        unsettled = sum(outbox_counted(tx, one.id)[0] for one in batches)
        for one in ledger_booked(tx):
            booked[one.row.upstream_id] = booked.get(one.row.upstream_id, 0) + (one.row.paid or 0)
            calls += 0 if one.row.upstream_id else one.row.requests
    bills: dict[str, list[Accepted]] = {}
    for world in worlds:
        for entry in world.ledger():
            bills.setdefault(entry.id, []).append(entry)
    wrong = misbilled_calls(worlds, booked[""], calls, unsettled)
    for name, paid in booked.items():
        if not name:
            continue
        charged = bills.get(name, [])
        if not any(is_right(entry, paid) for entry in charged):
            wrong.append(f"{name}: {paid} booked, {[entry.cost for entry in charged]} charged")
    wrong += misreported_tickets(opened, tickets)
    return wrong + misreported(opened, opened.savings(), sum(booked.values()))


def misbilled_calls(worlds: Iterable[World], paid: int, calls: int, unsettled: int) -> list[str]:
    """What differs between the direct calls of a bill and what was booked for them.

    Args:
        paid: What was booked.
        calls: For how many answers.
        unsettled: Calls that are not booked yet, or never can be since no answer came.
    """
    charged = [one for world in worlds for one in world.messages()]
    costs = sum(one.cost for one in charged)
    if len(charged) > calls + unsettled:
        return [f"{len(charged)} calls charged, {calls} booked and {unsettled} in doubt"]
    if paid > costs or (paid < costs and len(charged) <= calls):
        return [f"direct calls: {paid} booked, {costs} charged"]
    return []


def misreported_tickets(opened: Backburner, runs: list[Run]) -> list[str]:
    """What differs between what is reported of tickets and the receipts of their runs."""
    if not all(opened.is_finished(run.id) for run in runs):
        return []
    groups = [group for group in opened.savings().groups if group.key.startswith("inbox ")]
    reported = sum(group.spending.paid for group in groups)
    received = sum(opened.receipt(run.id).paid.picodollars for run in runs)
    return [f"{reported} reported of tickets, {received} received"] if reported != received else []


def is_right(entry: Accepted, booked: int) -> bool:
    return booked == entry.cost or (booked < entry.cost and has_lost_a_line(entry))


def has_lost_a_line(entry: Accepted) -> bool:
    return any(one.outcome == "succeeded" and not one.brought for one in entry.requests())


def misreported(opened: Backburner, report: SavingsReport, booked: int) -> list[str]:
    """What differs between what was booked, the report over it, and the receipts of all runs."""
    wrong = []
    if report.total.paid != booked:
        wrong.append(f"{report.total.paid} picodollars reported, {booked} booked")
    for group in report.groups:
        if group.key.startswith("inbox "):
            # All runs of tickets of a day.
            continue
        if not opened.is_finished(group.key):
            continue
        receipt = opened.receipt(group.key)
        stairs = (receipt.paid.picodollars, receipt.sync_equivalent.picodollars)
        if stairs != (group.spending.paid, group.spending.full):
            wrong.append(f"the receipt of run {group.key} is not what is reported of it")
    return wrong
