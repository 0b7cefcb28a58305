"""What is played: how many processes, how often they die, what goes wrong at the far side.

Everything is scaled down together. The latest moment at which the far side may act on a body is
its patience with a halted upload, plus the latest late accept; a list shows it one lag later. That
is 2.2 seconds here. `quiet` outlasts it by less than a second, which is what a slow machine may
take for itself.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from backburner.emulator.faultplan import Chance, FaultPlan, Neighbours
from backburner.emulator.faults import (
    Cut,
    DropAfter,
    DropBefore,
    Fault,
    Lag,
    Late,
    Line,
    Slow,
    Stall,
    Status,
)
from backburner.emulator.settings import Limits, Rule, Settings

TTL: Final = 2.0
QUIET: Final = 3.0
GAP: Final = 0.3
PATIENCE: Final = 0.5
LATEST: Final = 1.4
LAG: Final = 0.3
"""Seconds."""

BATCH_REQUESTS: Final = 20
MODEL: Final = "claude-haiku-4-5"

ENVIRONMENT: Final = {
    "BACKBURNER_TTL": str(TTL),
    "BACKBURNER_QUIET": str(QUIET),
    "BACKBURNER_GAP": str(GAP),
}


_STALLS: Final = {"create": 0.015, "arming": 0.01, "commit": 0.01, "tail": 0.02, "answer": 0.015}


class Control(StrEnum):
    """A safeguard that is taken away, so that the harness must find violations."""

    NONE = "none"
    SDK_RETRIES = "sdk-retries"
    NO_QUIET = "no-quiet"
    BY_COUNT = "by-count"
    NO_EPOCH = "no-epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One play.

    Attributes:
        seconds: For how long there is trouble, at least.
        longest: For how long at most, should the aims not be met before.
        kills: Counted kills to aim at.
        doubts: Doubts to aim at.
        workers: Processes at any time.
        kill_rate: Kills a second.
        stall_rate: Stops a second, anywhere.
        stalls: How often a process stops by itself at a dangerous place: before a create, after a
            piece of its body, before it renews or arms, between arming and the last bytes, between
            the answer and its commit.
        patience: Seconds after which the far side cuts off a body that has come to a halt.
    """

    seed: int
    seconds: float
    longest: float
    kills: int = 0
    doubts: int = 0
    control: Control = Control.NONE
    workers: int = 5
    kill_rate: float = 3.0
    stall_rate: float = 0.1
    stalls: dict[str, float] = field(default_factory=lambda: dict(_STALLS))
    patience: float | None = PATIENCE

    @classmethod
    def of(cls, control: Control, seed: int, longest: float) -> "Scene":
        """A scene that ends at the first violation; it has more of what the safeguard is for."""
        stalls = dict.fromkeys(_STALLS, 0.0)
        patience: float | None = PATIENCE
        if control is Control.NO_EPOCH:
            # Whoever comes back too late must still find somebody who listens.
            stalls["commit"], patience = 0.3, None
        return cls(
            seed=seed,
            seconds=longest,
            longest=longest,
            control=control,
            kill_rate=0.5,
            stalls=stalls,
            patience=patience,
        )


def turnaround(ordinal: int, _count: int) -> float:
    """Seconds a batch takes: most are quick, some are still running when they are looked for."""
    return 0.3 if ordinal % 4 else 4.0


def settings_of(scene: Scene) -> Settings:
    """The far side, with all its faults."""
    return Settings(
        seed=scene.seed,
        turnaround=turnaround,
        retry_after=0,
        errored_share=0.07,
        rules=(Rule(match=r"^Say: (.*)$", answer=r"\1"),),
        limits=Limits(batch_calls_per_minute=None, queued_requests=None),
        faults=_plan(scene.control),
    )


def _plan(control: Control) -> FaultPlan:
    doubtful = _doubtful() if control is not Control.NONE else []
    return FaultPlan(
        chances=(*doubtful, *_creates(), *_looks(), *_results()),
        neighbours=Neighbours(probability=0.2),
        skew=-90.0,
    )


def _creates() -> list[Chance]:
    return _chances(
        "create",
        (DropAfter(), 0.08),
        (Late(by=(0.1, LATEST)), 0.08),
        (Slow(seconds=(0.2, LATEST)), 0.15),
        (Status(500, after=True), 0.05),
        (Status(529, "overloaded_error", after=True), 0.02),
        (Cut(at=0.5), 0.02),
        (DropBefore(), 0.04),
        (Status(500), 0.03),
        (Status(529, "overloaded_error"), 0.02),
        (Status(429, "rate_limit_error", {"retry-after": "1"}), 0.02),
        (Status(403, "permission_error"), 0.01),
        (Lag(in_list=(0.0, LAG)), 0.25),
        (Stall(done=0.5), 0.01),
    )


def _doubtful() -> list[Chance]:
    return _chances("create", (Late(by=(1.0, LATEST)), 0.25), (DropAfter(), 0.25))


def _looks() -> list[Chance]:
    return [
        chance
        for route in ("list", "retrieve")
        for chance in _chances(
            route,
            (Status(500), 0.02),
            (DropBefore(), 0.02),
            (Status(429, "rate_limit_error", {"retry-after": "1"}), 0.01),
            (Slow(seconds=(0.1, 1.0)), 0.03),
            (Cut(at=0.5), 0.01),
        )
    ]


def _results() -> list[Chance]:
    # Some lines never come: the one case in which a success is sent again. A line must then not
    # come by another download either, so no other fault may lose lines unnoticed.
    never = Chance(route="results", fault=Line("missing"), probability=0.02, per="batch")
    return [
        never,
        *_chances(
            "results",
            (Cut(at=0.5), 0.06),
            (DropBefore(), 0.02),
            (Status(500), 0.02),
            (Line("doubled"), 0.04),
            (Line("unknown_id"), 0.04),
            (Line("garbage"), 0.03),
            (Line("blank"), 0.03),
            (Line("crlf"), 0.03),
        ),
    ]


def _chances(route: str, *pairs: tuple[Fault, float]) -> list[Chance]:
    return [Chance(route=route, fault=fault, probability=odds) for fault, odds in pairs]
