"""A store that was restored from a backup, and forgot what it sent.

One that is older than its vault is noticed; of a home that was restored whole, a person tells.

Nothing may be sent on its word alone. What it believes unsent is put in doubt, so that the upstream
is asked first; what it would try again waits for a person, since it may have been tried before.
"""

from dataclasses import dataclass

from backburner.nouns.batch import UNSENT, BatchState
from backburner.store import Transaction
from backburner.store.armings import arming_last
from backburner.store.batches import batches_where
from backburner.store.claimed_batches import batch_doubt
from backburner.store.exceptions import exceptions_hold_waiting
from backburner.store.lanes import lane_note_restored, lanes_all
from backburner.vault.mark import read_mark, write_mark
from backburner.worker.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was found in a store that was restored: batches it holds for unsent, retries."""

    batches: int
    retries: int


def notice_restored(tools: Tools) -> bool:
    """Find out whether the store was restored, and make it safe; whether it was."""
    mark = read_mark(tools.vault)
    with tools.store.read() as tx:
        last = arming_last(tx)
    if mark <= last:
        return False
    note_restored(tools)
    # Only now does the vault forget: a death before it means that all this is done again.
    write_mark(tools.vault, last)
    return True


def note_restored(tools: Tools) -> Restored:
    """Put in doubt all that the store believes unsent, and hold what it would try again."""
    now = tools.clock.now()
    with tools.store.write() as tx:
        found = [_note_lane(tx, lane.name, now) for lane in lanes_all(tx)]
    return Restored(
        batches=sum(one.batches for one in found), retries=sum(one.retries for one in found)
    )


def _note_lane(tx: Transaction, lane: str, now: float) -> Restored:
    batches = batches_where(tx, [lane], UNSENT | {BatchState.ARMED})
    for batch in batches:
        batch_doubt(tx, batch, armed_at=now, now=now)
    retries = exceptions_hold_waiting(tx, lane)
    lane_note_restored(tx, lane, now)
    return Restored(batches=len(batches), retries=retries)
