"""Looking back: once a day the list is searched for batches of ours that nobody knows of.

A batch that was accepted later than `quiet` allows for cannot be excluded in theory. It does no
harm to results, since only one batch upstream counts for each of ours; but it is money, and is
booked.
"""

from typing import Final

from backburner.nouns.batch import UNSENT, Batch, BatchState
from backburner.nouns.fault import Fault
from backburner.store.armings import sizes_armed
from backburner.store.batches import batch_by_nonce
from backburner.store.claimed_batches import batch_doubt
from backburner.store.doubts import duplicate_note, upstream_ids_known
from backburner.store.lanes import LaneRow
from backburner.store.objects import objects_register
from backburner.telemetry import DuplicateFound
from backburner.upstream import Answer, Page, RemoteBatch, Upstream
from backburner.worker.booking import book, ledger_rows, price_finder
from backburner.worker.collecting import store_lines
from backburner.worker.looking import Until, names_in, walk
from backburner.worker.origins import run_of_positions
from backburner.worker.reading import own_positions, read_results
from backburner.worker.tools import Tools
from backburner.worker.workspaces import check_workspace

_REACH: Final = 49 * 3600.0
"""Seconds that one look goes back: two days, so that each batch is seen once it has ended, and an
hour for clocks that differ."""

_RESOLVED_ELSEWHERE: Final = UNSENT | {BatchState.ARMED, BatchState.UNKNOWN}
"""States of a batch whose own doubt finds what is upstream, now or soon."""


def look_back(tools: Tools, lane: LaneRow, upstream: Upstream) -> Fault | None:
    """Book what was accepted twice; a Fault where the search could not be finished."""
    strangers = _strangers(tools, lane, upstream)
    if isinstance(strangers, Fault):
        return strangers
    for remote in strangers:
        names = names_in(upstream, remote.id)
        if isinstance(names, Fault):
            return names
        for name in names:
            if name is None:
                continue
            fault = _meet(tools, upstream, remote, *name)
            if fault is not None:
                return fault
            break
    return None


def _strangers(tools: Tools, lane: LaneRow, upstream: Upstream) -> list[RemoteBatch] | Fault:
    """Ended batches that the store does not know, of a size that was once armed."""
    with tools.store.read() as tx:
        sizes = sizes_armed(tx, lane.name)

    def turned(page: Answer[Page]) -> None:
        check_workspace(tools, lane.name, page.workspace)

    found: dict[str, RemoteBatch] = {}
    until = Until(before=tools.clock.now() - _REACH)
    for remote in walk(upstream, until, turned):
        if isinstance(remote, Fault):
            return remote
        if remote.has_ended and remote.request_counts.total in sizes:
            found[remote.id] = remote
    with tools.store.read() as tx:
        known = upstream_ids_known(tx, found)
    return [remote for one, remote in found.items() if one not in known]


def _meet(
    tools: Tools, upstream: Upstream, remote: RemoteBatch, nonce: str, attempt_try: str
) -> Fault | None:
    """What follows from a batch upstream that bears a nonce of our making."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        batch = batch_by_nonce(tx, nonce)
        if batch is not None and batch.state in UNSENT:
            # It was about to be sent again. Back in doubt, it is found there and adopted.
            batch_doubt(tx, batch, armed_at=now - tools.terms.doubts.quiet, now=now)
    if batch is None or batch.state in _RESOLVED_ELSEWHERE or batch.upstream_id == remote.id:
        return None
    return book_duplicate(tools, upstream, batch, remote, attempt_try)


def duplicates_name(upstream_id: str) -> str:
    """Where the second answers lie."""
    return f"duplicates/{upstream_id}.jsonl.zst"


def book_duplicate(
    tools: Tools, upstream: Upstream, batch: Batch, remote: RemoteBatch, attempt_try: str
) -> Fault | None:
    """Keep the second answers aside, and book what they cost; they settle nothing."""
    with tools.vault.temporary() as file:
        downloaded = upstream.download(remote.id, file)
        if isinstance(downloaded, Fault):
            return downloaded
        file.seek(0)
        reading = read_results(
            file,
            position_of=own_positions(f"{batch.nonce}{attempt_try}"),
            # A batch of first attempts may have been halved since.
            requests=remote.request_counts.total if batch.origins is None else batch.requests,
            run_of=run_of_positions(tools, batch),
            price_of=price_finder(tools),
        )
        name = duplicates_name(remote.id)
        store_lines(tools, name, file, reading)
    now = tools.clock.now()
    rows = ledger_rows(tools, batch, remote.id, reading.bookings, now)
    with tools.store.write() as tx:
        if upstream_ids_known(tx, [remote.id]):
            # Somebody else found it meanwhile.
            return None
        objects_register(tx, [name])
        duplicate_note(tx, remote.id, batch.id, attempt_try, now)
        book(tools, tx, batch, rows)
    tools.emit(
        DuplicateFound(
            batch=batch.id,
            run=batch.run,
            upstream_id=remote.id,
            requests=batch.requests,
            paid=reading.paid,
        )
    )
    return None
