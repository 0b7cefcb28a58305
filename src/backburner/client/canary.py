"""A canary: a run's first requests alone, so that a mistake costs a few answers and not all."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from backburner.client.failing import first_rows
from backburner.errors import InputError, NothingChosen
from backburner.nouns.batch import Batch, BatchState, Hold
from backburner.nouns.money import PICODOLLARS, Money
from backburner.nouns.outcome import Outcome
from backburner.nouns.run import Run
from backburner.plan.outputs import Likeness, average_of
from backburner.plan.ranges import PriceRange
from backburner.runs.answer import Answer
from backburner.runs.answers import final_lines
from backburner.runs.row_answers import Reader
from backburner.store.batches import batches_of_run
from backburner.store.ledger import ledger_of_run
from backburner.worker import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """What came of a run's first requests.

    Attributes:
        rows: The first row that each of them answers, from 1.
        answers: Their answers, in the order of requests.
        held: Requests that wait until they are released.
        paid: What these requests cost; None where a price is not known.
        projected: What the whole run will cost if the others are like them.
        input_tokens: Of all these answers, cached ones included.
    """

    run: str
    rows: tuple[int, ...]
    answers: tuple[Answer, ...]
    held: int
    paid: Money | None
    projected: PriceRange | None
    input_tokens: int
    output_tokens: int

    @property
    def is_all_ok(self) -> bool:
        """Whether every one of them is `ok`."""
        return all(answer.outcome == Outcome.OK for answer in self.answers)


def held_back(tools: Tools, run: Run) -> list[Batch]:
    """The batches of a run that wait for its canary."""
    with tools.store.read() as tx:
        batches = batches_of_run(tx, run.id)
    return [one for one in batches if one.state is BatchState.HELD and one.hold == Hold.CANARY]


def check_canary(tools: Tools, run: Run) -> None:
    """Make sure that a run has a canary.

    Raises:
        InputError: Nothing of it waits for one.
    """
    if run.packed or not held_back(tools, run):
        raise InputError(
            f"nothing of the run {run.id} waits for a canary",
            hint="--canary N holds the rest of a new run back",
        )


def check_nothing_held(tools: Tools, run: Run) -> None:
    """Make sure that nothing of a run waits for its canary.

    Raises:
        NothingChosen: Something does.
    """
    held = sum(one.requests for one in held_back(tools, run))
    if held:
        raise NothingChosen(
            f"{held:,} requests of the run {run.id} wait until its canary was looked at",
            hint=f"`backburner release {run.id}` lets them go, `backburner cancel {run.id}` "
            "drops them",
        )


def look_at_canary(tools: Tools, run: Run) -> Canary:
    """What came of a run's first requests so far."""
    held = held_back(tools, run)
    count = held[0].first_request if held else run.fresh
    reader = Reader(tools.tariff([]))
    finals = islice(final_lines(tools.store, tools.vault, run), count)
    answers = tuple(map(reader.read, finals))
    with tools.store.read() as tx:
        booked = ledger_of_run(tx, run.id)
    paid = [row.paid for row in booked if row.paid is not None]
    is_known = len(paid) == len(booked)
    rows = first_rows(tools, run, range(count))
    return Canary(
        run=run.id,
        rows=tuple(rows[number] for number in range(count)),
        answers=answers,
        held=sum(one.requests for one in held),
        paid=Money(picodollars=sum(paid)) if is_known else None,
        projected=_projected(sum(paid), answers, run.fresh - count) if is_known else None,
        input_tokens=sum(
            one.input_tokens + one.cache_write_tokens + one.cache_read_tokens for one in answers
        ),
        output_tokens=sum(one.output_tokens for one in answers),
    )


def _projected(paid: int, answers: Sequence[Answer], others: int) -> PriceRange:
    costs = [float(Decimal(one.cost_usd or 0) * PICODOLLARS) for one in answers]
    low, expected, high = average_of(costs, Likeness.CANARY)
    return PriceRange(
        low=Money(picodollars=paid + round(low * others)),
        expected=Money(picodollars=paid + round(expected * others)),
        high=Money(picodollars=paid + round(high * others)),
    )
