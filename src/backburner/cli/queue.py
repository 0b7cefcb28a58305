"""`enqueue`, `drain` and `cancel`: the queue, by hand or from cron."""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from backburner.cli import options
from backburner.cli.choosing import choose_model
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.windows import in_lane, show_waiting, standing_json
from backburner.cli.words import many, outcomes
from backburner.errors import ConfigError, InputError, LaneStopped, UpstreamError
from backburner.nouns.ticket import TICKET
from backburner.nouns.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from backburner.client import Backburner
    from backburner.client.canceling import Canceled
    from backburner.client.finishing import Finished
    from backburner.client.preparing import RunOptions
    from backburner.client.routed_runs import Prepared
    from backburner.client.tickets import TicketCanceled
    from backburner.client.windows import WindowStanding
    from backburner.nouns.run import Run
    from backburner.report.receipt import Receipt
    from backburner.telemetry import Event

RunOrTicket = Annotated[
    str, typer.Argument(metavar="RUN", help="The run, as `status` lists it; or a ticket")
]
CollectOnly = Annotated[
    bool, typer.Option("--collect", help="Send no first attempts; collect and retry only")
]
Now = Annotated[bool, typer.Option("--now", help="Send what waits, though no window is open")]
AllLanes = Annotated[
    bool, typer.Option("--all-lanes", help="Serve every lane that can be reached from here")
]


