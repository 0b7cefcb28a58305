"""The laws of the house, judged by the emulator's ledger once the work is over."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from harness.far_side import DAY, Entry
from harness.scene import BATCH_REQUESTS, turnaround
from sqlalchemy import select

from backburner.client import Backburner
from backburner.nouns.run import Run
from backburner.runs.counting import count_run
from backburner.store.batches import batches_of_run
from backburner.store.schema import batch, duplicate, ledger

_SUCCEEDED: Final = "succeeded"
_MEMORY_BYTES: Final = 60_000_000
"""What a worker may need beyond its imports."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken, and how."""

    law: int
    what: str


@dataclass(frozen=True, slots=True)
class Order:
    """A run that was enqueued, with the text of each of its requests by key."""

    run: Run
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Travel:
    """One request in one accepted batch."""

    entry: Entry
    ended_at: float
    succeeded: bool
    unserved: bool


def paid_twice(bb: Backburner, entries: Iterable[Entry]) -> Iterator[Violation]:
    """Law 2: no request in two live batches, and none accepted again after it succeeded.

    The one exception is a success whose line no download served, of a batch that is in our books
    or could not be proven ours, since that line was its only one.
    """
    with bb.tools.store.read() as tx:
        known = set(tx.execute(select(batch.c.upstream_id)).scalars())
    travels: defaultdict[str, list[_Travel]] = defaultdict(list)
    for entry in sorted(entries, key=lambda one: one.created_at):
        for request in entry.requests:
            for earlier in travels[request.digest]:
                breach = _twice(earlier, entry)
                if breach is not None:
                    yield Violation(2, f"{request.custom_id} in {entry.id}: {breach}")
            succeeded = request.outcome == _SUCCEEDED
            unserved = (entry.id in known or _is_nameless(entry)) and not request.brought
            travels[request.digest].append(_Travel(entry, _end(entry), succeeded, unserved))


def _is_nameless(entry: Entry) -> bool:
    """Whether a batch's only line was never served: then nothing can prove whose it is."""
    return entry.count == 1 and not any(request.brought for request in entry.requests)


def _twice(earlier: _Travel, again: Entry) -> str | None:
    if again.created_at < earlier.ended_at:
        return f"also in {earlier.entry.id}, which was live"
    if earlier.succeeded and not earlier.unserved:
        size = earlier.entry.count
        return f"accepted again after it succeeded in {earlier.entry.id}, one of {size}"
    return None


def _end(entry: Entry) -> float:
    """When a batch ended: nobody can have known it before."""
    stalled = any(request.outcome == "expired" for request in entry.requests)
    return entry.created_at + (DAY if stalled else turnaround(entry.ordinal, entry.count))


def judge(bb: Backburner, orders: list[Order], entries: list[Entry]) -> Iterator[Violation]:
    """Every breach of laws 1, 2, 4, 5 and 6."""
    for order in orders:
        yield from _lost(bb, order)
        yield from _unpacked(bb, order)
    yield from paid_twice(bb, entries)
    yield from _unbooked(bb, entries)
    yield from _oversized(entries)


def _lost(bb: Backburner, order: Order) -> Iterator[Violation]:
    """Law 1: each request has one outcome, and here, since nothing is given up, its own answer."""
    with bb.tools.store.read() as tx:
        count = count_run(tx, order.run)
    if not count.is_finished or count.ended != len(order.texts):
        yield Violation(1, f"run {order.run.id}: {count.ended} of {len(order.texts)} ended")
        return
    left = dict(order.texts)
    for result in bb.results(order.run):
        wanted = left.pop(result.custom_id, None)
        content = (result.message or {}).get("content") or [{}]
        if wanted is None or content[0].get("text") != wanted:
            yield Violation(1, f"{result.request_id}: {result.outcome}, not its own answer")
    if left:
        yield Violation(1, f"run {order.run.id}: {len(left)} requests without a result")


def _unpacked(bb: Backburner, order: Order) -> Iterator[Violation]:
    """Law 5: each request of a run is in exactly one batch of first attempts."""
    with bb.tools.store.read() as tx:
        sealed = batches_of_run(tx, order.run.id)
    position = 0
    for one in sealed:
        if one.first_request != position:
            yield Violation(5, f"batch {one.nonce} begins at {one.first_request}, not {position}")
        position += one.requests
    if position != len(order.texts):
        yield Violation(5, f"run {order.run.id}: {position} of {len(order.texts)} in batches")


def _oversized(entries: Iterable[Entry]) -> Iterator[Violation]:
    """Law 5: no batch exceeds the limits, nor holds a request twice."""
    for entry in entries:
        digests = {request.digest for request in entry.requests}
        if entry.count > BATCH_REQUESTS or len(digests) != entry.count:
            yield Violation(5, f"{entry.id}: {entry.count} requests, {len(digests)} different")


def _unbooked(bb: Backburner, entries: list[Entry]) -> Iterator[Violation]:
    """Laws 4 and 6: our books hold each accepted batch once, its lines once, at what it cost."""
    with bb.tools.store.read() as tx:
        known = Counter(tx.execute(select(batch.c.upstream_id)).scalars())
        known += Counter(tx.execute(select(duplicate.c.upstream_id)).scalars())
        booked = tx.execute(select(ledger.c.upstream_id, ledger.c.requests, ledger.c.paid)).all()
    lines, paid = Counter[str](), Counter[str]()
    for upstream_id, requests, picodollars in booked:
        lines[upstream_id] += requests
        paid[upstream_id] += picodollars
    for entry in entries:
        if known[entry.id] != 1 and not _is_nameless(entry):
            yield Violation(4, f"{entry.id} stands {known[entry.id]} times in our books")
        yield from _misbooked(entry, lines[entry.id], paid[entry.id])
    for stranger in lines.keys() - {entry.id for entry in entries}:
        yield Violation(6, f"{stranger} is booked and was never accepted")


def _misbooked(entry: Entry, lines: int, paid: int) -> Iterator[Violation]:
    succeeded = [request for request in entry.requests if request.outcome == _SUCCEEDED]
    served = sum(request.brought for request in succeeded)
    if lines != served:
        yield Violation(4, f"{entry.id}: {lines} lines settled, {served} answers served")
    # What a line that no download served has cost, only the emulator knows.
    is_right = paid == entry.cost if served == len(succeeded) else paid < entry.cost
    if not is_right:
        yield Violation(6, f"{entry.id}: {paid} picodollars booked, {entry.cost} charged")


def grown(peaks: Iterable[int], imports_bytes: int) -> Iterator[Violation]:
    """Law 9: no worker needed more than its imports and a fixed room."""
    highest = max(peaks, default=0)
    if highest - imports_bytes > _MEMORY_BYTES:
        yield Violation(9, f"a worker took {highest:,} bytes, its imports {imports_bytes:,}")
