"""The emulator's server in a process of its own, without limits of rate or queue."""

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import workload

NEVER = 20 * 3_600.0
"""A turnaround that passes only when the clock is moved: nothing is answered while it is sent."""

_LOOK_SECONDS = 0.05
_STOP_SECONDS = 10
_SHORTEST_WAIT = 1.2
"""Ours asks about a batch a second after sending it at the earliest; all wait as long."""


@contextmanager
def emulator(
    folder: Path, *, turnaround: float = NEVER, errored_share: float = 0.0
) -> Iterator[str]:
    """Runs a new emulator; gives its base URL. What it spools goes with it."""
    chosen = [str(turnaround), "--errored-share", str(errored_share)]
    command = [sys.executable, "-m", "bench.server", str(folder), *chosen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            url = process.stdout.readline().strip()
            if not url:
                raise SystemExit("the emulator did not start")
            yield url
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def let_all_end(url: str, requests: int) -> None:
    """Moves the clock past the turnaround and waits until all results are written."""
    control(url, "clock", {"advance": NEVER})
    time.sleep(_SHORTEST_WAIT)
    while True:
        batches = json.loads(control(url, "batches"))
        if sum(one["count"] for one in batches if one["status"] == "ended") >= requests:
            return
        time.sleep(_LOOK_SECONDS)


def control(url: str, name: str, body: object = None) -> bytes:
    """Asks an emulator's control, or tells it something; gives its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_emulator/{name}", data)  # noqa: S310  # our emulator
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return answer.read()


def main() -> None:
    """Serves until it is told to stop."""
    from backburner.emulator.server import serve  # noqa: PLC0415  # the parent needs no server
    from backburner.emulator.settings import Limits, Settings  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("turnaround", type=float)
    parser.add_argument("--errored-share", type=float, default=0.0)
    args = parser.parse_args()
    limits = Limits(
        batch_calls_per_minute=None,
        queued_requests=None,
        message_calls_per_minute=None,
        count_calls_per_minute=None,
    )
    settings = Settings(
        turnaround=args.turnaround,
        retry_after=1,
        errored_share=args.errored_share,
        rules=workload.rules(),
        limits=limits,
    )

    def ready(url: str) -> None:
        print(url, flush=True)

    serve(settings, port=0, state_dir=args.folder, ready=ready)


if __name__ == "__main__":
    main()
