"""When work with a deadline leaves a lane that has windows."""

import pytest

from backburner.nouns.batch import BatchState
from backburner.store.batches import batches_of_run

NIGHT = '[lanes.default]\nzone = "UTC"\nwindows = [{ from = "23:00", until = "06:00" }]\n'


@pytest.fixture
def lane(stage, ask):
    """Enqueues at noon into a lane that sends at night; gives hours until a batch has left."""
    stage.home.mkdir()
    (stage.home / "backburner.toml").write_text(NIGHT)
    stage.clock.sleep(86_400 - stage.clock.now() % 86_400 + 12 * 3600)
    opened = stage.open()
    noon = stage.clock.now()

    def hours_until_sent(**timing):
        run = opened.enqueue([{"custom_id": "a", "params": ask("Say: a")}], **timing)
        while True:
            opened.drain()
            with opened.tools.store.read() as tx:
                [batch] = batches_of_run(tx, run.id)
            if batch.state is not BatchState.SEALED:
                return (batch.sent_at - noon) / 3600
            stage.clock.sleep(300)

    return hours_until_sent


def test_a_window_that_keeps_the_promise_is_waited_for(lane):
    assert lane(by="07:00") == pytest.approx(11, abs=0.1)


def test_what_a_window_would_break_leaves_at_the_latest_safe_moment(lane):
    # 95 of 100 are back in 1 h 51 min, and 3 min are left to collect.
    assert lane(by="23:30") == pytest.approx(11.5 - 1.9, abs=0.1)


def test_what_cannot_wait_leaves_at_once(lane):
    assert lane(within="1h") == pytest.approx(0, abs=0.01)


def test_without_a_deadline_the_window_is_waited_for(lane):
    assert lane() == pytest.approx(11, abs=0.1)


def test_soon_waits_for_nothing(lane):
    assert lane(urgency="soon") == pytest.approx(0, abs=0.01)
