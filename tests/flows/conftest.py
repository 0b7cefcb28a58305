"""A home, a world and a clock, on which Backburners are opened as processes would be."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from backburner.client import Backburner
from backburner.client.home import Home
from backburner.client.preparing import Fresh, RunOptions
from backburner.clock import FakeClock
from backburner.emulator.settings import Rule
from backburner.emulator.world import World
from backburner.nouns.run import Run
from backburner.plan.packing import PackLimits
from backburner.telemetry import Event

MODEL = "claude-haiku-4-5"


@dataclass
class Stage:
    """Where whole lives are played."""

    home: Path
    clock: FakeClock
    world: World
    make_client: Callable[..., anthropic.Anthropic]
    events: list[Event] = field(default_factory=list)
    _open: list[Backburner] = field(default_factory=list)

    def open(
        self,
        *,
        transport: httpx2.BaseTransport | None = None,
        key: str = "k",
        requests: int = 25_000,
        home: Home | None = None,
        **options: Any,
    ) -> Backburner:
        """A Backburner on the home, as another process would be."""
        opened = Backburner(
            home or self.home,
            client=self.make_client(self.world, transport, key),
            clock=self.clock,
            listener=self.events.append,
            limits=PackLimits(requests=requests),
            **{"environment": {}, **options},
        )
        self._open.append(opened)
        return opened

    def table(self, rows: list[str] | int, name: str = "in.csv") -> Path:
        """A CSV of texts."""
        texts = [f"text {n}" for n in range(rows)] if isinstance(rows, int) else rows
        path = self.home.parent / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(enumerate(texts))
        return path

    def run_of(self, bb: Backburner, source: Path, output: str = "out.csv", **more: Any) -> Run:
        """A committed run of a table."""
        options = {"prompt": "Say: {{ text }}", "model": MODEL, "max_tokens": 100, **more}
        wanted = RunOptions(source=str(source), output=str(self.home.parent / output), **options)
        prepared = bb.intake.prepare(wanted)
        return bb.intake.commit(prepared.staged) if isinstance(prepared, Fresh) else prepared.run

    def rows(self, output: str = "out.csv") -> list[dict[str, str]]:
        """The rows of an output."""
        text = (self.home.parent / output).read_bytes().decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def sent(self) -> list[list[str]]:
        """The positions-and-nonces of every accepted batch, by the server's ledger."""
        return [list(batch.custom_ids()) for batch in self.world.ledger()]

    def close(self) -> None:
        """End what is still open."""
        for opened in self._open:
            opened.close()


Deaths = Callable[[int, int], Iterable[int]]
"""The effects to die at, from a first one on: with a stride, or with --every-effect each."""


@pytest.fixture
def deaths(pytestconfig: pytest.Config) -> Deaths:
    is_every = pytestconfig.getoption("--every-effect")
    return lambda first, stride: range(first, 10_000, 1 if is_every else stride)


@pytest.fixture
def make_stage(
    tmp_path: Path,
    clock: FakeClock,
    make_world: Callable[..., World],
    make_client: Callable[..., anthropic.Anthropic],
    check_bill: Callable[[Path, Iterable[World]], None],
    is_billed: bool,  # noqa: FBT001  # a fixture
) -> Iterator[Callable[..., Stage]]:
    """Makes stages; the model repeats what it is asked to say.

    In the end the books of each must equal the bill.
    """
    stages = []

    def make(**settings: Any) -> Stage:
        chosen = {"rules": (Rule(match=r"(?s)^Say: (.*)$", answer=r"\1"),), **settings}
        folder = tmp_path / f"stage-{len(stages)}"
        folder.mkdir()
        made = Stage(folder / "home", clock, make_world(**chosen), make_client)
        stages.append(made)
        return made

    yield make
    for one in stages:
        one.close()
    for one in stages:
        if is_billed:
            check_bill(one.home, [one.world])


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()
