"""Tickets: what the caller of a single request holds, and how its answer is had."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from backburner.client.canceling import cancel_run
from backburner.client.driving import GLANCE, Outage, check_moves, nap, standing_stop
from backburner.client.finishing import finish, is_finished
from backburner.client.ticket_standing import TicketStanding, ticket_standing
from backburner.errors import AnswerPending, NotAnswered
from backburner.nouns.outcome import Outcome
from backburner.nouns.run import Run
from backburner.plan.lanes import ReleaseDue
from backburner.runs.whole import whole_result
from backburner.store.inbox import inbox_take
from backburner.store.lanes import lane_wake
from backburner.store.tickets import (
    ticket_ask_cancel,
    ticket_deliver,
    ticket_get,
    ticket_may_be_over,
    tickets_wanted,
)
from backburner.worker import Idle, Tools, Worker

_WHY: Final = {
    Outcome.TRUNCATED: "was cut off before its end: give it more max_tokens",
    Outcome.REFUSED: "was refused by the model",
    Outcome.INVALID_OUTPUT: "does not meet its schema",
    Outcome.PAUSED: "was paused, and did not go on",
    Outcome.REJECTED: "was rejected: the API cannot take the request as it is",
    Outcome.SERVER_ERROR: "failed at Anthropic, also when it was tried again",
    Outcome.EXPIRED: "was not reached in time, also when it was tried again",
    Outcome.CANCELED: "was canceled",
    Outcome.MISSING: "is not known: no result of it can be had",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wicket:
    """Where tickets are waited for.

    Attributes:
        worker: Works while somebody waits.
        watching: Counts failed calls for as long as somebody waits.
    """

    tools: Tools
    lane: str
    worker: Worker
    watching: Callable[[], AbstractContextManager[Outage]]


class Ticket:
    """A single request that was submitted.

    Attributes:
        id: Its name, for another process, and for `backburner ticket`.
    """

    def __init__(self, wicket: Wicket, ticket_id: str) -> None:
        self._wicket = wicket
        self.id = ticket_id

    def __repr__(self) -> str:
        return f"Ticket({self.id!r})"

    def standing(self) -> TicketStanding:
        """How it stands, with all that is known."""
        return ticket_standing(self._wicket.tools, self.id)

    def status(self) -> str:
        """How it stands, in words: `in the inbox`, `with Anthropic`, `ok`."""
        return self.standing().words

    @property
    def done(self) -> bool:
        """Whether it ended, well or not."""
        return self.standing().outcome is not None

    def wait(self, timeout: float | None = None, *, drive: bool = True) -> bool:
        """Wait until it ended; whether it did in time.

        Args:
            timeout: Seconds; None waits for ever.
            drive: Whether to do meanwhile what a worker would do.

        Raises:
            BudgetReached: It waits for a budget that gets no room by itself.
            InDoubt: Only a person can say whether it arrived.
            Unreachable: The network is away.
            LaneStopped: The upstream refused in a way that only a person can clear.
        """
        return self._ended(timeout, drive=drive) is not None

    def result(self, timeout: float | None = None, *, drive: bool = True) -> dict[str, Any]:
        """Wait for its answer; gives the whole Message.

        Takes what `wait` takes, and raises what that raises.

        Raises:
            NotAnswered: It ended without a whole answer; what came is in the error.
            AnswerPending: It did not end in time.
        """
        standing = self._ended(timeout, drive=drive)
        if standing is None:
            raise AnswerPending(
                f"ticket {self.id} is not answered yet: it is {self.status()}",
                hint="wait longer, or ask again later: the ticket stays good",
            )
        return read_result(self._wicket.tools, standing)

    def _ended(self, timeout: float | None, *, drive: bool) -> TicketStanding | None:
        """Wait until it ended; None where the time was over first."""
        return (_drive if drive else _watch)(self._wicket, self.id, timeout)

    def cancel(self) -> "TicketCanceled":
        """Cancel it, as far as that can be done."""
        return cancel_ticket(self._wicket.tools, self.standing())


def lane_of(tools: Tools, ticket_id: str) -> str:
    """The lane of a ticket.

    Raises:
        NotFound: There is none of that name.
    """
    with tools.store.read() as tx:
        return ticket_get(tx, ticket_id).lane


def read_result(tools: Tools, standing: TicketStanding) -> dict[str, Any]:
    """The message of a ticket that ended; from now on it counts as delivered.

    Raises:
        NotAnswered: It ended without a whole answer.
    """
    if standing.ticket.delivered_at is None:
        with tools.store.write() as tx:
            ticket_deliver(tx, standing.ticket.id, tools.clock.now())
    result: dict[str, Any] = {"type": "canceled"}
    if standing.final is not None:
        result = msgspec.json.decode(whole_result(standing.final))
    if standing.outcome is Outcome.OK:
        message: dict[str, Any] = result["message"]
        return message
    outcome = standing.outcome or Outcome.MISSING
    raise NotAnswered(
        f"the answer to ticket {standing.ticket.id} {_WHY[outcome]} ({outcome})",
        hint=_next_step(standing),
        outcome=str(outcome),
        result=result,
    )


def _next_step(standing: TicketStanding) -> str:
    if standing.final is None:
        return "it was never sent; submit it again if it is still wanted"
    return (
        f"`backburner ticket {standing.ticket.id} --json` shows the API's own words, as `result`;"
        f" in Python they are `.result` of this error;"
        f" `backburner status {standing.final.request_id}` tells what was tried"
    )


def _drive(wicket: Wicket, ticket_id: str, timeout: float | None) -> TicketStanding | None:
    """Do what is due until a ticket ended, or the time is over: whoever waits, works."""
    tools = wicket.tools
    until = None if timeout is None else tools.clock.now() + timeout
    if (standing := _over(tools, ticket_id)) is not None:
        return standing
    with wicket.watching() as outage:
        _wake(wicket)
        while True:
            step = wicket.worker.tick(ReleaseDue(gathers=False))
            if (standing := _over(tools, ticket_id)) is not None:
                return standing
            left = _left(tools, until)
            if left is not None and left <= 0:
                return None
            if isinstance(step, Idle):
                _check(wicket, ticket_standing(tools, ticket_id), outage)
                nap(tools, step, *(() if left is None else (left,)))


def _wake(wicket: Wicket) -> None:
    """Take back what dead processes held, and let the lane take a step.

    It need not list what is upstream for that, as it does where a person asks: a call that is made
    at once would cost another one each time.
    """
    wicket.worker.free_the_dead()
    with wicket.tools.store.write() as tx:
        lane_wake(tx, wicket.lane, wicket.tools.clock.now())


def _watch(wicket: Wicket, ticket_id: str, timeout: float | None) -> TicketStanding | None:
    """Look until a ticket ended, or the time is over: another process does the work."""
    tools = wicket.tools
    until = None if timeout is None else tools.clock.now() + timeout
    while (standing := _over(tools, ticket_id)) is None:
        left = _left(tools, until)
        if left is not None and left <= 0:
            return None
        tools.clock.sleep(GLANCE if left is None else min(GLANCE, left))
    return standing


def _over(tools: Tools, ticket_id: str) -> TicketStanding | None:
    """How a ticket ended; None while it did not. Closes its run with the last ticket of it."""
    with tools.store.read() as tx:
        if not ticket_may_be_over(tx, ticket_id):
            return None
    standing = ticket_standing(tools, ticket_id)
    if standing.outcome is None:
        return None
    _close(tools, standing.run)
    return standing


def _left(tools: Tools, until: float | None) -> float | None:
    return None if until is None else until - tools.clock.now()


def _check(wicket: Wicket, standing: TicketStanding, outage: Outage) -> None:
    """Make sure that a ticket goes on by itself."""
    if standing.run is not None:
        check_moves(wicket.tools, standing.run, outage)
        return
    stopped = standing_stop(wicket.tools, wicket.lane)
    if stopped is not None:
        raise stopped


def _close(tools: Tools, run: Run | None) -> None:
    """Finish a run of tickets whose last one ended, as `drain` would."""
    if run is not None and run.finished_at is None and is_finished(tools, run):
        finish(tools, run)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCanceled:
    """What canceling a ticket did.

    Attributes:
        is_over: Whether it had ended before.
        unsent: Whether it never travels.
        asked: Whether the upstream is asked to cancel its batch.
        shares_with: How many tickets travel with it that nobody canceled: it goes on with them.
    """

    is_over: bool = False
    unsent: bool = False
    asked: bool = False
    shares_with: int = 0


def cancel_ticket(tools: Tools, standing: TicketStanding) -> TicketCanceled:
    """Cancel a ticket: in the inbox at once, afterwards only with all that travel with it."""
    if standing.outcome is not None:
        return TicketCanceled(is_over=True)
    now = tools.clock.now()
    ticket = standing.ticket.id
    with tools.store.write() as tx:
        ticket_ask_cancel(tx, ticket, now)
        if inbox_take(tx, [ticket]):
            ticket_deliver(tx, ticket, now)
            return TicketCanceled(unsent=True)
    # It may have been sealed since it was looked at.
    run = ticket_standing(tools, ticket).run
    if run is None:
        return TicketCanceled(is_over=True)
    with tools.store.read() as tx:
        others = tickets_wanted(tx, run.id)
    if others:
        return TicketCanceled(shares_with=others)
    canceled = cancel_run(tools, run)
    return TicketCanceled(unsent=bool(canceled.unsent), asked=bool(canceled.asked))
