"""Sweeping: files that nobody registered, such as after a crash; old tickets and notices."""

from typing import Final

from backburner.store.notices import notices_prune
from backburner.store.objects import object_bury, objects_dead_among
from backburner.store.tickets import tickets_prune
from backburner.worker.tools import Tools

AFTER: Final = 7 * 24 * 3600.0
"""Seconds that an unregistered file is left alone: longer than any staging takes."""


DELIVERED_AFTER: Final = 7 * 24 * 3600.0
"""Seconds for which a ticket stays good after its result was read."""


ARRIVED_AFTER: Final = 90 * 24 * 3600.0
"""Seconds for which it is known that a notice arrived; what still lasts then is told anew."""


def sweep(tools: Tools) -> int:
    """Remove files that count no more, old ones that never did, and what was delivered long ago.

    Gives the number of files.

    A file is declared dead in the store before its bytes go, so whoever would still register it
    fails instead of relying on a file that is gone.
    """
    now = tools.clock.now()
    with tools.store.write() as tx:
        tickets_prune(tx, now - DELIVERED_AFTER)
        notices_prune(tx, now - ARRIVED_AFTER)
    there = list(tools.vault.names())
    with tools.store.read() as tx:
        dead = objects_dead_among(tx, (name for name, _ in there))
    for name in dead:
        tools.vault.delete(name)
    removed = len(dead)
    for name, changed_at in there:
        if name in dead or now - changed_at < AFTER:
            continue
        with tools.store.write() as tx:
            is_dead = object_bury(tx, name)
        if is_dead:
            tools.vault.delete(name)
            removed += 1
    return removed
