"""A process dies while it deletes upstream what is collected, and prunes what is old here."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from backburner.client.home import Home
from backburner.emulator.settings import ItemFailure
from backburner.emulator.transport import EmulatorTransport
from backburner.store import Store
from backburner.store.batches import batches_of_run
from backburner.store.invariants import breaches
from backburner.store.owners import Owner

from .test_crash import KilledError, TrippingStore, TrippingTransport, TrippingVault, Tripwire

STRIDE = 6


class Ending:
    """A finished run with a retry, which is to leave nothing but its books."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        bb = stage.open()
        self.run = stage.run_of(bb, stage.table(3)).id
        bb.run(self.run)
        stage.clock.sleep(3600)
        self.receipt = bb.receipt(self.run)
        self.report = bb.savings("run").to_json()
        bb.close()
        file = stage.home / "backburner.toml"
        file.write_text("[retention]\ndelete_after_collect = true\n", encoding="utf-8")

    def live(self, wire: Tripwire) -> None:
        """One process: a pass that deletes, and a prune."""
        stage = self.stage
        home = Home(
            stage.home,
            TrippingStore(stage.home, wire),
            TrippingVault(stage.home / "vault", wire),
            Owner(stage.home, stage.clock.token(10)),
        )
        transport = TrippingTransport(EmulatorTransport(stage.world), wire)
        try:
            bb = stage.open(home=home, transport=transport)
            bb.drain()
            bb.prune(timedelta(0))
        finally:
            home.close()

    def check_the_end(self) -> None:
        """The texts are gone here and there, and all that was counted is as it was."""
        stage = self.stage
        store = Store(stage.home)
        with store.read() as tx:
            assert breaches(tx) == []
            assert all(one.deleted_at for one in batches_of_run(tx, self.run))
        store.close()
        bb = stage.open()
        assert bb.get(self.run).pruned_at is not None
        assert bb.receipt(self.run) == self.receipt
        assert bb.savings("run").to_json() == self.report
        assert bb.verify().differences == []
        assert bb.tools.connect("default").page(limit=100).value.data == []
        left = [name for name, _ in bb.tools.vault.names() if "origins" not in name]
        assert left == []
        bb.close()


@pytest.mark.parametrize(("side", "first"), [("before", 2), ("after", 5)])
def test_a_death_on_the_way_out_leaves_the_books_and_nothing_else(
    make_stage: Callable[..., Any], deaths: Callable[[int, int], Any], side: str, first: int
) -> None:
    for at in deaths(first, STRIDE):
        stage = make_stage(turnaround=0.5, fail_once=(ItemFailure(ordinal=0, index=1),))
        ending, wire = Ending(stage), Tripwire(at, side)
        with suppress(KilledError):
            ending.live(wire)
        if not wire.tripped:
            break

        stage.clock.sleep(3600)
        ending.live(Tripwire(0, side))
        stage.clock.sleep(3600)
        ending.live(Tripwire(0, side))

        ending.check_the_end()
        stage.close()
        stage.world.close()
