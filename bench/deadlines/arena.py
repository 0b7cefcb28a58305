"""A world, a clock, and the rows of a job: what every policy is tried in."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anthropic
import httpx2

from backburner.clock import FakeClock
from backburner.emulator.settings import Rule, Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World

MODEL: Final = "claude-haiku-4-5"
_DAY: Final = 86_400.0
_ANSWER: Final = "A warm, light jacket for three seasons, cut for movement and made to last."


@dataclass(frozen=True, slots=True)
class Arena:
    """Where one policy is played."""

    folder: Path
    clock: FakeClock
    world: World
    client: anthropic.Anthropic


@contextmanager
def arena(turnarounds: Sequence[float], start_hour: float) -> Iterator[Arena]:
    """A fresh world in which the batches take these times, in turn; its day begins at an hour."""
    clock = FakeClock()
    clock.sleep(_DAY - clock.now() % _DAY + start_hour * 3600)

    def turnaround(ordinal: int, _count: int) -> float:
        return turnarounds[ordinal % len(turnarounds)]

    settings = Settings(turnaround=turnaround, rules=(Rule("", _ANSWER),))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        world = World(settings, now=clock.now, state_dir=place / "world")
        transport = httpx2.Client(transport=EmulatorTransport(world))
        with anthropic.Anthropic(
            api_key="k", base_url="http://emulator", http_client=transport, max_retries=0
        ) as client:
            yield Arena(place, clock, world, client)
        world.close()


def rows(job: int, count: int) -> list[dict[str, Any]]:
    """The requests of one job; no two jobs ask the same."""
    return [
        {
            "custom_id": f"row-{row}",
            "params": {
                "model": MODEL,
                "max_tokens": 200,
                "messages": [{"role": "user", "content": f"Describe product {job}-{row}."}],
            },
        }
        for row in range(count)
    ]


def paid_twice(world: World, asked: int) -> int:
    """Rows that were billed more than once: in a batch, and by a call of their own."""
    batched = sum(
        request.outcome == "succeeded" for batch in world.ledger() for request in batch.requests()
    )
    return batched + len(world.messages()) - asked


Policy = Callable[[Arena, "Task"], list[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a policy has to do: jobs of rows, each with so many seconds of time.

    Attributes:
        window: Whether the lane of ours may send at night only, from 23:00.
    """

    jobs: int
    rows: int
    seconds: float
    window: bool = False
