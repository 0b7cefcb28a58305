"""Finishing a run: its output, its receipt."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec

from backburner.client.cancellations import cancellation_of
from backburner.errors import InputError, Pruned
from backburner.nouns.money import Charge
from backburner.nouns.outcome import Outcome
from backburner.nouns.run import Run, RunSpec
from backburner.report.cache_result import cache_result
from backburner.report.receipt import Receipt, make_receipt
from backburner.runs.answer import Answer
from backburner.runs.answers import FinalLine, final_lines
from backburner.runs.chosen_rows import spread
from backburner.runs.counting import count_rows, count_run
from backburner.runs.faults import Faults
from backburner.runs.input_copy import open_input, open_table, whole_table
from backburner.runs.jsonl_output import write_results
from backburner.runs.output_files import noting
from backburner.runs.outputs import Written, write_each, write_list, write_table
from backburner.runs.path_template import PathTemplate
from backburner.runs.properties import properties_of
from backburner.runs.request_list import read_requests
from backburner.runs.row_answers import Reader, RowAnswers
from backburner.runs.tables import Format, output_format
from backburner.runs.whole import whole_result
from backburner.store.ledger import LedgerRow, ledger_duplicates, ledger_of_run
from backburner.store.runs import run_get, run_update
from backburner.telemetry import RunFinished
from backburner.worker import Tools
from backburner.worker.booking import price_finder
from backburner.worker.promises import note_late_end

if TYPE_CHECKING:
    from io import BufferedWriter


class Result(msgspec.Struct, frozen=True):
    """One request's answer, for Python.

    Attributes:
        custom_id: The caller's own key.
        outcome: One of the ten; None while it is not final.
        result: The API's `result` as received: its type, and the whole message or error.
    """

    custom_id: str
    outcome: Outcome | None
    result: dict[str, Any]
    request_id: str

    @property
    def message(self) -> dict[str, Any] | None:
        """The whole message, where there is one."""
        return self.result.get("message")


@dataclass(frozen=True, slots=True)
class Finished:
    """A run's end: its receipt, and what was written where.

    Attributes:
        is_inbox: Whether its answers belong to tickets, and are written nowhere.
    """

    receipt: Receipt
    written: Written | None
    output: str | None
    is_inbox: bool = False


def check_kept(run: Run) -> None:
    """Make sure that a run's texts can be read.

    Raises:
        Pruned: They were removed.
    """
    if run.pruned_at is not None:
        day = datetime.fromtimestamp(run.pruned_at, UTC).date()
        raise Pruned(
            f"the texts of run {run.id} were pruned on {day}: its prompts and answers are gone",
            hint="its counts and costs are in `status` and `report`; --new asks all of it again",
        )


def read_spec(tools: Tools, run: Run) -> RunSpec:
    """What a run asks.

    Raises:
        Pruned: Its texts were removed.
    """
    check_kept(run)
    with tools.vault.stream(run.spec) as stream:
        return msgspec.json.decode(stream.read(), type=RunSpec)


def is_finished(tools: Tools, run: Run) -> bool:
    """Whether every request of a run ended."""
    with tools.store.read() as tx:
        return count_run(tx, run).is_finished


def finish(tools: Tools, run: Run) -> Finished | None:
    """Write a finished run's output, if it has one, make its receipt, and say so once.

    Writing may be repeated: the file is replaced as a whole. Gives None, and changes nothing of the
    run, where somebody sent requests of it again meanwhile: it is not over, and will be written
    when it is.
    """
    if run.pruned_at is not None:
        return Finished(receipt(tools, run), None, run.output)
    written, collapsed_sync = None, run.collapsed_sync
    if run.output is not None and run.written_at is None:
        written, collapsed_sync = write_output(tools, run, run.output)
    elif run.collapsed and not collapsed_sync:
        collapsed_sync = _collapsed_sync(tools, run)
    now = tools.clock.now()
    with tools.store.read() as tx:
        booked = ledger_of_run(tx, run.id)
    changes: dict[str, Any] = {
        "collapsed_sync": collapsed_sync,
        "reused_sync": run.reused_sync or _reused_sync(tools, run),
        "finished_at": run.finished_at or now,
        "price_date": str(price_date(tools, booked)),
    }
    if written is not None:
        changes["written_at"] = now
    note_late_end(tools, run, changes["finished_at"])
    with tools.store.write() as tx:
        if not count_run(tx, run).is_finished:
            return None
        is_first = run_get(tx, run.id).finished_at is None
        run_update(tx, run.id, **changes)
        ended = run_get(tx, run.id)
    made = receipt(tools, ended)
    if is_first:
        tools.emit(_finished(ended, made))
    return Finished(made, written, run.output, run.is_inbox)


def _finished(run: Run, made: Receipt) -> RunFinished:
    return RunFinished(
        lane=run.lane,
        run=run.id,
        requests=run.requests,
        outcomes=dict(made.outcomes),
        paid=made.paid.picodollars,
    )


def receipt(tools: Tools, run: Run) -> Receipt:
    """What a finished run cost and saved."""
    with tools.store.read() as tx:
        booked = ledger_of_run(tx, run.id)
        twice = ledger_duplicates(tx, run.id)
        cancellation = cancellation_of(tx, run)
    charges = [
        Charge(paid=row.paid or 0, uncached=row.uncached_price or 0, sync=row.sync_price or 0)
        for row in booked
        if row not in twice
    ]
    kept = run.counted
    counted = count_rows(tools.store, tools.vault, run) if kept is None else kept.rows
    return make_receipt(
        run=run.id,
        outcomes={str(outcome): count for outcome, count in counted.items()},
        requests=run.requests,
        charges=charges,
        paid_twice=sum(row.paid or 0 for row in twice),
        unpriced=sum(row.requests for row in booked if row.paid is None),
        collapsed_sync=run.collapsed_sync,
        took=timedelta(seconds=(run.finished_at or tools.clock.now()) - run.created_at),
        price_date=date.fromisoformat(run.price_date)
        if run.price_date
        else price_date(tools, booked),
        price_source=_price_source(tools, booked),
        cache=cache_result(run.cache, [row for row in booked if row not in twice]),
        packs=run.packed,
        web_searches=sum(row.web_searches for row in booked if row.paid is not None),
        reused=run.reused,
        reused_sync=run.reused_sync,
        cancellation=cancellation,
        direct=sum(row.requests for row in booked if row.is_direct),
        paid_directly=sum(row.paid or 0 for row in booked if row.is_direct),
    )


def price_date(tools: Tools, booked: Iterable[LedgerRow]) -> date:
    """The oldest date of the prices that were booked with; that of the table where none was."""
    dates = [date.fromisoformat(row.price_date) for row in booked if row.price_date]
    return min(dates, default=tools.tariff([]).as_of)


def _price_source(tools: Tools, booked: Iterable[LedgerRow]) -> str:
    """Where the prices of the models come from that were booked."""
    price_of = price_finder(tools)
    prices = [price_of(model) for model in {row.model for row in booked}]
    sources = {price.source for price in prices if price is not None}
    return ", ".join(sorted(sources)) or tools.tariff([]).source


def write_output(tools: Tools, run: Run, output: str) -> tuple[Written, int]:
    """Write a run's answers to a path; gives what was written, and the price of collapsed rows."""
    spec = read_spec(tools, run)
    with (
        open_input(tools.vault, spec, run.source) as stream,
        noting(tools.store, run.id) as noted,
    ):
        if spec.kind == "requests":
            pairs = ((key, whole_result(final)) for key, final in _keyed(tools, run, spec, stream))
            return write_list(pairs, Path(output), noted), 0
        answers = RowAnswers(tools.store, tools.vault, run, tools.tariff([]))
        faults = Faults()
        table = whole_table(stream, spec, faults)
        with _by_row(tools, run, spec, answers) as by_row:
            if PathTemplate.is_one(output):
                written = write_each(
                    table, by_row, PathTemplate(output), prefix=run.prefix, noted=noted
                )
            else:
                form = output_format(Format(spec.format), output)
                written = write_table(
                    table,
                    by_row,
                    Path(output),
                    form,
                    prefix=run.prefix,
                    properties=properties_of(spec.schema),
                    noted=noted,
                )
        faults.raise_if_any(run.name)
    return written, answers.collapsed_sync


