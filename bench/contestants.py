"""The contestants. Each runs in a fresh process and does the same work its own way.

Each has up to four phases: `prepare` (from the file of rows to what is sent), `send`, `wait` (the
emulator writes its results; nobody works on the client), `collect`.
"""

import argparse
import os
import time
from pathlib import Path

from bench.meter import Meter
from bench.server import let_all_end

_CHUNK = 1 << 20
_POLL_SECONDS = 0.05
_HEADERS = {"x-api-key": "bench", "anthropic-version": "2023-06-01"}


def floor(url: str, folder: Path, requests: int) -> None:
    """Streams prepared bodies up, and results to a file that is flushed to the disk."""
    import httpx2  # noqa: PLC0415  # each contestant imports only what it needs

    meter = Meter()
    ids = []
    results = folder / "floor-results.jsonl"
    with httpx2.Client(base_url=url, headers=_HEADERS, timeout=300) as client:
        with meter.phase("send"):
            for path in sorted(folder.glob("body-*.json")):
                headers = {
                    "content-length": str(path.stat().st_size),
                    "content-type": "application/json",
                }
                with path.open("rb") as file:
                    pieces = iter(lambda: file.read(_CHUNK), b"")
                    answer = client.post("/v1/messages/batches", content=pieces, headers=headers)
                answer.raise_for_status()
                ids.append(answer.json()["id"])
        with meter.phase("wait"):
            let_all_end(url, requests)
        with meter.phase("collect"), results.open("wb") as out:
            for one in ids:
                place = f"/v1/messages/batches/{one}"
                while client.get(place).json()["processing_status"] != "ended":
                    time.sleep(_POLL_SECONDS)
                with client.stream("GET", f"{place}/results") as answer:
                    answer.raise_for_status()
                    for piece in answer.iter_bytes(_CHUNK):
                        out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    with results.open("rb") as file:
        answered = sum(piece.count(b"\n") for piece in iter(lambda: file.read(_CHUNK), b""))
    meter.report(answered=answered)


def script(url: str, folder: Path, requests: int) -> None:
    """Does what the article does: a list of dicts, `create`, poll, and a loop over `results`."""
    import json  # noqa: PLC0415  # each contestant imports only what it needs

    import anthropic  # noqa: PLC0415

    client = anthropic.Anthropic(api_key="bench", base_url=url)
    meter = Meter()
    with meter.phase("prepare"), (folder / "requests.jsonl").open(encoding="utf-8") as file:
        listed = [json.loads(line) for line in file]
    with meter.phase("send"):
        batch = client.messages.batches.create(requests=listed)
    with meter.phase("wait"):
        let_all_end(url, requests)
    with meter.phase("collect"):
        while client.messages.batches.retrieve(batch.id).processing_status != "ended":
            time.sleep(_POLL_SECONDS)
        answers = {}
        for entry in client.messages.batches.results(batch.id):
            if entry.result.type == "succeeded":
                answers[entry.custom_id] = entry.result.message
    meter.report(answered=len(answers))


def ours_list(url: str, folder: Path, requests: int) -> None:
    """Backburner on a list of requests, one a line."""
    _ours(url, folder, requests, source="requests.jsonl", prompt=None)


def ours_table(url: str, folder: Path, requests: int) -> None:
    """Backburner on a CSV table and a prompt."""
    _ours(url, folder, requests, source="table.csv", prompt="{{ text }}")


def _ours(url: str, folder: Path, requests: int, *, source: str, prompt: str | None) -> None:
    # The worker would import these on its way.
    import anthropic  # noqa: PLC0415  # each contestant imports only what it needs

    from backburner import prices  # noqa: F401, PLC0415
    from backburner.client import Backburner  # noqa: PLC0415
    from backburner.client.preparing import Fresh, RunOptions  # noqa: PLC0415
    from bench import workload  # noqa: PLC0415

    client = anthropic.Anthropic(api_key="bench", base_url=url)
    meter = Meter()
    with Backburner(folder / f"home-{os.getpid()}", client=client) as queue:
        with meter.phase("prepare"):
            options = RunOptions(
                source=str(folder / source),
                prompt=prompt,
                model=workload.MODEL if prompt else "",
                max_tokens=workload.MAX_TOKENS if prompt else 0,
            )
            fresh = queue.intake.prepare(options)
            assert isinstance(fresh, Fresh)  # noqa: S101  # the home is new
            run = queue.intake.commit(fresh.staged)
        with meter.phase("send"):
            queue.drain()
        with meter.phase("wait"):
            let_all_end(url, requests)
        with meter.phase("collect"):
            queue.drain()
        counted = queue.status(run.id)[1][0].count
    meter.report(answered=sum(counted.outcomes.values()))


CONTESTANTS = {
    "floor": floor,
    "sdk-script": script,
    "ours-list": ours_list,
    "ours-table": ours_table,
}


def main() -> None:
    """Runs one contestant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("requests", type=int)
    args = parser.parse_args()
    CONTESTANTS[args.name](args.url, args.folder, args.requests)


if __name__ == "__main__":
    main()
