"""What of a run waits for a budget: which rows, for which, how much it takes, and how to go on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from backburner.client.budgets import named_in_file
from backburner.client.failing import first_rows
from backburner.client.finishing import read_spec
from backburner.errors import BudgetReached
from backburner.nouns.batch import FOR_BUDGET, Batch, BatchState, Hold
from backburner.nouns.budget import DAY, is_day
from backburner.nouns.money import PICODOLLARS, Money
from backburner.nouns.run import Run
from backburner.plan.budgets import Need, Short
from backburner.store import Transaction
from backburner.store.batches import batches_where
from backburner.store.budgets import moving_under, runs_in_batch, worst_cases_of
from backburner.worker import Tools
from backburner.worker.releasing import ask_for

_RANGES: Final = 3
_CENT: Final = PICODOLLARS // 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A batch that waits for a budget, and what it asks for now.

    Attributes:
        requests: How many of its requests are the run's.
    """

    batch: Batch
    requests: int
    asked: Need


def waiting_for_budget(tools: Tools, tx: Transaction, run: Run) -> list[Waiting]:
    """The batches that carry a run's requests and wait for a budget."""
    held = batches_where(tx, [run.lane], [BatchState.HELD])
    today = tools.day(tools.clock.now())
    found = []
    for batch in held:
        if batch.hold not in FOR_BUDGET or run.id not in runs_in_batch(tx, batch.id):
            continue
        cases = worst_cases_of(tx, batch.id)
        own = sum(case.requests for case in cases if case.run == run.id) or batch.requests
        found.append(Waiting(batch=batch, requests=own, asked=ask_for(tx, cases, today, batch.via)))
    return found


def in_words(tools: Tools, run: Run, waiting: Iterable[Waiting]) -> Iterator[str]:
    """What of a run waits for a budget, a sentence for each of them."""
    each = list(waiting)
    unbounded = [one for one in each if one.asked.hold is Hold.UNBOUNDED]
    if unbounded:
        yield _unbounded(tools, run, unbounded)
    bounded = [one for one in each if one.asked.hold is Hold.BUDGET]
    pairs = [(short.budget.scope, short, one) for one in bounded for short in one.asked.shorts]
    pairs.sort(key=lambda pair: pair[0])
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        members = [(short, one) for _, short, one in group]
        yield _short(tools, run, [short for short, _ in members], [one for _, one in members])
    free = [one for one in each if one.asked.hold is None]
    if free:
        yield f"{_which(tools, run, free)} for the next `drain` or `run`: there is room now"


def _unbounded(tools: Tools, run: Run, waiting: list[Waiting]) -> str:
    scopes = sorted({scope for one in waiting for scope in one.asked.taken})
    return (
        f"{_which(tools, run, waiting)} for {_named(scopes)}: nothing says the most that they can "
        "cost (an unknown price, or a server tool without max_uses); the same command with "
        "--budget-mode expected sends them, without that promise"
    )


def _short(tools: Tools, run: Run, shorts: list[Short], waiting: list[Waiting]) -> str:
    budget = shorts[0].budget
    whole = Short(budget, sum(short.needed for short in shorts))
    left = max(budget.left, 0)
    away = f", {_show(budget.reserved)} is reserved" if budget.reserved else ""
    each = f" (a batch up to {_show(max(one.needed for one in shorts))})" if shorts[1:] else ""
    tomorrow = "they go tomorrow, and " if is_day(budget.scope) else ""
    return (
        f"{_which(tools, run, waiting)} for {_named([budget.scope])}: they can cost up to "
        f"{_show(whole.needed)}{each}, and {_show(left)} of {_show(budget.amount)} is left "
        f"({_show(budget.spent)} is spent{away}); {tomorrow}{_more(tools, whole)} "
        f"lets them go{' now' if tomorrow else ''}"
    )


def _more(tools: Tools, short: Short) -> str:
    """What makes room under a budget now: a command, or a line of the file."""
    cents = -(-short.enough // _CENT)
    amount, scope = f"{cents // 100}.{cents % 100:02d}", short.budget.scope
    terms = named_in_file(tools, scope)
    if terms is not None:
        return f'`{terms.budget_key} = "{amount}"` in {terms.file}'
    return f"`backburner budget set {DAY if is_day(scope) else scope} {amount}`"


def _named(scopes: Iterable[str]) -> str:
    return f"the budget {' and '.join(scopes)}"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _show(picodollars: int) -> str:
    return Money(picodollars=picodollars).show()


def _which(tools: Tools, run: Run, waiting: Iterable[Waiting]) -> str:
    """`rows 301 to 1,000 (700 requests)`, as far as they are first attempts."""
    each = list(waiting)
    requests = sum(one.requests for one in each)
    counted = _requests(requests)
    own = sorted(
        (one.batch.first_request, one.batch.first_request + one.requests - 1)
        for one in each
        if one.batch.origins is None
    )
    if not own:
        return f"{counted} to be tried again"
    spans = _joined(own)
    first = first_rows(tools, run, {number for span in spans for number in span})
    noun = "row" if read_spec(tools, run).kind == "table" else "request"
    told = [
        f"{first[begin]:,} to {first[end]:,}" if begin != end else f"{first[begin]:,}"
        for begin, end in spans[:_RANGES]
    ]
    more = f" and {len(spans) - _RANGES:,} more parts" if len(spans) > _RANGES else ""
    several = "s" if len(spans) > 1 or spans[0][0] != spans[0][1] else ""
    return f"{noun}{several} {', '.join(told)}{more} ({counted})"


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, neighbours as one."""
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and joined[-1][1] + 1 == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def check_budget(tools: Tools, run: Run, *, is_all: bool) -> None:
    """Tell a person when a run waits for budgets that cannot get room by themselves.

    Args:
        is_all: Whether nothing else of the run can move.

    Raises:
        BudgetReached: Only a larger budget, or another day, lets it go on.
    """
    if not is_all:
        return
    with tools.store.read() as tx:
        waiting = waiting_for_budget(tools, tx, run)
        if not waiting or not all(_is_stuck(tx, one) for one in waiting):
            return
    held = sum(one.requests for one in waiting)
    told = "; ".join(in_words(tools, run, waiting))
    raise BudgetReached(
        f"{_requests(held)} of the run {run.id} {'waits' if held == 1 else 'wait'} for a budget",
        hint=told,
    )


def _is_stuck(tx: Transaction, waiting: Waiting) -> bool:
    if waiting.asked.hold is Hold.UNBOUNDED:
        return True
    shorts = waiting.asked.shorts
    return any(short.is_stuck(moving_under(tx, short.budget.scope)) for short in shorts)
