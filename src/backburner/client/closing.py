"""Closing runs: whoever sees that all requests of a run ended writes its output."""

from collections.abc import Iterable

from backburner.client.finishing import Finished, finish, is_finished
from backburner.nouns.run import Run
from backburner.store.runs import runs_collected
from backburner.telemetry import RunFinished
from backburner.worker import Tools


def runs_to_close(tools: Tools, lanes: Iterable[str]) -> list[Run]:
    """The runs of these lanes whose requests all ended, and whose output is not written yet."""
    with tools.store.read() as tx:
        collected = runs_collected(tx, tuple(lanes))
    return [run for run in collected if is_finished(tools, run)]


def close_run(tools: Tools, run: Run) -> Finished:
    """Write a run's output, make its receipt, and say so."""
    finished = finish(tools, run)
    receipt = finished.receipt
    tools.emit(
        RunFinished(
            lane=run.lane,
            run=run.id,
            requests=run.requests,
            outcomes=dict(receipt.outcomes),
            paid=receipt.paid.picodollars,
        )
    )
    return finished
