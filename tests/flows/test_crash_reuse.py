"""A process dies while it takes answers over from an earlier run; the next one does it again."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from backburner.nouns.run import Run
from backburner.store import Store
from backburner.store.batches import batches_of_run
from backburner.store.invariants import breaches

from .test_crash import KilledError, Life, Tripwire

STAGED = 14
"""Effects until the run is committed, and some more; `test_crash` dies at the later ones."""


class ReusingLife(Life):
    """The same life, after an earlier run answered three of the five requests."""

    def __init__(self, stage: Any) -> None:
        super().__init__(stage)
        first = stage.open()
        rows = ["text 4", "text 0", "text 2"]
        first.run(stage.run_of(first, stage.table(rows, "first.csv"), "first.out.csv").id)
        first.close()

    def begin(self, bb: Any) -> Run:
        """Stage the run, or find it."""
        run: Run = self.stage.run_of(bb, self.source, reuse=timedelta(days=30))
        return run

    def check_the_end(self) -> None:
        """The store is sound, agrees with its bytes, and three answers are of the earlier run."""
        store = Store(self.stage.home)
        with store.read() as tx:
            assert breaches(tx) == []
            batches = batches_of_run(tx, self.run)
        store.close()
        assert sum(one.requests for one in batches if one.is_reused) == 3
        with_all = self.stage.open()
        assert with_all.verify().differences == []
        with_all.close()


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_death_while_answers_are_taken_over_changes_nothing(
    make_stage: Callable[..., Any], side: str
) -> None:
    for at in range(1, STAGED + 1):
        life, wire = ReusingLife(make_stage(turnaround=0.5)), Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        assert wire.tripped

        life.live(Tripwire(0, side))

        texts = [row["answer"] for row in life.stage.rows()]
        assert texts == [*(f"text {n}" for n in range(5)), "text 0"], f"{side} effect {at}"
        life.check_the_end()
        sent = [len(names) for names in life.stage.sent()]
        assert sum(sent) == 5, f"{side} effect {at}: {sent}"
        life.stage.close()
        life.stage.world.close()
