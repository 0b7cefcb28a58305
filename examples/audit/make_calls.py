"""Writes `calls.jsonl`: a made-up month of calls, of which it is known who waited.

Nobody made these calls. Each kind has the same tokens in every call, so that what an audit says of
them can be reckoned by hand. `python examples/audit/make_calls.py` writes the file again.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 10, 1, tzinfo=UTC)
HAIKU, SONNET, OPUS = "claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-7"

Record = dict[str, Any]


def record(day: float, model: str, tokens: tuple[int, int], **more: Any) -> Record:
    """A call at a day of the month, with tokens in and out."""
    at = START + timedelta(days=day)
    return {
        "time": at.isoformat(timespec="seconds"),
        "model": model,
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        **more,
    }


def at(day: int, hour: float, minute: float = 0) -> float:
    """A moment of the month, in days."""
    return day + (hour + minute / 60) / 24


def chat() -> Iterator[Record]:
    """Somebody reads each answer while it is written."""
    for day in range(30):
        for turn in range(3):
            yield record(
                at(day, 10 + turn), SONNET, (800, 300), caller="web", route="ask", stream=True
            )


def drafts() -> Iterator[Record]:
    """Three article drafts each evening; their names say that nobody waits."""
    for day in range(30):
        for number in range(3):
            yield record(
                at(day, 18, number), SONNET, (20, 700), caller="cms", route="article-drafts"
            )


def triage() -> Iterator[Record]:
    """Labels of a few tokens, written by a dear model. Every tenth text was asked about before."""
    for number in range(100):
        yield record(
            at(number % 30, 12, number % 60),
            OPUS,
            (400, 10),
            caller="support",
            route="ticket-labels",
            body_hash=f"ticket-{number - 9 if number % 10 == 9 else number}",  # noqa: PLR2004
        )


def descriptions() -> Iterator[Record]:
    """One afternoon's rush without a telling name: 159 calls within eight minutes."""
    for number in range(159):
        yield record(
            at(14, 15, number * 0.05),
            SONNET,
            (4_000, 200),
            caller="importer",
            prefix_hash="house-style",
            prefix_tokens=3_000,
        )


def refresh() -> Iterator[Record]:
    """A cron job at seven minutes past two, every night."""
    for day in range(30):
        yield record(at(day, 2, 7), HAIKU, (5_000, 1_000), caller="svc-7")


def conversation() -> Iterator[Record]:
    """A tool that answers in one piece: each turn holds all that was said before."""
    for day in range(10):
        for turn in range(4):
            tokens = (1_000 + 500 * turn, 400)
            moment = at(day, 16) + turn * 40 / 86_400
            yield record(moment, HAIKU, tokens, caller="desk", seconds=8)


def translations() -> Iterator[Record]:
    """These travel in batches already."""
    for _ in range(20):
        yield record(
            at(20, 22), HAIKU, (600, 600), caller="i18n", service_tier="batch", route="translations"
        )


def scattered() -> Iterator[Record]:
    """Nothing tells what these are for."""
    for day in range(0, 30, 3):
        yield record(at(day, 9 + day % 7, day), OPUS, (2_000, 500), caller="team")


def calls() -> list[Record]:
    """All calls of the month, in the order of their times."""
    kinds = (
        chat(),
        drafts(),
        triage(),
        descriptions(),
        refresh(),
        conversation(),
        translations(),
        scattered(),
    )
    return sorted((one for kind in kinds for one in kind), key=lambda one: one["time"])


def main() -> None:
    """Write the file beside this one's folder."""
    lines = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in calls())
    Path(__file__).parents[1].joinpath("calls.jsonl").write_text(lines)


if __name__ == "__main__":
    main()
