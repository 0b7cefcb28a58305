"""Runs to close: whoever sees that all requests of a run ended finishes it."""

from collections.abc import Iterable

from backburner.client.finishing import is_finished
from backburner.nouns.run import Run
from backburner.store.runs import runs_collected
from backburner.worker import Tools


def runs_to_close(tools: Tools, lanes: Iterable[str]) -> list[Run]:
    """The runs of these lanes whose requests all ended, and whose output is not written yet."""
    with tools.store.read() as tx:
        collected = runs_collected(tx, tuple(lanes))
    return [run for run in collected if is_finished(tools, run)]
