"""Sweeping: files that were written and never registered, such as after a crash; old tickets."""

from typing import Final

from backburner.store.objects import object_bury
from backburner.store.tickets import tickets_prune
from backburner.worker.tools import Tools

AFTER: Final = 7 * 24 * 3600.0
"""Seconds that an unregistered file is left alone: longer than any staging takes."""


DELIVERED_AFTER: Final = 7 * 24 * 3600.0
"""Seconds for which a ticket stays good after its result was read."""


def sweep(tools: Tools) -> int:
    """Remove old files that do not count, and tickets long delivered; gives the number of files.

    A file is declared dead in the store before its bytes go, so whoever would still register it
    fails instead of relying on a file that is gone.
    """
    now = tools.clock.now()
    with tools.store.write() as tx:
        tickets_prune(tx, now - DELIVERED_AFTER)
    removed = 0
    for name, changed_at in list(tools.vault.names()):
        if now - changed_at < AFTER:
            continue
        with tools.store.write() as tx:
            is_dead = object_bury(tx, name)
        if is_dead:
            tools.vault.delete(name)
            removed += 1
    return removed
