import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from backburner.emulator.replies import Reply
from backburner.emulator.settings import Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World

START = 1_790_000_000.0
BATCHES = "/v1/messages/batches"


class ManualClock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])

    @property
    def lines(self) -> dict[str, Any]:
        decoded = map(json.loads, self.body.splitlines())
        return {line["custom_id"]: line["result"] for line in decoded}


@dataclass
class Api:
    """A world and the calls that tests make of it, without any HTTP library."""

    world: World
    clock: ManualClock
    key: str = "k"
    version: str = "2023-06-01"
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"x-api-key": self.key, "anthropic-version": self.version, **self.headers, **extra}
        if body:
            sent.setdefault("content-length", str(len(body)))
        exchange = self.world.open(method, target, {k: v for k, v in sent.items() if v})
        exchange.feed(body)
        return self.read(exchange.finish())

    def read(self, reply: Reply) -> Answer:
        return Answer(reply.status, dict(reply.headers), b"".join(reply.body))

    def get(self, target: str, **headers: str) -> Answer:
        return self.call("GET", target, **headers)

    def post(self, target: str, value: Any = None, **headers: str) -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        return self.call("POST", target, body, **headers)

    def create(self, requests: list[Any], **headers: str) -> Any:
        answer = self.post(BATCHES, {"requests": requests}, **headers)
        assert answer.status == 200, answer.body
        return answer.json

    def run(self, *params: dict[str, Any], **headers: str) -> list[Any]:
        """The results of a batch of the given parameters, in their order."""
        requests = [{"custom_id": f"r-{i}", "params": p} for i, p in enumerate(params)]
        batch = self.create(requests, **headers)
        self.clock.advance(3 * 24 * 3600)
        lines = self.get(f"{BATCHES}/{batch['id']}/results").lines
        return [lines[f"r-{i}"] for i in range(len(params))]


def ask(text: Any = "Hello", **params: Any) -> dict[str, Any]:
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
        **params,
    }


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def emulate(clock: ManualClock, tmp_path: Path) -> Iterator[Callable[..., Api]]:
    worlds = []

    def make(**settings: Any) -> Api:
        world = World(Settings(**settings), now=clock, state_dir=tmp_path)
        worlds.append(world)
        return Api(world, clock)

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def api(emulate: Callable[..., Api]) -> Api:
    return emulate()


@pytest.fixture
def sdk(api: Api) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key="k",
        base_url="http://emulator",
        http_client=httpx2.Client(transport=EmulatorTransport(api.world)),
        max_retries=0,
    ) as client:
        yield client


@pytest.fixture(name="ask")
def _ask() -> Callable[..., dict[str, Any]]:
    return ask
