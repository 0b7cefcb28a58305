"""Which runs can lose their stored texts: such as share a batch of retries go together."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable:
    """What can be pruned.

    Attributes:
        runs: Runs all of whose texts can go.
        carriers: Batches of retries that carry requests of these alone.
        kept: Runs that cannot be yet, each with those that it shares a batch of retries with.
    """

    runs: frozenset[str]
    carriers: frozenset[int]
    kept: Mapping[str, frozenset[str]]


def choose(wanted: Collection[str], carriers: Mapping[int, Collection[str]]) -> Prunable:
    """Choose the runs that can be pruned.

    A batch of retries has one segment and one results file for all whose requests travel in it, so
    it goes when all of these runs do; until then all of them stay whole.

    Args:
        wanted: Runs that are over, and old enough.
        carriers: The runs whose requests each batch of retries carries.
    """
    going = set(wanted)
    kept: dict[str, frozenset[str]] = {}
    while True:
        tied = {
            run: frozenset(runs) - going
            for runs in carriers.values()
            for run in runs
            if run in going and not going.issuperset(runs)
        }
        if not tied:
            break
        kept |= tied
        going -= tied.keys()
    alone = (batch for batch, runs in carriers.items() if runs and going.issuperset(runs))
    return Prunable(runs=frozenset(going), carriers=frozenset(alone), kept=kept)
