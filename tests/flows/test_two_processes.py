"""Two processes on one store: whoever comes too late changes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import anthropic
import httpx2
import pytest

from backburner.client import Backburner
from backburner.client.driving import nap
from backburner.client.home import Home
from backburner.emulator.faults import DropBefore
from backburner.emulator.settings import ItemFailure
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import LanePinned
from backburner.plan.lanes import ReleaseAll
from backburner.store import Store
from backburner.store.owners import Owner
from backburner.telemetry import BatchCollected
from backburner.vault import Vault
from backburner.worker import Idle, Worker

LONG = 600.0


class PausingVault(Vault):
    """Lets something happen before the first results are written, or read, once."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.pause: Callable[[], None] | None = None
        self.read_pause: Callable[[], None] | None = None

    def lines(self, name: str) -> Iterator[bytes]:
        if name.startswith("results/") and self.read_pause is not None:
            pause, self.read_pause = self.read_pause, None
            pause()
        return super().lines(name)

    @contextmanager
    def file_writer(self, name: str) -> Iterator[BinaryIO]:
        if name.startswith("results/") and self.pause is not None:
            pause, self.pause = self.pause, None
            pause()
        with super().file_writer(name) as file:
            yield file


class WithoutLastLine(httpx2.BaseTransport):
    """Loses the last line of every results file."""

    def __init__(self, world) -> None:
        self._inner = EmulatorTransport(world)

    def handle_request(self, request):
        response = self._inner.handle_request(request)
        if not request.url.path.endswith("/results"):
            return response
        lines = response.read().splitlines(keepends=True)
        return httpx2.Response(200, content=b"".join(lines[:-1]))


def open_elsewhere(stage, world):
    """As a process would be whose address is another one."""
    client = anthropic.Anthropic(
        api_key="k",
        base_url="http://elsewhere",
        http_client=httpx2.Client(transport=EmulatorTransport(world)),
    )
    return Backburner(stage.home, client=client, clock=stage.clock, environment={})


def open_pausing(stage, name, **options):
    path = stage.home
    path.mkdir(exist_ok=True)
    vault = PausingVault(path / "vault")
    home = Home(path, Store(path), vault, Owner(path, name))
    return stage.open(home=home, **options), vault


def collect_elsewhere(stage, worker, bb, run):
    """Time goes by, and another process collects."""

    def pause():
        stage.clock.sleep(LONG)
        while not bb.status(run.id)[1][0].count.is_finished:
            worker.tick(ReleaseAll())
            stage.clock.sleep(1.0)

    return pause


def test_a_worker_that_collects_too_late_changes_nothing(stage):
    slow, vault = open_pausing(stage, "slow")
    quick = stage.open()
    run = stage.run_of(slow, stage.table(3))
    vault.pause = collect_elsewhere(stage, Worker(quick.tools, ("default",)), quick, run)

    finished = slow.run(run.id)

    assert vault.pause is None
    assert finished.receipt.outcomes == {"ok": 3}
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert len([one for one in stage.events if isinstance(one, BatchCollected)]) == 1


def test_a_worse_download_that_comes_too_late_does_not_replace_what_was_settled(stage):
    slow, vault = open_pausing(stage, "slow", transport=WithoutLastLine(stage.world))
    quick = stage.open()
    run = stage.run_of(slow, stage.table(3))
    vault.pause = collect_elsewhere(stage, Worker(quick.tools, ("default",)), quick, run)

    slow.run(run.id)

    assert vault.pause is None
    assert [row["answer"] for row in stage.rows()] == ["text 0", "text 1", "text 2"]


class PausingTransport(EmulatorTransport):
    """Lets something happen after the first results have come, once."""

    pause: Callable[[], None] | None = None

    def handle_request(self, request):
        response = super().handle_request(request)
        if request.url.path.endswith("/results") and self.pause is not None:
            pause, self.pause = self.pause, None
            pause()
        return response


def test_a_worker_that_rules_a_stranger_out_too_late_changes_nothing(stage):
    transport = PausingTransport(stage.world)
    slow, quick = stage.open(transport=transport), stage.open()
    stage.world.script("create", DropBefore())
    run = stage.run_of(slow, stage.table(3))
    slow.drain()
    stage.world.plant_foreign(3, turnaround=60.0)
    transport.pause = collect_elsewhere(stage, Worker(quick.tools, ("default",)), quick, run)

    finished = slow.run(run.id)

    assert transport.pause is None
    assert finished.receipt.outcomes == {"ok": 3}
    assert finished.receipt.paid.picodollars == stage.world.bill().total


def test_whoever_waits_beside_another_looks_every_second(stage, ask):
    bb, vault = open_pausing(stage, "one")
    run = bb.enqueue([{"custom_id": "a", "params": ask()}])
    other = Worker(stage.open().tools, (run.lane,))
    waits = []

    def pause():
        while not isinstance(idle := other.tick(ReleaseAll()), Idle):
            pass
        began = stage.clock.now()
        nap(bb.tools, idle)
        waits.append(stage.clock.now() - began)

    vault.pause = pause
    bb.run(run.id)

    assert waits == [pytest.approx(1.0)]


def test_whoever_waits_alone_sleeps_until_something_is_due(stage, ask):
    bb = stage.open()
    run = bb.enqueue([{"custom_id": "a", "params": ask()}])
    bb.drain()
    worker = Worker(bb.tools, (run.lane,))

    idle = worker.tick(ReleaseAll())

    assert isinstance(idle, Idle)
    assert not idle.is_shared


def test_work_of_one_upstream_goes_to_no_other_that_opened_its_lane_before(stage, make_world):
    world = make_world()
    with open_elsewhere(stage, world) as elsewhere:
        here = stage.open()
        run = stage.run_of(here, stage.table(2))

        with pytest.raises(LanePinned):
            elsewhere.drain()

        assert here.run(run.id).receipt.outcomes == {"ok": 2}
        assert list(world.ledger()) == []


def test_of_two_upstreams_the_first_to_keep_work_in_a_lane_has_it(stage, make_world, ask):
    listed = [{"custom_id": "one", "params": ask("Say: one")}]
    with open_elsewhere(stage, make_world()) as elsewhere:
        here = stage.open()
        kept = elsewhere.enqueue(listed)

        with pytest.raises(LanePinned):
            here.enqueue(listed)
        with pytest.raises(LanePinned):
            here.submit(listed[0]["params"])

        assert [one.run.id for one in elsewhere.status()[1]] == [kept.id]


def test_a_retry_while_the_output_is_written_brings_a_whole_output_in_the_end(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1, kind="refusal"),))
    bb, vault = open_pausing(stage, "one")
    run = stage.run_of(bb, stage.table(3))
    other = stage.open()
    vault.read_pause = lambda: other.retry(run.id)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 3}
    assert "refused" not in (stage.home.parent / "out.csv").read_text()
    assert bb.get(run.id).written_at is not None
