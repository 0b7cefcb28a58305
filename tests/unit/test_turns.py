"""In which order batches go: sooner what is wanted sooner, and runs in turns."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.urgency import Urgency
from backburner.plan.turns import places

NOW = 1_790_000_000.0
HOUR = 3600.0


@dataclass(frozen=True)
class Waiting:
    """As much of a batch as turns depend on."""

    id: int
    run: str | None
    due_at: float = NOW - HOUR
    urgency: str = Urgency.WINDOW
    deadline: float | None = None


def order(*batches: Waiting, now: float = NOW) -> list[int]:
    found = places(batches, now)
    return sorted(found, key=found.__getitem__)


def test_a_short_run_need_not_wait_for_a_long_one():
    long = [Waiting(n, "long") for n in range(5)]

    assert order(*long, Waiting(90, "short"), Waiting(91, "short")) == [0, 90, 1, 91, 2, 3, 4]


def test_what_is_wanted_sooner_goes_first():
    batches = (
        Waiting(1, "window"),
        Waiting(2, "soon", urgency=Urgency.SOON),
        Waiting(3, "late", urgency=Urgency.DEADLINE, deadline=NOW + 9 * HOUR),
        Waiting(4, "near", urgency=Urgency.DEADLINE, deadline=NOW + 2 * HOUR),
        Waiting(5, "now", urgency=Urgency.NOW),
    )

    assert order(*batches) == [5, 4, 3, 2, 1]


def test_a_deadline_goes_before_what_was_released_earlier():
    earlier = places([Waiting(n, "long") for n in range(400)], NOW)
    promised = Waiting(999, "short", urgency=Urgency.DEADLINE, deadline=NOW + HOUR)
    later = places([promised], NOW + 60)

    assert later[999] < min(earlier.values())


waiting = st.builds(
    Waiting,
    id=st.integers(1, 10_000),
    run=st.sampled_from([None, "a", "b", "c"]),
    urgency=st.sampled_from(list(Urgency)),
    deadline=st.none() | st.floats(NOW - 1e7, NOW + 1e8),
)


@given(st.lists(waiting, unique_by=lambda one: one.id, max_size=40))
def test_each_has_a_place_of_its_own_and_is_due_by_now(batches):
    found = places(batches, NOW)

    assert set(found) == {one.id for one in batches}
    assert all(at <= NOW for at in found.values())
    assert len(set(found.values())) == len(found)
