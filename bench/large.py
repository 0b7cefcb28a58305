"""Large requests: 3,000 of 100 KB go up in at least two batches, in little memory."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import workload
from bench.meter import Meter
from bench.server import emulator, let_all_end

OUT = Path(__file__).resolve().parent / "out"
REQUESTS = 3_000
TEXT_BYTES = 100_000
MIN_BATCHES = 2
MAX_PEAK_MB = 200.0


def client(url: str, folder: Path) -> None:
    """Sends and collects in this process, which the parent made for it."""
    import anthropic  # noqa: PLC0415  # the parent needs none of it

    from backburner import prices  # noqa: F401, PLC0415
    from backburner.client import Backburner  # noqa: PLC0415
    from backburner.client.preparing import Fresh, RunOptions  # noqa: PLC0415

    # The most that a body may hold, so that memory is seen at its worst.
    from backburner.nouns.batch import MAX_BYTES  # noqa: PLC0415
    from backburner.plan.packing import PackLimits  # noqa: PLC0415

    sdk = anthropic.Anthropic(api_key="bench", base_url=url)
    limits = PackLimits(body_bytes=MAX_BYTES)
    meter = Meter()
    with Backburner(folder / "home", client=sdk, limits=limits) as queue:
        with meter.phase("prepare"):
            fresh = queue.intake.prepare(RunOptions(source=str(folder / "requests.jsonl")))
            assert isinstance(fresh, Fresh)  # noqa: S101  # the home is new
            run = queue.intake.commit(fresh.staged)
        with meter.phase("send"):
            queue.drain()
        with meter.phase("wait"):
            let_all_end(url, REQUESTS)
        with meter.phase("collect"):
            queue.drain()
        counted = queue.status(run.id)[1][0].count
    batches = len(fresh.staged.batches)
    meter.report(answered=sum(counted.outcomes.values()), batches=batches)


def main() -> None:
    """Writes the requests, runs them, and tells what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        client(args.client[0], Path(args.client[1]))
        return
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        folder = Path(name)
        workload.write_requests(folder / "requests.jsonl", REQUESTS, TEXT_BYTES)
        with emulator(folder / "emulator") as url:
            command = [sys.executable, "-m", "bench.large", "--client", url, str(folder)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    if figures["answered"] != REQUESTS:
        raise SystemExit(f"{figures['answered']} answers to {REQUESTS} requests")
    walls = {phase: round(spent["wall"], 2) for phase, spent in figures["phases"].items()}
    print(f"{REQUESTS:,} requests of {TEXT_BYTES:,} bytes in {figures['batches']} batches: {walls}")
    print(f"  memory: bare {figures['bare_mb']:.0f} MB, peak {figures['peak_mb']:.0f} MB")
    met = figures["batches"] >= MIN_BATCHES and figures["peak_mb"] < MAX_PEAK_MB
    print(
        f"  at least {MIN_BATCHES} batches, under {MAX_PEAK_MB:g} MB: {'met' if met else 'MISSED'}"
    )
    (OUT / "large.json").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
