"""The article's SDK script beside ours, under each of the faults that a night can bring.

Each runs in a process of its own against a fresh emulator, whose ledger gives all figures. A
process that dies is started again once, with the same words, as a person would.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import workload
from bench.server import control, emulator

OUT = Path(__file__).resolve().parent / "out"
DEFAULT_REQUESTS = 1_000
CONTESTANTS = ("sdk-script", "ours")

_TURNAROUND = 1.0
_TEXT_BYTES = 200
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.02
_HELD_SECONDS = 20.0
"""How long the answer to a create is held back from the process that is killed meanwhile."""

_LONG_NAP = 10.0
_OURS = {"BACKBURNER_QUIET": "2", "BACKBURNER_GAP": "0.5"}
"""On loopback a doubt may rest for seconds; at Anthropic it rests a quarter of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that goes wrong.

    Attributes:
        script: What the emulator is told to do wrong, once.
        errored_share: Share of requests that fail once.
        kills: Whether the process is killed as soon as its batch is accepted.
    """

    name: str
    script: Mapping[str, object] = field(default_factory=dict)
    errored_share: float = 0.0
    kills: bool = False


_NONE = Trouble(name="no fault")
TROUBLES = (
    _NONE,
    Trouble(name="answer to create lost", script={"route": "create", "fault": "drop_after"}),
    Trouble(
        name="accepted, but a 500",
        script={"route": "create", "fault": "status", "code": 500, "after": True},
    ),
    Trouble(
        name="kill -9 after create",
        script={"route": "create", "fault": "slow", "seconds": _HELD_SECONDS},
        kills=True,
    ),
    Trouble(name="results cut", script={"route": "results", "fault": "cut", "at": 0.5}),
    Trouble(
        name="a line missing once",
        script={"route": "results", "fault": "line", "kind": "missing"},
    ),
    Trouble(name="3 % errors", errored_share=0.03),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of one contestant under one trouble.

    Attributes:
        batches: How many batches the emulator accepted.
        accepted: How many requests they held.
        needed: How many had to be accepted: each once, and each that failed once more.
        answered: How many distinct requests the contestant had an answer to in the end.
        lost: How many it had none to.
        paid_again: How many answers were billed beyond the first to each request.
        bill: In picodollars.
        crashed: Whether its process failed, or was killed, and was started again.
    """

    trouble: str
    contestant: str
    batches: int
    accepted: int
    needed: int
    answered: int
    lost: int
    paid_again: int
    bill: int
    crashed: bool


def script(url: str, folder: Path) -> None:
    """Does what the article does: create, poll, collect, and send what failed once more."""
    import anthropic  # noqa: PLC0415  # each contestant imports only what it needs

    client = anthropic.Anthropic(api_key="bench", base_url=url)
    with (folder / "requests.jsonl").open(encoding="utf-8") as file:
        requests = [json.loads(line) for line in file]

    def round_trip(some: list[dict[str, Any]]) -> dict[str, Any]:
        batch = client.messages.batches.create(requests=some)
        while client.messages.batches.retrieve(batch.id).processing_status != "ended":
            time.sleep(_POLL_SECONDS)
        return {one.custom_id: one.result for one in client.messages.batches.results(batch.id)}

    results = round_trip(requests)
    errored = {name for name, result in results.items() if result.type == "errored"}
    if errored:
        results |= round_trip([one for one in requests if one["custom_id"] in errored])
    answered = [name for name, result in results.items() if result.type == "succeeded"]
    (folder / "answered.json").write_text(json.dumps(answered))


def ours(url: str, folder: Path) -> None:
    """Calls `backburner run`, as from a shell."""
    from backburner.cli.main import main as backburner  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415

    class Hasty(StoreClock):
        """Skips long naps: a line that lacks is looked for again after ten minutes."""

        _skipped = 0.0

        def now(self) -> float:
            return super().now() + self._skipped

        def sleep(self, seconds: float) -> None:
            if seconds < _LONG_NAP:
                super().sleep(seconds)
            else:
                self._skipped += seconds

    environment = {
        "ANTHROPIC_API_KEY": "bench",
        "ANTHROPIC_BASE_URL": url,
        "BACKBURNER_HOME": str(folder / "home"),
        **_OURS,
    }
    output = folder / "results.jsonl"
    words = ["run", str(folder / "requests.jsonl"), "-o", str(output), "--yes", "--json"]
    code = backburner(words, environment=environment, clock=Hasty())
    if code not in (0, 3):
        raise SystemExit(code)
    with output.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    answered = [one["custom_id"] for one in lines if one["result"]["type"] == "succeeded"]
    (folder / "answered.json").write_text(json.dumps(answered))


