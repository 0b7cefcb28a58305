"""Measures ours, the plain SDK script and the floor side by side, in one go.

Rates leave out the phase `wait`, in which the emulator writes its results: every contestant sends
while nothing is answered, then the emulator's clock is moved, then every contestant collects. The
table shows what was left out.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench import workload
from bench.contestants import CONTESTANTS
from bench.server import emulator

OUT = Path(__file__).resolve().parent / "out"
DEFAULT_REQUESTS = 100_000
TEXT_BYTES = workload.REQUEST_TEXT_BYTES
_PACKAGES = ("anthropic", "httpx2", "msgspec", "sqlalchemy", "backports.zstd")
_OURS = ("ours-list", "ours-table")
_TRAVEL = ("send", "collect")
_ALL = ("prepare", *_TRAVEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one contestant used, in the middle of its repetitions."""

    name: str
    requests: int
    wall: dict[str, float]
    cpu: dict[str, float]
    import_cpu: float
    bare_mb: float
    peak_mb: float

    def wall_of(self, phases: tuple[str, ...]) -> float:
        """Wall seconds of some phases."""
        return sum(self.wall.get(one, 0.0) for one in phases)

    def cpu_of(self, phases: tuple[str, ...]) -> float:
        """CPU seconds of some phases."""
        return sum(self.cpu.get(one, 0.0) for one in phases)

    def rate(self, phases: tuple[str, ...]) -> float:
        """Requests in a second of some phases."""
        return self.requests / self.wall_of(phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A figure that has a target."""

    name: str
    value: float
    target: float
    at_least: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the target is reached."""
        return self.value >= self.target if self.at_least else self.value <= self.target


def run_once(name: str, folder: Path, requests: int) -> dict[str, object]:
    """Runs one contestant in a fresh process against a fresh emulator."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as work,
        emulator(Path(work) / "emulator") as url,
    ):
        for path in folder.iterdir():
            if path.is_file():
                (Path(work) / path.name).symlink_to(path)
        command = [sys.executable, "-m", "bench.contestants", name, url, work, str(requests)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    if figures["answered"] != requests:
        raise SystemExit(f"{name} brought {figures['answered']} answers to {requests} requests")
    return figures


def summed_up(name: str, requests: int, runs: list[dict[str, object]]) -> Result:
    """The medians of repeated runs."""
    phases = runs[0]["phases"]
    return Result(
        name=name,
        requests=requests,
        wall={one: median(run["phases"][one]["wall"] for run in runs) for one in phases},
        cpu={one: median(run["phases"][one]["cpu"] for run in runs) for one in phases},
        import_cpu=median(run["import_cpu"] for run in runs),
        bare_mb=median(run["bare_mb"] for run in runs),
        peak_mb=median(run["peak_mb"] for run in runs),
    )


def ratios(results: dict[str, Result]) -> list[Ratio]:
    """What the project promises, as far as the contestants that ran can show it."""
    found = []
    floor, script = results.get("floor"), results.get("sdk-script")
    for name in _OURS:
        ours = results.get(name)
        if ours is None:
            continue
        if script:
            faster = ours.rate(_TRAVEL) / script.rate(_TRAVEL)
            cheaper = script.cpu_of(_TRAVEL) / ours.cpu_of(_TRAVEL)
            found += [
                Ratio(name=f"{name}: send and collect, rate, x sdk-script", value=faster, target=5),
                Ratio(name=f"{name}: send and collect, less CPU, x", value=cheaper, target=6),
            ]
        if floor:
            sent = ours.rate(_TRAVEL) / floor.rate(_TRAVEL)
            whole = ours.rate(_ALL) / floor.rate(_TRAVEL)
            found += [
                Ratio(name=f"{name}: send and collect, rate, x floor", value=sent, target=0.5),
                Ratio(name=f"{name}: rows to outcomes, rate, x floor", value=whole, target=0.3),
            ]
        above = ours.peak_mb - ours.bare_mb
        memory = f"{name}: peak above bare imports, MB"
        found.append(Ratio(name=memory, value=above, target=60, at_least=False))
    return found


def table(results: dict[str, Result]) -> str:
    """The figures as a plain table."""
    heads = ("prepare", "send", "collect", "(wait)")
    lines = [
        f"{'':11}{'wall seconds':>36}{'requests/s':>22}{'client CPU s':>22}{'memory MB':>21}",
        f"{'':11}"
        + "".join(f"{head:>9}" for head in heads)
        + f"{'send+coll':>11}{'all':>11}{'send+coll':>11}{'all':>11}"
        + f"{'bare':>7}{'peak':>7}{'above':>7}",
    ]
    for one in results.values():
        walls = [one.wall.get(phase.strip("()"), 0.0) for phase in heads]
        lines.append(
            f"{one.name:11}"
            + "".join(f"{wall:9.2f}" for wall in walls)
            + f"{one.rate(_TRAVEL):11,.0f}{one.rate(_ALL):11,.0f}"
            + f"{one.cpu_of(_TRAVEL):11.2f}{one.cpu_of(_ALL):11.2f}"
            + f"{one.bare_mb:7.0f}{one.peak_mb:7.0f}{one.peak_mb - one.bare_mb:7.0f}"
        )
    return "\n".join(lines)


def verdicts(found: list[Ratio]) -> str:
    """Each promise with its figure."""
    return "\n".join(
        f"{one.name:50}{one.value:8.2f}   {'at least' if one.at_least else 'at most'} "
        f"{one.target:g}: {'met' if one.is_met else 'MISSED'}"
        for one in found
    )


def machine() -> dict[str, object]:
    """Where it was measured."""
    return {
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; medians are shown")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, help="leave the others out")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    args = parser.parse_args()
    if args.only is None:
        # The script sends one batch, and beyond its size only our own memory is of interest.
        within = args.requests <= workload.REQUESTS_PER_BODY
        args.only = list(CONTESTANTS) if within else list(_OURS)
    return args


def main() -> None:
    """Runs all contestants in turn, as often as asked, and tells what came of it."""
    args = arguments()
    OUT.mkdir(exist_ok=True)
    runs: dict[str, list[dict[str, object]]] = {name: [] for name in args.only}
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        folder = Path(name)
        print(f"writing {args.requests:,} requests ...", flush=True)
        workload.write_requests(folder / "requests.jsonl", args.requests)
        if "floor" in args.only:
            workload.write_bodies(folder, args.requests)
        if "ours-table" in args.only:
            workload.write_table(folder / "table.csv", args.requests, TEXT_BYTES)
        for turn in range(args.repeat):
            for one in args.only:
                print(f"{one}, run {turn + 1} of {args.repeat} ...", flush=True)
                runs[one].append(run_once(one, folder, args.requests))
    results = {one: summed_up(one, args.requests, figures) for one, figures in runs.items()}
    found = ratios(results)
    print(f"\n{args.requests:,} requests, {os.cpu_count()} CPUs, median of {args.repeat}\n")
    print(table(results))
    print("\nsend+coll and all leave out the wait for the emulator's results, which is shown.\n")
    print(verdicts(found))
    path = args.json or OUT / f"bench-{args.requests}.json"
    path.write_text(
        json.dumps(
            {
                "machine": machine(),
                "requests": args.requests,
                "repeat": args.repeat,
                "ratios": [
                    {"name": o.name, "value": o.value, "target": o.target, "met": o.is_met}
                    for o in found
                ],
                "runs": runs,
            },
            indent=2,
        )
        + "\n"
    )
    print(f"\n{path}")


if __name__ == "__main__":
    main()
