"""Pruning: stored prompts and answers go, what was counted and paid stays."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from backburner.client.accounting import kept_of
from backburner.errors import InputError, NothingChosen
from backburner.nouns.retention import Retention
from backburner.nouns.run import Run
from backburner.plan.pruning import Prunable, choose
from backburner.store import Transaction
from backburner.store.pruning import (
    carriers_of_retries,
    duplicates_among,
    objects_of,
    run_prune,
    runs_over,
)
from backburner.store.runs import run_get
from backburner.telemetry import RunPruned
from backburner.worker import Tools
from backburner.worker.looking_back import duplicates_name

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What pruning removes, or would remove.

    Attributes:
        runs: The runs, oldest first.
        kept: Runs that are old enough and stay: they share a batch of retries with these others.
        stored_bytes: What is freed on the disk.
    """

    runs: tuple[Run, ...]
    kept: dict[str, tuple[str, ...]]
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of one run that go with it."""

    run: Run
    carriers: tuple[int, ...]
    names: tuple[str, ...]


def age_of(retention: Retention, older_than: timedelta | None, named: Collection[str]) -> float:
    """How many seconds ago a run has to be finished, to be pruned.

    Raises:
        NothingChosen: Nobody says it, nor names a run.
    """
    if older_than is not None:
        return older_than.total_seconds()
    if retention.local_days is not None:
        return retention.local_days * DAY
    if named:
        return 0.0
    raise NothingChosen(
        "nobody says how old a run has to be to be pruned",
        hint="give --older-than 30d or --run RUN, or set local_days under [retention]",
    )


def prune_old(tools: Tools) -> None:
    """Prune what is older than the configuration keeps; nothing where it does not say."""
    days = tools.terms.retention.local_days
    if days is None:
        return
    pruned = prune(tools, before=tools.clock.now() - days * DAY)
    for run in pruned.runs:
        tools.emit(RunPruned(lane=run.lane, run=run.id))


def prunable(tools: Tools, *, before: float, named: Collection[str] = ()) -> Pruned:
    """What would be pruned now.

    Args:
        tools: What it works with.
        before: POSIX seconds; runs that were finished since then stay, unless they are named.
        named: These runs alone, however old they are.

    Raises:
        NotFound: A run of that name is not there.
        InputError: A named run is under way, or shares its texts with one that is not named.
    """
    with tools.store.read() as tx:
        runs, chosen = _chosen(tx, before, named)
        texts = _texts(tx, runs, chosen)
    return _told(tools, texts, chosen)


def prune(tools: Tools, *, before: float, named: Collection[str] = ()) -> Pruned:
    """Remove the texts of runs that are over. Takes and raises what `prunable` does."""
    now = tools.clock.now()
    with tools.store.read() as tx:
        runs, chosen = _chosen(tx, before, named)
        texts = _texts(tx, runs, chosen)
        kept = [msgspec.json.encode(kept_of(tools, tx, one.run)).decode() for one in texts]
    told = _told(tools, texts, chosen)
    with tools.store.write() as tx:
        is_stale = any(run_get(tx, one.run.id) != one.run for one in texts)
        for one, facts in zip(texts, kept, strict=True):
            if not is_stale:
                run_prune(tx, one.run.id, one.names, one.carriers, kept=facts, now=now)
    if is_stale:
        # Somebody has sent a request of one again, or pruned it, meanwhile.
        return prune(tools, before=before, named=named)
    # After a death in between, the sweep removes what the store has declared dead.
    for one in texts:
        for name in one.names:
            tools.vault.delete(name)
    return told


def _chosen(
    tx: Transaction, before: float, named: Collection[str]
) -> tuple[dict[str, Run], Prunable]:
    over = {run.id: run for run in runs_over(tx, float("inf") if named else before)}
    for name in named:
        _check_over(run_get(tx, name), over)
    runs = {name: over[name] for name in named if name in over} if named else over
    chosen = choose(runs, carriers_of_retries(tx))
    if named and chosen.kept:
        run, others = next(iter(chosen.kept.items()))
        more = " ".join(f"--run {one}" for one in sorted(others))
        raise InputError(
            f"the run {run} shares a batch of retries with {', '.join(sorted(others))}",
            hint=f"name them too: {more}",
        )
    return runs, chosen


def _check_over(run: Run, over: Collection[str]) -> None:
    if run.id not in over and run.pruned_at is None:
        raise InputError(
            f"the run {run.id} is under way, or its output is not written yet",
            hint=f"`backburner drain` goes on with it; `backburner cancel {run.id}` ends it",
        )


def _texts(tx: Transaction, runs: dict[str, Run], chosen: Prunable) -> list[_Texts]:
    """What goes with each run; a batch of retries goes with the first of its runs."""
    carriers = {
        carrier: of for carrier, of in carriers_of_retries(tx).items() if carrier in chosen.carriers
    }
    found = []
    for run in runs.values():
        if run.id not in chosen.runs:
            continue
        own = tuple(carrier for carrier, of in carriers.items() if run.id in of)
        for carrier in own:
            del carriers[carrier]
        again = map(duplicates_name, duplicates_among(tx, run.id, own))
        names = dict.fromkeys([*objects_of(tx, run, own), *again])
        found.append(_Texts(run, own, tuple(names)))
    return found


def _told(tools: Tools, texts: Iterable[_Texts], chosen: Prunable) -> Pruned:
    listed = list(texts)
    return Pruned(
        runs=tuple(one.run for one in listed),
        kept={run: tuple(sorted(others)) for run, others in sorted(chosen.kept.items())},
        stored_bytes=sum(tools.vault.size(name) for one in listed for name in one.names),
    )
