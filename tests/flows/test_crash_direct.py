"""A process dies at any effect of a life that asks directly, and the next one finishes the run.

A sync call cannot be made exactly once. What can be promised: nobody asks again what may have been
answered, unless told to; each request ends in one outcome; and the books say what is in doubt.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from backburner.emulator.faults import Stall, Status
from backburner.nouns.run import Run
from backburner.nouns.urgency import Timing, Urgency
from backburner.telemetry import DeadlineMissed, RescueStarted

from .conftest import Deaths
from .test_crash import KilledError, Life, Tripwire

STAGED = 12
"""Effects before anything is asked; `test_crash` dies at those."""

CONCURRENCY = 2
_BACK = "succeeded"
STRIDE = 5
LONG_STRIDE = 13


class DirectLife(Life):
    """Six rows, five requests in two direct batches; one call fails at first."""

    def __init__(self, stage: Any) -> None:
        super().__init__(stage)
        stage.home.mkdir(exist_ok=True)
        config = f"[worker]\nconcurrency = {CONCURRENCY}\nquiet = 600\n"
        (stage.home / "backburner.toml").write_text(config)
        stage.world.script("messages", Status(500))

    def begin(self, bb: Any) -> Run:
        """Commit the run, or find it again."""
        timing = Timing(urgency=Urgency.NOW)
        run: Run = self.stage.run_of(bb, self.source, timing=timing)
        return run

    def check(self, *, doubts: int) -> None:
        """Nothing was asked again that may have been answered, and the books say all of it."""
        bb = self.stage.open()
        charged = Counter(one.digest for one in self.stage.world.messages())
        receipt = bb.receipt(self.run)
        outcomes = [row["outcome"] for row in self.stage.rows()]
        total = bb.savings().total
        assert max(charged.values(), default=0) <= 1
        assert bb.verify().differences == []
        assert len(outcomes) == 6
        assert set(outcomes) <= {"ok", "missing"}
        assert receipt.outcomes.get("missing", 0) == outcomes.count("missing")
        assert total.doubted <= doubts
        assert sum(charged.values()) <= 5
        bb.close()


class RescueLife(DirectLife):
    """The same rows in two batches; the first stalls, and its rest is asked directly."""

    def __init__(self, stage: Any) -> None:
        super().__init__(stage)
        stage.world.script("create", Stall(done=0.4), batch=0)
        self.deadline = stage.clock.now() + 1500.0

    def begin(self, bb: Any) -> Run:
        """Commit the run, or find it again."""
        timing = Timing(urgency=Urgency.DEADLINE, deadline=self.deadline, rescue=10**12)
        run: Run = self.stage.run_of(bb, self.source, timing=timing)
        return run

    def check_recalled(self) -> None:
        """No request was answered both ways, and all was in time, if nothing was in doubt.

        A batch that may have arrived cannot be recalled: nobody knows its name before it ended.
        """
        answered = Counter(one.digest for one in self.stage.world.messages())
        for batch in self.stage.world.ledger():
            digests = dict(batch.digests())
            answered.update(digests[name] for name, what in batch.outcomes() if what == _BACK)
        assert max(answered.values()) == 1
        missed = [one.cause for one in self.stage.events if isinstance(one, DeadlineMissed)]
        is_late = self.stage.clock.now() >= self.deadline
        assert [cause.partition(":")[0] for cause in missed] == ["in doubt"] * is_late


@pytest.fixture
def make_life(make_stage: Callable[..., Any]) -> Callable[[], DirectLife]:
    return lambda: DirectLife(make_stage())


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_death_leaves_only_what_was_under_way_in_doubt(
    make_life: Callable[[], DirectLife], deaths: Deaths, side: str
) -> None:
    for at in deaths(STAGED, STRIDE):
        life, wire = make_life(), Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            break

        life.live(Tripwire(0, side))
        life.check(doubts=CONCURRENCY)
        life.stage.close()
        life.stage.world.close()
    assert at > 30


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_death_during_a_rescue_asks_nothing_twice_and_keeps_the_promise(
    make_stage: Callable[..., Any], deaths: Deaths, side: str
) -> None:
    for at in deaths(STAGED + 4, LONG_STRIDE):
        life, wire = RescueLife(make_stage(turnaround=60.0)), Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            assert any(isinstance(event, RescueStarted) for event in life.stage.events)
            break

        life.live(Tripwire(0, side))
        life.check(doubts=CONCURRENCY)
        life.check_recalled()
        life.stage.close()
        life.stage.world.close()
    assert at > 40
