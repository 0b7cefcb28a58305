"""A store that is older than its vault: it was restored from a backup, and forgot what it sent.

Nothing may be sent on its word alone. What it believes unsent is put in doubt, so that the upstream
is asked first; what it would try again waits for a person, since it may have been tried before.
"""

from backburner.nouns.batch import UNSENT, BatchState
from backburner.store import Transaction
from backburner.store.armings import arming_last
from backburner.store.batches import batches_where
from backburner.store.claimed_batches import batch_doubt
from backburner.store.exceptions import exceptions_hold_waiting
from backburner.store.lanes import lane_note_restored, lanes_all
from backburner.vault.mark import read_mark, write_mark
from backburner.worker.tools import Tools


def notice_restored(tools: Tools) -> bool:
    """Find out whether the store was restored, and make it safe; whether it was."""
    mark = read_mark(tools.vault)
    with tools.store.read() as tx:
        last = arming_last(tx)
    if mark <= last:
        return False
    with tools.store.write() as tx:
        for lane in lanes_all(tx):
            _doubt_lane(tx, lane.name, tools.clock.now())
    # Only now does the vault forget: a death before it means that all this is done again.
    write_mark(tools.vault, last)
    return True


def _doubt_lane(tx: Transaction, lane: str, now: float) -> None:
    for batch in batches_where(tx, [lane], UNSENT | {BatchState.ARMED}):
        batch_doubt(tx, batch, armed_at=now, now=now)
    exceptions_hold_waiting(tx, lane)
    lane_note_restored(tx, lane, now)
