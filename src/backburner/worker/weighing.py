"""Weighing a batch: the most that its requests can cost, read from the bodies as they will travel.

Only what falls under a budget is weighed, once, so that nobody else pays for it.
"""

from collections.abc import Container, Iterable
from functools import cache
from typing import Final

from backburner.nouns.batch import Batch, Via
from backburner.nouns.budget import MOST, WorstCase
from backburner.plan.worst_case import worst_case
from backburner.store.budgets import worst_cases_of, worst_cases_put
from backburner.worker.booking import price_finder
from backburner.worker.origins import run_of_positions
from backburner.worker.tools import Tools

_STEP_BYTES: Final = 64_000_000
"""How much is read in one step of a lane: a second or two of work."""


def weigh_some(tools: Tools, batches: Iterable[Batch]) -> None:
    """Weigh those that nobody has weighed, as many as one step has time for."""
    read = 0
    for batch in batches:
        with tools.store.read() as tx:
            is_known = bool(worst_cases_of(tx, batch.id))
        if is_known:
            continue
        if read and read + batch.body_bytes > _STEP_BYTES:
            return
        read += batch.body_bytes
        weigh(tools, batch)


def weigh(tools: Tools, batch: Batch) -> None:
    """Find out what a batch can cost, by run, and keep it."""
    cases = weighed(tools, batch)
    with tools.store.write() as tx:
        worst_cases_put(tx, batch.id, cases)


def weighed(
    tools: Tools, batch: Batch, only: Container[int] | None = None, via: Via | None = None
) -> list[WorstCase]:
    """The most that the requests of each run in a batch can cost.

    Args:
        only: The positions that count; all of them by default.
        via: How they would travel; as the batch does by default.
    """
    run_of, price_of = run_of_positions(tools, batch), cache(price_finder(tools))
    sums: dict[str, _Sum] = {}
    for position, body in enumerate(tools.vault.lines(batch.segment)):
        if only is None or position in only:
            amount = worst_case(body, price_of, via or batch.via)
            sums.setdefault(run_of(position), _Sum()).add(amount)
    return [total.of(run) for run, total in sums.items()]


class _Sum:
    """What the requests of one run add up to."""

    def __init__(self) -> None:
        self._requests = self._unbounded = self._amount = 0

    def add(self, amount: int | None) -> None:
        self._requests += 1
        self._unbounded += amount is None
        self._amount = min(self._amount + (amount or 0), MOST)

    def of(self, run: str) -> WorstCase:
        return WorstCase(
            run=run, requests=self._requests, unbounded=self._unbounded, amount=self._amount
        )
