"""Accounting: what was spent and saved, gathered from the ledger, the attempts and the doubts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from backburner.nouns.attempt import unused
from backburner.nouns.batch import BatchId
from backburner.nouns.run import Kept, Run
from backburner.nouns.usage import Usage
from backburner.report.recount import COUNTS, Recount, recount
from backburner.report.savings import Choice, Entry, SavingsReport, savings_report
from backburner.report.spending import Spending
from backburner.runs.counting import count_rows
from backburner.store import Transaction
from backburner.store.attempts import attempts_followed
from backburner.store.batches import batch_get, batches_of_run
from backburner.store.doubts import Doubted, doubted
from backburner.store.ledger import Booked, LedgerRow, ledger_booked
from backburner.store.runs import run_get, runs_all
from backburner.worker import Tools
from backburner.worker.booking import price_finder

_Places = Mapping[tuple[str, int], Sequence[int]]
"""By run and batch, the positions there of answers that nobody got."""


def savings(tools: Tools, choice: Choice) -> SavingsReport:
    """Spending and savings of all runs, or of those that are chosen.

    Raises:
        NotFound: The chosen run is none.
    """
    with tools.store.read() as tx:
        runs = [run_get(tx, choice.run)] if choice.run else runs_all(tx)
        booked = ledger_booked(tx, choice.run)
        filed = _Filing(tools, runs)
        entries = [
            *map(filed.spent, booked),
            *filed.unasked(tx, booked),
            *filed.wasted(tx, booked, _unused(tx, choice.run)),
            *filed.in_doubt(doubted(tx)),
        ]
    order = {run.id: number for number, run in enumerate(runs)}
    entries.sort(key=lambda entry: order[entry.run])
    return savings_report(entries, choice, _notes(tools, filter(choice.takes, entries)))


def kept_of(tools: Tools, tx: Transaction, run: Run) -> Kept:
    """What only the texts of a run can tell, and is kept when these go."""
    return _Filing(tools, [run]).kept_of(tx, run, _unused(tx, run.id))


def _unused(tx: Transaction, run: str | None) -> _Places:
    places: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for of_run, attempts in attempts_followed(tx, run):
        for one in unused(attempts):
            places[of_run, one.in_batch].append(one.in_position)
    return places


def _notes(tools: Tools, entries: Iterable[Entry]) -> Iterator[str]:
    price_of = price_finder(tools)
    reread = {
        (entry.model, entry.price_date)
        for entry in entries
        if entry.spending.wasted > entry.spending.twice
    }
    prices = ((price_of(model), booked) for model, booked in reread)
    if any(price is None or str(price.as_of) != booked for price, booked in prices):
        yield "what was wasted is at the prices of now, also where it was booked at others"


class _Filing:
    """Files what the store knows under run, day, model, owner and tags."""

    def __init__(self, tools: Tools, runs: Iterable[Run]) -> None:
        self._tools = tools
        self._runs = {run.id: run for run in runs}

    def spent(self, one: Booked) -> Entry:
        """A row of the ledger."""
        row = one.row
        paid, uncached, sync = row.paid or 0, row.uncached_price or 0, row.sync_price or 0
        priced = {"unpriced": row.requests} if row.paid is None else {"paid": paid}
        if one.is_duplicate:
            cause = {"twice": paid, "wasted": paid}
        else:
            cause = {"uncached": uncached, "sync": sync, "retries": paid if one.is_retry else 0}
        usage = Usage(**{name: getattr(row, name) for name in COUNTS})
        return self._filed(row, Spending(answers=row.requests, usage=usage, **priced, **cause))

    def unasked(self, tx: Transaction, booked: Sequence[Booked]) -> Iterator[Entry]:
        """What shared and reused requests saved: when the run was finished, by its main model."""
        for run in self._runs.values():
            if not run.collapsed_sync and not run.reused_sync:
                continue
            own = [one.row for one in booked if one.row.run == run.id and not one.is_duplicate]
            main = max(own, key=lambda row: row.sync_price or 0, default=None)
            yield self._entry(
                run.id,
                day=self._tools.day(run.finished_at or run.created_at),
                model=main.model if main else self._first_model(tx, run),
                price_date=run.price_date,
                spending=Spending(collapsed=run.collapsed_sync, reused=run.reused_sync),
            )

    def _first_model(self, tx: Transaction, run: Run) -> str:
        """The model of the first answer that was reused; empty where none was."""
        if run.counted is not None:
            return run.counted.model
        reused = (batch.id for batch in batches_of_run(tx, run.id) if batch.is_reused)
        for batch in reused:
            for _, model in self._reread(tx, run.id, batch, [0]).sums:
                return model
        return ""

    def wasted(self, tx: Transaction, booked: Iterable[Booked], places: _Places) -> Iterator[Entry]:
        """What answers cost that nobody got, each read and priced alone."""
        rows = {
            (one.row.run, one.row.batch, one.row.model): one.row
            for one in booked
            if not one.is_duplicate
        }
        for (run, batch), positions in sorted(places.items(), key=lambda place: place[0][1]):
            for model, paid in self._paid_for(tx, run, batch, positions):
                row = rows.get((run, batch, model))
                if row is not None:
                    yield self._filed(row, Spending(wasted=paid))

    def _paid_for(
        self, tx: Transaction, run: str, batch: int, positions: Sequence[int]
    ) -> list[tuple[str, int]]:
        """What some answers of a run cost, by model; of a pruned run, as it was found before."""
        kept = self._runs[run].counted
        if kept is not None:
            return [(model, paid) for one, model, paid in kept.wasted if one == batch]
        found = self._reread(tx, run, batch, positions)
        return [(model, sums.paid) for (_, model), sums in found.sums.items()]

    def kept_of(self, tx: Transaction, run: Run, places: _Places) -> Kept:
        """What has to be kept of a run whose texts are about to go."""
        wasted = [
            (batch, model, paid)
            for (of, batch), positions in places.items()
            for model, paid in self._paid_for(tx, of, batch, positions)
        ]
        counted = count_rows(self._tools.store, self._tools.vault, run)
        return Kept(
            rows={str(outcome): count for outcome, count in counted.items()},
            wasted=tuple(wasted),
            model=self._first_model(tx, run) if run.reused else "",
        )

    def _reread(self, tx: Transaction, run: str, batch: int, positions: Sequence[int]) -> Recount:
        carrier = batch_get(tx, BatchId(batch))
        if carrier.results is None:
            return Recount()
        with self._tools.vault.finder(carrier.results) as finder:
            return recount(
                map(finder.line, sorted(positions)),
                name_of=str,
                run_of=lambda _: run,
                price_of=price_finder(self._tools),
                via=carrier.via,
            )

    def in_doubt(self, found: Iterable[Doubted]) -> Iterator[Entry]:
        """What may have been paid."""
        for one in found:
            if one.run not in self._runs:
                continue
            spending = Spending(doubted=one.requests, unbounded=one.unbounded, doubt=one.amount)
            day = self._tools.day(one.since)
            yield self._entry(one.run, day=day, model="", price_date="", spending=spending)

    def _filed(self, row: LedgerRow, spending: Spending) -> Entry:
        run = self._runs[row.run]
        return Entry(
            run=run.id,
            run_name=run.name,
            is_inbox=run.is_inbox,
            lane=run.lane,
            day=row.day,
            model=row.model,
            owner=row.owner,
            tags=_words(row.tags),
            price_date=row.price_date if row.paid is not None else "",
            spending=spending,
        )

    def _entry(
        self, run_id: str, *, day: str, model: str, price_date: str, spending: Spending
    ) -> Entry:
        run = self._runs[run_id]
        return Entry(
            run=run.id,
            run_name=run.name,
            is_inbox=run.is_inbox,
            lane=run.lane,
            day=day,
            model=model,
            owner=run.owner,
            tags=_words(run.tags),
            price_date=price_date,
            spending=spending,
        )


def _words(tags: str) -> tuple[str, ...]:
    return tuple(tags.split(",")) if tags else ()