def enqueue(
    context: typer.Context,
    source: options.Source,
    *,
    prompt_file: options.Prompt = None,
    prompt: options.PromptText = None,
    output: options.Output = None,
    model: options.Model = None,
    max_tokens: options.MaxTokens = None,
    system: options.System = None,
    param: options.Params = None,
    schema: options.Schema = None,
    beta: options.Betas = None,
    limit: options.Limit = None,
    where: options.Where = None,
    allow_path: options.AllowPath = None,
    format: options.Format = None,  # noqa: A002 - the word of the house
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    prefix: options.Prefix = "",
    no_collapse: options.NoCollapse = False,
    batch_size: options.BatchSize = None,
    canary: options.Canary = None,
    pack: options.Pack = None,
    pack_check: options.PackCheck = None,
    cache: options.Cache = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    budget: options.Budget = None,
    tag: options.Tags = None,
    owner: options.Owner = "",
    budget_mode: options.Mode = None,
    leaders: options.Leaders = False,
    reuse: options.Reuse = None,
    by: options.By = None,
    within: options.Within = None,
    urgency: options.HowSoon = None,
    rescue: options.Rescue = None,
    kind: options.Kind = "",
    no_routes: options.NoRoutes = False,
    new: options.New = False,
    force: options.Force = False,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Keep requests for later: `drain` or `run` sends them."""
    wanted = Wanted(
        source=source,
        prompt_file=prompt_file,
        prompt=prompt,
        system=system,
        model=model,
        max_tokens=max_tokens,
        params=param,
        schema=schema,
        betas=beta,
        output=output,
        prefix=prefix,
        format=format,
        delimiter=delimiter,
        encoding=encoding,
        limit=limit,
        where=where,
        allow_paths=allow_path,
        no_collapse=no_collapse,
        new=new,
        force=force,
        canary=canary,
        pack=pack,
        pack_check=pack_check,
        cache=cache,
        allow_unknown_price=allow_unknown_price,
        budget=budget,
        tags=tag,
        owner=owner,
        budget_mode=budget_mode,
        leaders=leaders,
        reuse=reuse,
        by=by,
        within=within,
        urgency=urgency,
        rescue=rescue,
        kind=kind,
        no_routes=no_routes,
    )
    wanted.check()
    session, page = session_of(context), Page(as_json=json)
    with session.open(home, lane, limits=options.pack_limits(batch_size)) as backburner:
        _enqueue(session, page, backburner, wanted)
    return 0


def _enqueue(session: Session, page: Page, backburner: "Backburner", wanted: Wanted) -> None:
    wanted = wanted.over(backburner.defaults)
    asked, stdin = asked_options(session, page, backburner, wanted)
    prepared = backburner.intake.prepare_routed(asked, stdin)
    told = [_keep(page, backburner, wanted, one) for one in prepared]
    if len(told) == 1:
        page.finish(told[0])
        return
    page.finish({"runs": told})


def asked_options(
    session: Session, page: Page, backburner: "Backburner", wanted: Wanted
) -> "tuple[RunOptions, Callable[[], BinaryIO]]":
    """What is asked, with a model chosen where neither a person nor a rule gives one.

    Gives standard input with it, since a rule may have read it.
    """
    from backburner.client.routed_runs import Reread  # noqa: PLC0415  # not for --help

    stdin = Reread(session.stdin)
    asked = wanted.options(wanted.model or "", wanted.timing(backburner))
    if wanted.is_table and not asked.model and not backburner.intake.gives_model(asked, stdin):
        usual = backburner.defaults.model
        asked = replace(
            asked, model=usual or choose_model(session, page, backburner.tools.tariff([]))
        )
    return asked, stdin


def _keep(page: Page, backburner: "Backburner", wanted: Wanted, one: "Prepared") -> dict[str, Any]:
    """Keep one run, and tell which; gives it as JSON values."""
    from backburner.cli.planning import plan_facts, plan_json  # noqa: PLC0415  # not for --help
    from backburner.client.preparing import Found, Fresh  # noqa: PLC0415  # as above

    prepared = one.run
    if isinstance(prepared, Found):
        run, told = prepared.run, "was kept before"
        plan: dict[str, Any] = {}
    else:
        own = replace(wanted, output=one.output)
        facts = plan_facts(own, prepared, backburner, has_key=True, at_once=False)
        plan = {"plan": plan_json(prepared, backburner)}
        page.facts(facts)
        page.line()
        run, told = backburner.intake.commit(prepared.staged), "is kept, and nothing was sent"
    page.line(f"run {run.id} {told}: {many(run.requests, 'request')}")
    page.line(f"{_sent_by(backburner, run)}; `backburner status {run.id}` tells how it stands")
    if isinstance(prepared, Fresh) and prepared.staged.canary:
        page.line(f"all but its canary waits: `backburner release {run.id}` lets the rest go")
    if isinstance(prepared, Fresh) and run.moved is not None:
        page.line(f"all but its check waits: `backburner release {run.id}` lets the rest go")
    return {"run": run.id, "home": str(backburner.settings.home), "lane": run.lane, **plan}


def _sent_by(backburner: "Backburner", run: "Run") -> str:
    from backburner.client.windows import window_standing  # noqa: PLC0415  # not for --help

    lane = in_lane(run.lane)
    window = window_standing(backburner.tools, run.lane)
    if window is None or window.is_open or run.urgency != Urgency.WINDOW:
        return f"`backburner drain{lane}` sends it"
    then = f"`backburner drain --now{lane}` sends it now"
    return f"it waits for the window, which {window.opens}; {then}"


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


def cancel(
    context: typer.Context,
    run: RunOrTicket,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Cancel a run, or a ticket.

    What was not sent ends at once. Anthropic is asked to cancel the rest; what it has finished by
    then is paid, and kept.
    """
    session, page = session_of(context), Page(as_json=json)
    if run.startswith(TICKET):
        return _cancel_ticket(session, page, run, home=home, lane=lane)
    with session.open(home, lane) as backburner:
        found = backburner.get(run)
        before = backburner.status(run)[1][0].count
        if before.is_finished:
            page.line(f"run {run} is finished already: nothing is left to cancel")
            page.finish({"run": run, "canceled": False})
            return 0
        canceled, has_key = backburner.cancel(run), backburner.has_credential()
    _show_canceled(page, found, canceled)
    is_away = bool(canceled.asked or canceled.direct or canceled.ended)
    asked_now = is_away and _ask_upstream(session, page, home, found.lane, has_key=has_key)
    if asked_now and canceled.asked:
        page.line("it takes effect within minutes; `backburner drain` collects what was finished")
    page.finish(
        {
            "run": run,
            "canceled": True,
            "requests_unsent": canceled.unsent,
            "batches_asked": canceled.asked,
            "batches_in_doubt": canceled.doubted,
            "batches_shared": canceled.shared,
            "batches_direct": canceled.direct,
            "batches_ended": canceled.ended,
            "asked_now": asked_now,
        }
    )
    return 0


def _cancel_ticket(session: Session, page: Page, ticket: str, *, home: Any, lane: str) -> int:
    with session.open(home, lane) as backburner:
        found = backburner.ticket(ticket)
        canceled = found.cancel()
        page.line(_canceled_in_words(canceled, ticket, found.status()))
        has_key = backburner.has_credential()
    asked_now = canceled.asked and _ask_upstream(session, page, home, lane, has_key=has_key)
    page.finish({"ticket": ticket, **asdict(canceled), "asked_now": asked_now})
    return 0


def _canceled_in_words(canceled: "TicketCanceled", ticket: str, status: str) -> str:
    if canceled.is_over:
        return f"ticket {ticket} ended already ({status})"
    if canceled.shares_with:
        others = many(canceled.shares_with, "other ticket")
        return f"ticket {ticket} is not stopped: it travels with {others} that are wanted"
    if canceled.unsent:
        return f"ticket {ticket} is canceled: it was not sent, and costs nothing"
    return f"ticket {ticket} is canceled: what Anthropic has finished by now is paid, and kept"


def _show_canceled(page: Page, run: "Run", canceled: "Canceled") -> None:
    page.line(f"run {run.id} ({run.name}) is canceled:")
    if canceled.unsent:
        unsent = many(canceled.unsent, "request")
        page.line(f"  {unsent} never sent: ended as canceled, at no cost")
    if canceled.asked:
        asked = many(canceled.asked, "batch")
        page.line(f"  {asked} with Anthropic: what it has finished is paid, and kept")
    if canceled.doubted:
        doubted = many(canceled.doubted, "batch")
        page.line(f"  {doubted} in doubt: left alone until it is known whether they arrived")
    if canceled.direct:
        direct = many(canceled.direct, "batch")
        page.line(f"  {direct} of sync calls: no more are made; those that were are paid, and kept")
    if canceled.ended:
        ended = many(canceled.ended, "batch")
        page.line(f"  {ended} finished already: paid, and kept")
    if canceled.shared:
        shared = many(canceled.shared, "batch")
        page.line(f"  {shared} of retries: not stopped, since other runs are in it too")
    if not (canceled.asked or canceled.direct or canceled.ended) and run.output is not None:
        page.line("`backburner drain` writes its output")


def _ask_upstream(session: Session, page: Page, home: Any, lane: str, *, has_key: bool) -> bool:
    """Ask upstream at once where that can be done; whether it was."""
    later = "`backburner drain` asks Anthropic to cancel, and collects what it had finished"
    if not has_key:
        page.line(f"there is no key here: {later}")
        return False
    try:
        done = one_pass(session, page, Pass(collect_only=True), home=home, lane=lane)
        if done.stopped is not None:
            raise done.stopped
    except (UpstreamError, ConfigError) as error:
        page.line(f"Anthropic could not be asked ({error}): {later}")
        return False
    return True
