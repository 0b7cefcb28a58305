"""A laptop that slept says so, and goes on."""

import pytest

from backburner.clock import FakeClock


class Laptop(FakeClock):
    """Falls asleep for two hours in its third nap: only the wall's clock goes on meanwhile."""

    def __init__(self):
        super().__init__()
        self._naps = 0
        self._asleep = 0.0

    def monotonic(self):
        return super().monotonic() - self._asleep

    def sleep(self, seconds):
        self._naps += 1
        if self._naps == 3:
            self._asleep += 7200
            seconds += 7200
        super().sleep(seconds)


@pytest.fixture
def clock():
    return Laptop()


def test_a_machine_that_slept_says_so_and_goes_on(call, reviews, tmp_path):
    said = call(
        "run",
        reviews,
        *("--prompt", "Judge: {{ text }}", "--model", "claude-haiku-4-5", "--yes"),
        *("-o", tmp_path / "out.csv"),
    )

    assert said.code == 0
    assert "this machine slept 2 h 0 min; now checking" in said.out
    assert "4 ok" in said.out
