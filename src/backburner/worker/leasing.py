"""Keeping a lease while its holder is busy."""

from typing import Final

from backburner.nouns.batch import Batch
from backburner.store.batches import batch_renew
from backburner.worker.tools import Tools

_RENEW_BELOW: Final = 0.75
"""The share of a lease's time below which it is renewed."""


def renewed(tools: Tools, batch: Batch) -> Batch:
    """The batch with enough lease left for a while; asked often, it seldom writes.

    Raises:
        LeaseLost: Another worker has it.
    """
    now, ttl = tools.clock.now(), tools.terms.ttl
    if batch.lease_until - now > ttl * _RENEW_BELOW:
        return batch
    with tools.store.write() as tx:
        return batch_renew(tx, batch, now + ttl)
