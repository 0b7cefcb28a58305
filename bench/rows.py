"""A table of a million rows through a whole run: CSV in, the same CSV with answers out.

Shows wall time, memory and the phases of the client while the emulator answers beside it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import workload
from bench.meter import Meter
from bench.server import emulator

OUT = Path(__file__).resolve().parent / "out"
DEFAULT_ROWS = 1_000_000
TEXT_BYTES = 200
MAX_WALL_SECONDS = 75.0
MAX_PEAK_MB = 250.0
_TURNAROUND = 2.0
_PROMPT = "Classify this text as a complaint, a question or praise.\n\n{{ text }}"


def client(url: str, folder: Path) -> None:
    """Runs the table in this process, which the parent made for it."""
    import anthropic  # noqa: PLC0415  # the parent needs none of it

    from backburner import prices  # noqa: F401, PLC0415
    from backburner.client import Backburner  # noqa: PLC0415
    from backburner.client.preparing import Fresh, RunOptions  # noqa: PLC0415
    from backburner.telemetry import BatchCollected, BatchSent, Event  # noqa: PLC0415

    sdk = anthropic.Anthropic(api_key="bench", base_url=url)
    meter = Meter()
    steps = {"send": 0.0, "collect": 0.0}

    def note(event: Event) -> None:
        if isinstance(event, BatchSent):
            steps["send"] += event.seconds
        elif isinstance(event, BatchCollected):
            steps["collect"] += event.seconds

    with Backburner(folder / "home", client=sdk, listener=note) as queue:
        with meter.phase("stage"):
            options = RunOptions(
                source=str(folder / "table.csv"),
                prompt=_PROMPT,
                model=workload.MODEL,
                max_tokens=workload.MAX_TOKENS,
                output=str(folder / "answers.csv"),
            )
            fresh = queue.intake.prepare(options)
            assert isinstance(fresh, Fresh)  # noqa: S101  # the home is new
            run = queue.intake.commit(fresh.staged)
        with meter.phase("run"):
            finished = queue.run(run.id)
    meter.report(
        answered=finished.receipt.outcomes.get("ok", 0),
        of_which={name: round(seconds, 2) for name, seconds in steps.items()},
    )


def main() -> None:
    """Writes the table, runs it, and tells what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS)
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        client(args.client[0], Path(args.client[1]))
        return
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        folder = Path(name)
        print(f"writing {args.rows:,} rows ...", flush=True)
        workload.write_table(folder / "table.csv", args.rows, TEXT_BYTES)
        with emulator(folder / "emulator", turnaround=_TURNAROUND) as url:
            command = [sys.executable, "-m", "bench.rows", "--client", url, str(folder)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        with (folder / "answers.csv").open("rb") as file:
            lines = sum(1 for _ in file)
    figures = json.loads(done.stdout.splitlines()[-1])
    if figures["answered"] != args.rows or lines != args.rows + 1:
        raise SystemExit(f"{figures['answered']} answers and {lines} lines for {args.rows} rows")
    stage, run = (figures["phases"][one] for one in ("stage", "run"))
    parts = figures["of_which"]
    wall, peak = stage["wall"] + run["wall"], figures["peak_mb"]
    print(f"{args.rows:,} rows: {wall:.1f} s wall, {stage['cpu'] + run['cpu']:.1f} s client CPU")
    print(f"  stage {stage['wall']:.1f} s, send {parts['send']} s, collect {parts['collect']} s")
    rest = run["wall"] - parts["send"] - parts["collect"]
    print(f"  waiting, output and receipt {rest:.1f} s")
    print(f"  memory: bare {figures['bare_mb']:.0f} MB, peak {peak:.0f} MB")
    if args.rows == DEFAULT_ROWS:
        met = wall < MAX_WALL_SECONDS and peak < MAX_PEAK_MB
        verdict = "met" if met else "MISSED"
        print(f"  under {MAX_WALL_SECONDS:g} s and {MAX_PEAK_MB:g} MB: {verdict}")
    (OUT / f"rows-{args.rows}.json").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
