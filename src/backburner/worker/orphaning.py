"""Keeping the results of a batch upstream whose requests nobody here knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from backburner.nouns.fault import Fault
from backburner.nouns.outcome import Outcome
from backburner.store.objects import objects_register
from backburner.upstream import RemoteBatch, Upstream
from backburner.worker.booking import price_finder
from backburner.worker.collecting import store_lines
from backburner.worker.reading import read_results
from backburner.worker.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """Results that were kept aside.

    Attributes:
        name: The object of the vault that holds their lines, as received.
        paid: Picodollars; None where a model has no known price.
    """

    name: str
    outcomes: dict[Outcome, int]
    paid: int | None


def orphans_name(upstream_id: str) -> str:
    """The object that holds the results of a batch upstream of which no request is known."""
    return f"orphans/{upstream_id}.jsonl.zst"


def keep_orphans(tools: Tools, upstream: Upstream, remote: RemoteBatch) -> Orphans | Fault:
    """Fetch the results of an ended batch and keep every readable line, in the order received."""
    places: Iterator[int] = count()
    with tools.vault.temporary() as file:
        downloaded = upstream.download(remote.id, file)
        if isinstance(downloaded, Fault):
            return downloaded
        file.seek(0)
        reading = read_results(
            file,
            position_of=lambda _custom_id: next(places),
            requests=remote.request_counts.total,
            run_of=lambda _position: "",
            price_of=price_finder(tools),
        )
        name = orphans_name(remote.id)
        store_lines(tools, name, file, reading)
    with tools.store.write() as tx:
        objects_register(tx, [name])
    return Orphans(name=name, outcomes=reading.counts(), paid=reading.paid)
