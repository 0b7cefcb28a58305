"""Clocks that jump, and workers that were away: promises are judged by the clock on the wall."""

import pytest

from backburner.clock import FakeClock
from backburner.telemetry import DeadlineMissed

HOUR = 3600.0


class JumpingClock(FakeClock):
    """Somebody sets it, forward or back; its steady part goes on as ever."""

    def __init__(self):
        super().__init__()
        self._offset = 0.0

    def now(self):
        return super().now() + self._offset

    def jump(self, seconds):
        self._offset += seconds


@pytest.fixture
def clock():
    return JumpingClock()


def promised(opened, ask, **more):
    return opened.enqueue([{"custom_id": "a", "params": ask("Say: a")}], **more)


def misses(stage):
    return [one for one in stage.events if isinstance(one, DeadlineMissed)]


@pytest.mark.parametrize("hours", [-1, 1, 5])
def test_a_clock_that_is_set_sends_nothing_twice_and_loses_nothing(stage, ask, hours):
    opened = stage.open()
    run = promised(opened, ask, within="8h")
    opened.drain()

    stage.clock.jump(hours * HOUR)
    for _ in range(3):
        stage.clock.sleep(1800)
        opened.drain()

    assert opened.is_finished(run.id)
    assert len(stage.sent()) == 1
    assert misses(stage) == []


def test_a_clock_that_is_set_back_an_hour_does_not_stop_the_work(stage, ask):
    opened = stage.open()
    first = promised(opened, ask, within="3h")
    opened.drain()
    stage.clock.jump(-HOUR)

    second = promised(opened, lambda text: ask(text + "b"), within="3h", name="second")
    opened.work(until=stage.clock.now() + 2 * HOUR)

    assert opened.is_finished(first.id)
    assert opened.is_finished(second.id)


def test_a_worker_that_was_stopped_for_a_day_says_so_and_finishes(stage, ask):
    opened = stage.open()
    sent = promised(opened, ask, within="6h")
    opened.drain()
    waiting = promised(opened, lambda text: ask(text + "b"), within="6h", name="unsent")

    stage.clock.sleep(24 * HOUR)
    opened.work(until=stage.clock.now() + HOUR)

    causes = {event.run: event.cause for event in misses(stage)}
    assert causes[sent.id].startswith("the worker did not run: it had ended 5 h 59 min before")
    assert causes[waiting.id].startswith("the worker did not run: nobody looked until 18 h")
    assert opened.is_finished(sent.id)
    assert opened.is_finished(waiting.id)


def test_two_drainers_note_a_miss_once(make_stage, ask):
    stage = make_stage(turnaround=5 * HOUR)
    one, other = stage.open(), stage.open()
    promised(one, ask, within="1h")
    one.drain()

    stage.clock.sleep(HOUR + 60)
    one.drain()
    other.drain()

    assert len(misses(stage)) == 1
