"""What `backburner check` takes for a table and for a list of requests of 1 KB."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import workload

OUT = Path(__file__).resolve().parent / "out"
DEFAULT_REQUESTS = 100_000
TEXT_BYTES = 1_000
MAX_SECONDS = 5.0


def seconds(*words: object) -> float:
    """Wall time of one check, with the start of the process."""
    began = time.monotonic()
    command = [sys.executable, "-m", "backburner", "check", *map(str, words)]
    subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return time.monotonic() - began


def main() -> None:
    """Writes both inputs, checks them, and tells what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=__doc__)
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS)
    requests = parser.parse_args().requests
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        table, listed = Path(name) / "table.csv", Path(name) / "list.jsonl"
        workload.write_table(table, requests, TEXT_BYTES)
        workload.write_requests(listed, requests, TEXT_BYTES)
        took = {
            "rows": seconds(table, "--prompt", "Label: {{ text }}", "--model", workload.MODEL),
            "requests": seconds(listed),
        }
    for noun, each in took.items():
        verdict = "met" if each < MAX_SECONDS else "MISSED"
        print(f"{requests:,} {noun}: {each:.1f} s; under {MAX_SECONDS:g} s: {verdict}")


if __name__ == "__main__":
    main()