def measure(trouble: Trouble, contestant: str, requests: int, folder: Path) -> Figures:
    """Runs one contestant under one trouble."""
    workload.write_requests(folder / "requests.jsonl", requests, _TEXT_BYTES)
    with emulator(
        folder / "emulator", turnaround=_TURNAROUND, errored_share=trouble.errored_share
    ) as url:
        if trouble.script:
            control(url, "script", dict(trouble.script))
        crashed = not _runs_through(trouble, contestant, url, folder)
        if crashed:
            _started(contestant, url, folder).wait()
        _until_all_ended(url)
        ledger = [json.loads(line) for line in control(url, "ledger").splitlines()]
        bill = json.loads(control(url, "bill"))["total"]
    succeeded = Counter(
        digest for one in ledger for _, digest, kind, _ in one["requests"] if kind == "succeeded"
    )
    errored = sum(kind == "errored" for one in ledger for _, _, kind, _ in one["requests"])
    answered = len(set(_answered(folder)))
    return Figures(
        trouble=trouble.name,
        contestant=contestant,
        batches=len(ledger),
        accepted=sum(one["count"] for one in ledger),
        needed=requests + errored,
        answered=answered,
        lost=requests - answered,
        paid_again=succeeded.total() - len(succeeded),
        bill=bill,
        crashed=crashed,
    )


def _runs_through(trouble: Trouble, contestant: str, url: str, folder: Path) -> bool:
    """Whether a process came to its end by itself; a kill strikes once its batch is accepted."""
    process = _started(contestant, url, folder)
    if trouble.kills:
        while not json.loads(control(url, "batches")):
            if process.poll() is not None:
                raise SystemExit(f"{contestant} ended before it could be killed")
            time.sleep(_LOOK_SECONDS)
        process.kill()
    return process.wait() == 0


def _started(contestant: str, url: str, folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "bench.faults", "--child", contestant, url, str(folder)]
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC_", "BACKBURNER_"))
    }
    with (folder / f"{contestant}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=clean)


def _until_all_ended(url: str) -> None:
    """Waits for what nobody waits for any more: it is billed all the same."""
    while any(one["status"] != "ended" for one in json.loads(control(url, "batches"))):
        time.sleep(_POLL_SECONDS)


def _answered(folder: Path) -> list[str]:
    path = folder / "answered.json"
    return json.loads(path.read_text()) if path.exists() else []


@contextmanager
def _workplace() -> Iterator[Path]:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        yield Path(name)


def compare(
    requests: int, troubles: Sequence[Trouble], contestants: Sequence[str]
) -> list[Figures]:
    """Runs contestants under troubles, and first of all under none."""
    found = []
    for trouble in (_NONE, *(one for one in troubles if one is not _NONE)):
        for contestant in contestants:
            with _workplace() as folder:
                found.append(measure(trouble, contestant, requests, folder))
    return found


def undisturbed(found: list[Figures]) -> int:
    """The bill when nothing goes wrong, which all others are measured by."""
    return found[0].bill


def table(found: list[Figures]) -> str:
    """The figures as a plain table."""
    whole = undisturbed(found)
    heads = ("fault", "", "batches", "accepted", "answered", "lost", "paid twice", "bill", "died")
    rows = [
        (
            one.trouble,
            one.contestant,
            f"{one.batches:,}",
            f"{one.accepted:,}",
            f"{one.answered:,}",
            f"{one.lost:,}",
            f"{one.paid_again:,}",
            f"{one.bill / whole:.2f} x",
            "yes" if one.crashed else "no",
        )
        for one in found
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)  # noqa: PLR2004  # two names
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    )


def main() -> None:
    """Runs all of it and tells what came of it, or is one of the contestants."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS)
    names = [one.name for one in TROUBLES]
    parser.add_argument("--faults", nargs="+", choices=names, default=names)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        contestant, url, folder = args.child
        {"sdk-script": script, "ours": ours}[contestant](url, Path(folder))
        return
    found = compare(args.requests, [one for one in TROUBLES if one.name in args.faults], args.only)
    print(f"{args.requests:,} requests; a process that died was started again once\n")
    print(table(found))
    path = args.json or OUT / "faults.json"
    path.parent.mkdir(exist_ok=True)
    whole = undisturbed(found)
    figures = [{**asdict(one), "times_the_bill": one.bill / whole} for one in found]
    path.write_text(json.dumps({"requests": args.requests, "figures": figures}, indent=2) + "\n")
    print(f"\n{path}")


if __name__ == "__main__":
    main()
