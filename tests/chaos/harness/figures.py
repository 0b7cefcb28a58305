"""What came of a play, counted."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

from harness.diary import Note
from harness.far_side import Entry, FarSide
from harness.judge import Violation
from harness.reaper import Reaper
from harness.scene import Control, Scene

_SHOWN: Final = 10
_TITLES: Final = {
    Control.NONE: "All safeguards on",
    Control.SDK_RETRIES: "Control: the SDK's retries on",
    Control.NO_QUIET: "Control: quiet at zero",
    Control.BY_COUNT: "Control: adopted by count only",
    Control.NO_EPOCH: "Control: no epoch checked",
}
_LOST: Final = {"drop_after": "answer lost", "cut": "answer lost", "slow": "answer too slow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one play.

    Attributes:
        kills: Kills of a process that had done something.
        stalls: Stops that outlasted the lease.
        bodies: Complete bodies that the far side received.
        accepted: Batches that the far side accepted.
        doubts: Doubts by kind.
        resolved: How doubts ended.
        memory_bytes: The most that a worker needed beyond its imports.
        bill: What the far side charged, in picodollars.
    """

    control: str
    seed: int
    seconds: float
    requests: int
    kills: int
    stalls: int
    bodies: int
    accepted: int
    retried: int
    doubts: dict[str, int]
    resolved: dict[str, int]
    struck: dict[str, int]
    memory_bytes: int
    bill: int
    violations: list[Violation]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def figures_of(
    scene: Scene,
    reaper: Reaper,
    notes: list[Note],
    far: FarSide,
    **known: Any,
) -> Figures:
    """Counts what the diary and the ledger hold."""
    entries = far.ledger()
    digests = Counter(request.digest for entry in entries for request in entry.requests)
    return Figures(
        control=scene.control,
        seed=scene.seed,
        kills=reaper.kills,
        stalls=reaper.stalls,
        accepted=len(entries),
        retried=sum(digests.values()) - len(digests),
        doubts=dict(doubts_by_kind(notes, entries).most_common()),
        resolved=dict(Counter(note["how"] for note in notes if note["kind"] == "resolved")),
        struck=far.struck(),
        bill=far.bill(),
        **known,
    )


def doubts_by_kind(notes: list[Note], entries: list[Entry]) -> Counter[str]:
    """What brought each doubt about: known from the worker's notes and the emulator's ledger."""
    accepted = {entry.prefix: entry for entry in entries}
    armed: dict[str, Note] = {}
    failed: dict[int, Note] = {}
    kinds: Counter[str] = Counter()
    for note in sorted(notes, key=lambda one: one["at"]):
        match note["kind"]:
            case "armed":
                armed[note["prefix"][:-1]] = note
                failed.pop(note["worker"], None)
            case "failed":
                failed[note["worker"]] = note
            case "doubted":
                last = armed.get(note["nonce"], {})
                failure = failed.pop(note["worker"], None)
                kinds[_kind(failure, accepted.get(last.get("prefix", "")))] += 1
    return kinds


def _kind(failure: Note | None, entry: Entry | None) -> str:
    if failure is None:
        end = "accepted" if entry else "not accepted"
        return f"killed or stopped between armed and the answer, {end}"
    if failure["status"] is not None:
        return "error after it was accepted" if entry else "error, not accepted"
    if entry is None:
        return "connection lost, not accepted"
    return "accepted late" if entry.late else _LOST.get(entry.fault, "answer lost")


def shown(figures: Figures) -> str:
    """The figures for a person."""
    rows = [
        ("seconds", f"{figures.seconds:.0f}"),
        ("requests", f"{figures.requests:,}"),
        ("counted kills", f"{figures.kills:,}"),
        ("stops beyond the lease", f"{figures.stalls:,}"),
        ("complete bodies", f"{figures.bodies:,}"),
        ("accepted batches", f"{figures.accepted:,}"),
        ("requests sent again", f"{figures.retried:,}"),
        ("doubts", f"{sum(figures.doubts.values()):,}"),
        *((f"  {kind}", f"{count:,}") for kind, count in figures.doubts.items()),
        *((f"resolved: {how}", f"{count:,}") for how, count in figures.resolved.items()),
        ("memory beyond imports", f"{figures.memory_bytes / 1e6:.0f} MB"),
        ("violations", f"{len(figures.violations):,}"),
    ]
    title = _TITLES[Control(figures.control)]
    lines = [f"{title} (seed {figures.seed})", *(f"  {name:<62}{value:>9}" for name, value in rows)]
    lines += [f"  law {one.law}: {one.what}" for one in figures.violations[:_SHOWN]]
    return "\n".join(lines)
