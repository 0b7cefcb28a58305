"""Keeping a lease while its holder is busy, and leaving a step that may be done again."""

from typing import Final

from backburner.nouns.batch import Batch
from backburner.store.claimed_batches import batch_renew
from backburner.worker.tools import Tools

_RENEW_BELOW: Final = 0.75
"""The share of a lease's time below which it is renewed."""


class Abandoned(Exception):
    """A step was left, since its process is to end: nothing was armed, and it may be done again."""


def renewed(tools: Tools, batch: Batch) -> Batch:
    """The batch with enough lease left for a while; asked often, it seldom writes.

    Raises:
        LeaseLost: Another worker has it.
        Abandoned: The process is to end.
    """
    tools.moving()
    now, ttl = tools.clock.now(), tools.terms.ttl
    if batch.lease_until - now > ttl * _RENEW_BELOW:
        return batch
    with tools.store.write() as tx:
        return batch_renew(tx, batch, now + ttl)
