"""Asking rows alone that a pack brought no good answer to, because a person wants it.

That follows by itself as soon as a pack is collected, but not for a run that is canceled then.
"""

from collections.abc import Sequence

from backburner.nouns.outcome import Outcome
from backburner.nouns.run import Run, RunSpec
from backburner.plan.row_packs import alone, prompts_of_body
from backburner.runs.packed_rows import PackedRow, packed_rows
from backburner.store import Transaction
from backburner.store.batches import batches_of_run
from backburner.worker import Tools
from backburner.worker.unpacking import Departures, config_of, depart


def lost_rows(tools: Tools, run: Run, spec: RunSpec) -> dict[int, bytes]:
    """Rows whose pack was answered, but not well for them, with the body that asks each alone."""
    if not run.packed:
        return {}
    lost = {
        row: one
        for row, one in enumerate(packed_rows(tools.store, tools.vault, run))
        if one.own is None and one.pack.outcome is Outcome.OK and one.text is None
    }
    return dict(zip(lost, _bodies(tools, run, spec, list(lost.values())), strict=True))


def _bodies(tools: Tools, run: Run, spec: RunSpec, rows: Sequence[PackedRow]) -> list[bytes]:
    if not rows:
        return []
    with tools.store.read() as tx:
        batches = batches_of_run(tx, run.id)
    bodies = []
    for batch in batches:
        numbers = range(batch.first_request, batch.first_request + batch.requests)
        own = [one for one in rows if one.number in numbers]
        if not own:
            continue
        with tools.vault.finder(batch.segment) as finder:
            for one in own:
                body = finder.line(one.number - batch.first_request)
                prompt = prompts_of_body(body)[one.place]
                bodies.append(alone(body, prompt, spec.max_tokens, config_of(spec)))
    return bodies


def ask_alone(tools: Tools, run: Run, lost: Sequence[tuple[int, bytes]]) -> Departures:
    """Write the requests of such rows; they do not count yet."""
    if not lost:
        return Departures()
    with tools.store.read() as tx:
        first = batches_of_run(tx, run.id)[0]
    return Departures((depart(tools, first, run, lost),))


def commit_alone(tx: Transaction, leaving: Departures, now: float) -> int:
    """Make them count, if nothing of the run changed meanwhile; gives how many do."""
    if leaving.is_stale(tx):
        return 0
    leaving.commit(tx, now)
    return sum(one.requests for one in leaving.runs)


def clear_away(tools: Tools, leaving: Departures, *, is_committed: bool) -> None:
    """Remove what counts no more, or never did."""
    if is_committed:
        leaving.remove_old(tools)
    else:
        leaving.discard(tools)
