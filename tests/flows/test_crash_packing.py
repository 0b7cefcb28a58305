"""A death at any effect of a packed run: no row is lost, and none is asked alone twice."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from backburner.emulator.settings import Rule
from backburner.nouns.run import Run
from backburner.store import Store
from backburner.store.ledger import ledger_of_run
from backburner.store.runs import run_get

from .conftest import Deaths
from .test_crash import KilledError, Life, Tripwire

STRIDE = 6
REQUESTS = 4 + 1 + 2 + 1
"""Four packs, a row of the first that was dropped, both rows of the one that was refused, and a row
of the last, which travels in a batch of its own."""


class PackedLife(Life):
    """Eight rows in four packs and two batches; rows of both batches leave their packs."""

    def __init__(self, stage: Any) -> None:
        super().__init__(stage)
        self.source = stage.table(8)

    def begin(self, bb: Any) -> Run:
        run: Run = self.stage.run_of(bb, self.source, pack=2)
        return run

    def check_the_books(self) -> None:
        store = Store(self.stage.home)
        with store.read() as tx:
            booked = ledger_of_run(tx, self.run)
            run = run_get(tx, self.run)
        store.close()
        assert run.requests == REQUESTS
        assert sum(row.paid or 0 for row in booked) == self.stage.world.bill().total
        assert sum(row.requests for row in booked) == REQUESTS


@pytest.fixture
def make_life(make_stage: Callable[..., Any]) -> Callable[[], PackedLife]:
    rules = (
        Rule(match=r"^Say: (text [17])$", answer=r"\1", slip="drop"),
        Rule(match="^Say: text 3$", answer="no", kind="refusal"),
        Rule(match=r"(?s)^Say: (.*)$", answer=r"\1"),
    )
    return lambda: PackedLife(make_stage(turnaround=0.5, rules=rules))


@pytest.fixture
def undisturbed(make_life: Callable[[], PackedLife]) -> list[dict[str, str]]:
    life = make_life()
    life.live(Tripwire(0, "before"))
    life.check_the_books()
    rows = life.rows()
    assert [row["outcome"] for row in rows] == ["ok"] * 3 + ["refused"] + ["ok"] * 4
    return rows


@pytest.mark.parametrize(("side", "first"), [("before", 1), ("after", 1 + STRIDE // 2)])
def test_a_death_at_any_effect_asks_no_row_twice_and_loses_none(
    make_life: Callable[[], PackedLife],
    undisturbed: list[dict[str, str]],
    side: str,
    first: int,
    deaths: Deaths,
) -> None:
    for at in deaths(first, STRIDE):
        life, wire = make_life(), Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            break

        life.live(Tripwire(0, side))
        assert life.rows() == undisturbed, f"{side} effect {at}"
        life.check_the_books()
        life.check_the_server()
        life.stage.close()
        life.stage.world.close()
    assert at > 40
