"""A process dies while followers wait, or are let go: none is lost, and none goes twice."""

from contextlib import suppress
from dataclasses import replace

import pytest

from backburner.client.preparing import Fresh, RunOptions
from backburner.emulator.settings import ItemFailure
from backburner.nouns.batch import Hold

from .test_crash import KilledError, Life, Tripwire

MODEL = "claude-haiku-4-5"
STAGED, STRIDE = 10, 8  # Deaths before are those of any run; the flow has some 50 effects.


class LedLife(Life):
    """The same run, of which the first batch leads and the second follows."""

    def begin(self, bb):
        output = str(self.stage.home.parent / "out.csv")
        prepared = bb.intake.prepare(
            RunOptions(
                source=str(self.source),
                output=output,
                prompt="Say: {{ text }}",
                model=MODEL,
                max_tokens=100,
            )
        )
        if not isinstance(prepared, Fresh):
            return prepared.run
        leads, follows = prepared.staged.batches
        batches = (leads, replace(follows, hold=Hold.LEADERS))
        return bb.intake.commit(replace(prepared.staged, batches=batches))


@pytest.fixture
def make_led_life(make_stage):
    return lambda: LedLife(make_stage(turnaround=0.5, fail_once=(ItemFailure(ordinal=1, index=1),)))


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_death_in_a_wave_loses_nothing_and_sends_nothing_twice(make_led_life, deaths, side):
    for at in deaths(STAGED, STRIDE):
        life, wire = make_led_life(), Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            break

        life.live(Tripwire(0, side))
        assert [row["answer"] for row in life.rows()] == [
            *(f"text {n}" for n in range(5)),
            "text 0",
        ], f"{side} effect {at}"
        life.check_the_books()
        life.check_the_server()
        assert is_led(life)
        life.stage.close()
        life.stage.world.close()
    assert at > 40


def is_led(life) -> bool:
    """Whether the followers were accepted when their leaders had ended, by the server's word."""
    client = life.stage.make_client(life.stage.world)
    *_, follows, leads = client.messages.batches.list()
    assert (leads.request_counts.succeeded, life.stage.world.ledger()[0].count) == (3, 3)
    return leads.ended_at is not None and leads.ended_at <= follows.created_at
