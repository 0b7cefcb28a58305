"""What the tests of the core share: a clock that moves when told, a world, and clients of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import HealthCheck, settings

from backburner.clock import FakeClock
from backburner.emulator.settings import Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World

EMULATOR = "http://emulator"

# Examples are held to no wall clock: on a busy machine the simplest of them may take long.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_world(clock: FakeClock, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds that go by the test's clock."""
    worlds = []

    def make(**settings: Any) -> World:
        chosen = {"turnaround": 20.0, "retry_after": 1, **settings}
        world = World(Settings(**chosen), now=clock.now, state_dir=tmp_path / "worlds")
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def make_client() -> Iterator[Callable[..., anthropic.Anthropic]]:
    """Makes official SDK clients that speak to a world, through a transport of the test's if any.

    The SDK's own retries are left on: what must not use them has to see to it.
    """
    clients = []

    def make(
        world: World, transport: httpx2.BaseTransport | None = None, key: str = "k"
    ) -> anthropic.Anthropic:
        client = anthropic.Anthropic(
            api_key=key,
            base_url=EMULATOR,
            http_client=httpx2.Client(transport=transport or EmulatorTransport(world)),
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """The parameters of a request."""

    def params(text: str = "Hello", **more: Any) -> dict[str, Any]:
        return {
            "model": "claude-haiku-4-5",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": text}],
            **more,
        }

    return params
