"""Collecting a direct batch: its answers leave the outbox and become a results file like any other.

A position that was armed and has no answer is in doubt for good: nothing upstream can be asked
about a single message. It is missing, and what it may have cost stays reserved.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import BinaryIO

from backburner.nouns.batch import Batch, custom_id
from backburner.nouns.budget import WorstCase
from backburner.plan.judging import UNANSWERED
from backburner.store import Transaction
from backburner.store.outbox import outbox_close, outbox_lines
from backburner.telemetry import CallsDoubted
from backburner.worker.booking import keep_reserved
from backburner.worker.collecting import collected, read_lines, settle_lines
from backburner.worker.result_lines import canceled
from backburner.worker.tools import Tools
from backburner.worker.validating import validation_of
from backburner.worker.weighing import weighed


def collect_direct(tools: Tools, batch: Batch) -> None:
    """Store, judge and book the answers of a direct batch that is over."""
    started = tools.clock.monotonic()
    with tools.vault.temporary() as file:
        digest, doubted = _write_lines(tools, batch, file)
        file.seek(0)
        reading = read_lines(tools, batch, file, validation_of(tools, batch))
        reading.error_types.update(dict.fromkeys(doubted, UNANSWERED))
        cases = weighed(tools, batch, doubted) if doubted else []
        judged = settle_lines(tools, batch, file, reading, digest, _closing(tools, batch, cases))
    if doubted:
        tools.emit(CallsDoubted(batch=batch.id, run=batch.run, requests=len(doubted)))
    tools.emit(collected(batch, reading, judged, tools.clock.monotonic() - started))


def _write_lines(tools: Tools, batch: Batch, file: BinaryIO) -> tuple[str, set[int]]:
    """Write a line for each request that has one; gives their sha256, and who has none."""
    digest, doubted = sha256(), set()
    not_asked = 0

    def write(line: bytes) -> None:
        digest.update(line + b"\n")
        file.write(line + b"\n")

    def write_canceled(until: int) -> None:
        for position in range(not_asked, until):
            write(canceled(custom_id(batch.prefix, position)))

    with tools.store.read() as tx:
        for position, line in outbox_lines(tx, batch.id):
            write_canceled(position)
            not_asked = position + 1
            if line is None:
                doubted.add(position)
            else:
                write(line)
    write_canceled(batch.requests)
    return digest.hexdigest(), doubted


def _closing(tools: Tools, batch: Batch, doubted: list[WorstCase]) -> Callable[[Transaction], None]:
    """What is committed with the results: the outbox has done its work, but for the doubts."""

    def close(tx: Transaction) -> None:
        outbox_close(tx, batch.id)
        if doubted:
            keep_reserved(tools, tx, batch, doubted)

    return close
