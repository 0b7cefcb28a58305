"""A process dies while batches are halved: nothing is lost, and nothing is sent twice."""

from contextlib import suppress

import pytest

from backburner.emulator.settings import Limits

from .test_crash import KilledError, Life, Tripwire


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_death_on_the_way_to_halves_loses_and_doubles_nothing(make_stage, deaths, side):
    halved = 0
    for at in deaths(20, 14):
        life = Life(make_stage(turnaround=0.5, limits=Limits(queued_requests=2)))
        wire = Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            break

        life.live(Tripwire(0, side))
        assert [row["answer"] for row in life.rows()] == [
            *(f"text {n}" for n in range(5)),
            "text 0",
        ]
        halved += any(batch.count < 3 for batch in life.stage.world.ledger())
        life.check_the_books()
        life.check_the_server()
        life.stage.close()
        life.stage.world.close()
    assert halved > 3
