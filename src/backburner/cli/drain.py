"""`drain`: one pass over the queue, by hand or from cron."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.windows import show_waiting, standing_json
from backburner.cli.words import many, outcomes
from backburner.errors import InputError, LaneStopped

if TYPE_CHECKING:
    from backburner.client.finishing import Finished
    from backburner.client.windows import WindowStanding
    from backburner.report.receipt import Receipt
    from backburner.telemetry import Event

CollectOnly = Annotated[
    bool, typer.Option("--collect", help="Send no first attempts; collect and retry only")
]
Now = Annotated[bool, typer.Option("--now", help="Send what waits, though no window is open")]
AllLanes = Annotated[
    bool, typer.Option("--all-lanes", help="Serve every lane that can be reached from here")
]


def drain(
    context: typer.Context,
    *,
    collect: CollectOnly = False,
    now: Now = False,
    all_lanes: AllLanes = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Do one pass, and wait for nothing: for cron.

    Sends what may go now and retries that are due, collects what has ended, and writes the outputs
    of runs that are finished. Outside a lane's window it sends nothing new, unless --now is given.
    """
    if collect and now:
        raise InputError("--collect sends nothing new, and --now all", hint="give one of them")
    session, page = session_of(context), Page(as_json=json)
    wish = Pass(collect_only=collect, now=now, all_lanes=all_lanes)
    drained = one_pass(session, page, wish, home=home, lane=lane)
    if not drained.events and not drained.finished:
        page.line("nothing was due")
    for window in drained.windows:
        show_waiting(page, window)
    for name, why in drained.passed_over.items():
        page.line(f"lane {name} was passed over: {why}")
    waiting = many(drained.waiting, "run")
    page.line(f"{waiting} not finished yet" if drained.waiting else "every run is finished")
    for run in drained.canaries:
        page.line(f"the canary of run {run} is back: `backburner run` with its words shows it,")
        page.line(f"  `backburner release {run}` lets the rest go")
    for run, requests in drained.for_budget.items():
        page.line(f"{many(requests, 'request')} of run {run} wait for a budget:")
        page.line(f"  `backburner status {run}` tells for which, and what lets them go")
    page.finish(
        {
            "events": dict(drained.events),
            "finished": [_finished_json(one) for one in drained.finished],
            "runs_waiting": drained.waiting,
            "canaries": drained.canaries,
            "requests_waiting_for_budget": drained.for_budget,
            "windows": [standing_json(one) for one in drained.windows],
            "lanes_passed_over": drained.passed_over,
        }
    )
    if drained.stopped is not None:
        raise drained.stopped
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What a pass is to do."""

    collect_only: bool = False
    now: bool = False
    all_lanes: bool = False


class OnePass:
    """What one pass did.

    Attributes:
        events: How often each event came.
        finished: The runs that it finished.
        waiting: How many runs are not finished.
        canaries: Those of them whose rest waits for a canary that is back.
        for_budget: How many requests of each run wait for a budget.
        windows: Those that are not open, where something waits for them.
        passed_over: Why lanes were not served.
        stopped: Why nothing is sent in the lane, where that is so.
    """

    def __init__(self, page: Page, stop_if_asked: Any) -> None:
        self.events: dict[str, int] = {}
        self.finished: list[Finished] = []
        self.waiting = 0
        self.canaries: list[str] = []
        self.for_budget: dict[str, int] = {}
        self.windows: list[WindowStanding] = []
        self.passed_over: dict[str, str] = {}
        self.stopped: LaneStopped | None = None
        self._page = page
        self._stop_if_asked = stop_if_asked

    def listen(self, event: "Event") -> None:
        """Tell one event; between steps, so a wish to stop is granted here."""
        from backburner.cli.progress import event_in_words  # noqa: PLC0415  # not for --help

        self.events[event.event] = self.events.get(event.event, 0) + 1
        words = event_in_words(event)
        if words:
            self._page.line(words)
        self._stop_if_asked()


def one_pass(session: Session, page: Page, wish: Pass, *, home: Any, lane: str) -> OnePass:
    """Drain once, and tell what is done."""
    from backburner.cli.stopping import PatientClock  # noqa: PLC0415  # not for --help
    from backburner.client.standing import CANARY_BACK  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    clock = PatientClock(session.clock or StoreClock())
    done = OnePass(page, clock.stop_if_asked)
    opened = session.with_clock(clock).open(home, lane, listener=done.listen)
    with opened as backburner, clock.listening():
        try:
            drained = backburner.drain(
                collect_only=wish.collect_only,
                now=wish.now,
                all_lanes=wish.all_lanes,
                finished=done.finished.append,
            )
            done.passed_over = dict(drained.passed_over)
        except LaneStopped as error:
            done.stopped = error
        stands = backburner.stands(all_lanes=wish.all_lanes)
    standing = [run for _, runs in stands for run in runs]
    windows = [lane.window for lane, _ in stands if lane.window is not None]
    done.windows = [one for one in windows if one.waiting and not one.is_open]
    for one in done.finished:
        if not one.is_inbox:
            _show_finished(page, one)
    _show_tickets(page, [one.receipt for one in done.finished if one.is_inbox])
    done.waiting = sum(not one.count.is_finished for one in standing)
    done.canaries = [one.run.id for one in standing if one.words == CANARY_BACK]
    done.for_budget = {one.run.id: one.for_budget for one in standing if one.for_budget}
    return done


def _show_finished(page: Page, finished: "Finished") -> None:
    receipt = finished.receipt
    told = outcomes(dict(receipt.outcomes))
    page.line(f"run {receipt.run} is finished: {told}; paid {receipt.in_words(receipt.paid)}")
    if finished.output is None:
        page.line(f"  `backburner results {receipt.run} -o FILE` writes its answers")
    if finished.written is not None:
        page.line(f"  {many(finished.written.rows, 'row')} in {finished.output}")
    if finished.written is not None and finished.written.review is not None:
        page.line(f"  {many(finished.written.reviewed, 'row')} in {finished.written.review}")


def _show_tickets(page: Page, receipts: "list[Receipt]") -> None:
    """What came of tickets, all runs of them together: nobody named one."""
    if not receipts:
        return
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help

    counts = sum((Counter(one.outcomes) for one in receipts), Counter[str]())
    paid = Money(picodollars=sum(one.paid.picodollars for one in receipts))
    told = max(receipts, key=lambda one: one.unpriced).in_words(paid)
    tickets = many(counts.total(), "ticket")
    page.line(f"{tickets} ended: {outcomes(dict(counts))}; paid {told}")


def _finished_json(finished: "Finished") -> dict[str, Any]:
    return {
        "run": finished.receipt.run,
        "output": finished.output,
        "receipt": finished.receipt.to_json(),
    }