@contextmanager
def _by_row(
    tools: Tools, run: Run, spec: RunSpec, answers: RowAnswers
) -> Iterator[Iterable[Answer | None]]:
    """One answer for each row of the input: None for those that were not chosen."""
    if spec.where is None:
        yield answers
        return
    with open_input(tools.vault, spec, run.source) as stream:
        yield spread(open_table(stream, spec, Faults()), answers)


def results(tools: Tools, run: Run) -> Iterator[Result]:
    """Every request of a run with its whole answer, in the order of the input.

    Raises:
        InputError: The run is a table's: its answers are rows, not requests.
    """
    spec = _list_spec(tools, run)
    with open_input(tools.vault, spec, run.source) as stream:
        for key, final in _keyed(tools, run, spec, stream):
            value = msgspec.json.decode(whole_result(final))
            yield Result(key, final.outcome, value, final.request_id)


def stream_results(tools: Tools, run: Run, file: BinaryIO) -> int:
    """Write the results of a list of requests into an open file, as `write_output` would.

    Raises:
        InputError: The run is a table's: its answers are rows, not requests.
    """
    spec = _list_spec(tools, run)
    with open_input(tools.vault, spec, run.source) as stream:
        pairs = ((key, whole_result(final)) for key, final in _keyed(tools, run, spec, stream))
        return write_results(pairs, cast("BufferedWriter", file))


def _list_spec(tools: Tools, run: Run) -> RunSpec:
    spec = read_spec(tools, run)
    if spec.kind != "requests":
        raise InputError(
            f"the run {run.id} is a table's: its answers belong to rows",
            hint=f"write them with `backburner results {run.id} -o FILE`",
        )
    return spec


def _keyed(tools: Tools, run: Run, spec: RunSpec, stream: Any) -> Iterator[tuple[str, FinalLine]]:
    """Each final line beside the key that its caller gave it."""
    faults = Faults()
    records = read_requests(stream, faults, encoding=spec.encoding)
    # The lines come first: with --limit, the input has more requests than the run.
    for final, record in zip(final_lines(tools.store, tools.vault, run), records, strict=False):
        yield record.custom_id, final


def _collapsed_sync(tools: Tools, run: Run) -> int:
    answers = RowAnswers(tools.store, tools.vault, run, tools.tariff([]))
    for _ in answers:
        pass
    return answers.collapsed_sync


def _reused_sync(tools: Tools, run: Run) -> int:
    """What the requests of a run would have cost again that have answers of earlier runs."""
    reader = Reader(tools.tariff([]))
    finals = final_lines(tools.store, tools.vault, run, run.fresh) if run.reused else iter(())
    return sum(map(reader.sync_cost, finals))
