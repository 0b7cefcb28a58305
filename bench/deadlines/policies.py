"""The policies. Each does all jobs of a task, and tells which were back in time."""

from typing import Final

from backburner import Backburner
from backburner.client.finishing import Finished
from bench.deadlines.arena import Arena, Policy, Task, rows

_LOOK: Final = 60.0
_NAP: Final = 3600.0
_DAY: Final = 86_400.0
_EVENING: Final = 17.0
_MORNING: Final = "07:00"

GIVEN_UP: Final = 120.0
"""Seconds before its deadline at which a script gives up its batch, which is no time for many."""

_NIGHT: Final = '[lanes.default]\nzone = "UTC"\nwindows = [{ from = "23:00", until = "06:00" }]\n'


def sync_only(arena: Arena, task: Task) -> list[bool]:
    """Each row is a call of its own."""
    for job in range(task.jobs):
        for row in rows(job, task.rows):
            arena.client.messages.create(**row["params"])
    return [True] * task.jobs


def batch_only(arena: Arena, task: Task) -> list[bool]:
    """A batch, and patience."""
    return [_batch(arena, task, job, gives_up=False) for job in range(task.jobs)]


def cancel_and_rerun(arena: Arena, task: Task) -> list[bool]:
    """A batch; if it is not back shortly before the deadline it is canceled, and all asked sync.

    What one writes first: it does not wait for the end of the cancel, nor look at what is there.
    """
    return [_batch(arena, task, job, gives_up=True) for job in range(task.jobs)]


def _batch(arena: Arena, task: Task, job: int, *, gives_up: bool) -> bool:
    batches = arena.client.messages.batches
    deadline = arena.clock.now() + task.seconds
    asked = rows(job, task.rows)
    made = batches.create(requests=asked)  # type: ignore[arg-type]  # the SDK's own shape
    while batches.retrieve(made.id).processing_status != "ended":
        if gives_up and arena.clock.now() >= deadline - GIVEN_UP:
            batches.cancel(made.id)
            for row in asked:
                arena.client.messages.create(**row["params"])
            break
        arena.clock.sleep(_LOOK)
    is_kept = arena.clock.now() <= deadline
    # The next job begins when this one is over at the upstream too.
    while batches.retrieve(made.id).processing_status != "ended":
        arena.clock.sleep(_LOOK)
    return is_kept


def ours(arena: Arena, task: Task) -> list[bool]:
    """A deadline and a rescue, and a worker that runs; one job after the other."""
    home = arena.folder / "home"
    home.mkdir()
    if task.window:
        (home / "backburner.toml").write_text(_NIGHT)
    when = {"by": _MORNING} if task.window else {"within": f"{task.seconds / 60:.0f}m"}
    kept = []
    with Backburner(home, client=arena.client, clock=arena.clock, environment={}) as backburner:
        for job in range(task.jobs):
            if task.window:
                _wait_for_evening(arena)
            run = backburner.enqueue(rows(job, task.rows), name=f"job {job}", rescue="100", **when)
            ended = _worked(arena, backburner)
            kept.append(ended <= (run.deadline or 0.0))
        _check_books(arena, backburner)
    return kept


def _worked(arena: Arena, backburner: Backburner) -> float:
    """Let a worker work until the one run is finished; when it was."""
    ended: list[float] = []

    def finished(_one: Finished) -> None:
        ended.append(arena.clock.now())

    backburner.work(stop=lambda: bool(ended), finished=finished, nap=_NAP)
    return ended[0]


def _wait_for_evening(arena: Arena) -> None:
    hour = arena.clock.now() % _DAY / 3600
    arena.clock.sleep((_EVENING - hour) % 24 * 3600)


def _check_books(arena: Arena, backburner: Backburner) -> None:
    """Make sure that what ours believes to have paid is what the emulator charges."""
    booked, billed = backburner.savings().total.paid, arena.world.bill().total
    if booked != billed:
        raise AssertionError(f"ours has booked {booked} picodollars, and {billed} were charged")


POLICIES: Final[dict[str, Policy]] = {
    "sync only": sync_only,
    "batch only": batch_only,
    "cancel and rerun": cancel_and_rerun,
    "ours": ours,
}
