"""Halving a sealed batch that is larger than the upstream takes.

The batch keeps its nonce, its try and its first requests; the others become a batch of their own.
It was never accepted, so no result and no exception names a position that moves.
"""

from backburner.nouns.batch import NONCE_LENGTH, Batch, body_bytes
from backburner.store.batches import batch_insert
from backburner.store.budgets import worst_cases_forget
from backburner.store.claimed_batches import batch_shrink
from backburner.store.exceptions import exceptions_follow
from backburner.store.lanes import lane_wake
from backburner.store.objects import objects_register, objects_retire
from backburner.store.tickets import tickets_follow
from backburner.telemetry import BatchHalved
from backburner.worker.tools import Tools


def halve(tools: Tools, sealed: Batch) -> None:
    """Make two batches of a sealed one.

    Both halves are written first, and one commit makes them count in place of the whole: a death
    before it leaves the batch as it was.

    Raises:
        LeaseLost: Somebody took the batch meanwhile.
    """
    nonce, middle = tools.clock.token(NONCE_LENGTH), -(-sealed.requests // 2)
    segments = (f"segments/{sealed.nonce}-{nonce}.jsonl.zst", f"segments/{nonce}.jsonl.zst")
    sizes = _split(tools, sealed.segment, middle, segments)
    written, old = [*segments], [sealed.segment]
    origins: tuple[str | None, str | None] = (None, None)
    if sealed.origins is not None:
        first, second = (name.replace(".jsonl", ".origins.jsonl") for name in segments)
        _split(tools, sealed.origins, middle, (first, second))
        origins = (first, second)
        written += [first, second]
        old.append(sealed.origins)
    rest = sealed.requests - middle
    kept = {
        "requests": middle,
        "body_bytes": body_bytes(middle, sizes[0]),
        "segment": segments[0],
        "origins": origins[0],
        "faults": 0,
    }
    with tools.store.write() as tx:
        objects_register(tx, written)
        shrunk = batch_shrink(tx, sealed, kept)
        worst_cases_forget(tx, shrunk.id)
        new = batch_insert(
            tx,
            {
                "lane": shrunk.lane,
                "run": shrunk.run,
                "first_request": shrunk.first_request + middle if shrunk.run else 0,
                "nonce": nonce,
                "via": shrunk.via,
                "betas": shrunk.betas,
                "requests": rest,
                "body_bytes": body_bytes(rest, sizes[1]),
                "segment": segments[1],
                "origins": origins[1],
                "due_at": shrunk.due_at,
                "created_at": tools.clock.now(),
                "cancel_asked_at": shrunk.cancel_asked_at,
                "urgency": shrunk.urgency,
                "deadline": shrunk.deadline,
                "model": shrunk.model,
            },
        )
        exceptions_follow(tx, shrunk.id, middle, new)
        tickets_follow(tx, shrunk.id, middle, new)
        objects_retire(tx, old)
        lane_wake(tx, shrunk.lane, tools.clock.now())
    for name in old:
        tools.vault.delete(name)
    tools.emit(BatchHalved(batch=shrunk.id, run=shrunk.run, requests=middle, other=new, rest=rest))


def _split(tools: Tools, name: str, middle: int, halves: tuple[str, str]) -> tuple[int, int]:
    """Copy an object of lines into two, cut at a line; gives the bytes of their lines."""
    sizes = [0, 0]
    with tools.vault.line_writer(halves[0]) as first, tools.vault.line_writer(halves[1]) as second:
        for number, line in enumerate(tools.vault.lines(name)):
            half = int(number >= middle)
            (first, second)[half].add(line)
            sizes[half] += len(line)
    return sizes[0], sizes[1]
