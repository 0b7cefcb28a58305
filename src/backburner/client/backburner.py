"""Backburner, as a library and behind the command line.

One face, and long for that: what a program may do stands in one place, each method a line or two
over the module that does it, and half of it is what the caller has to know.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from backburner.client.access import (
    Served,
    access_from,
    open_lane,
    require_lane,
    served_lanes,
    within_queue,
)
from backburner.client.accounting import savings
from backburner.client.adopting import Adopted, adopt_batch
from backburner.client.budgets import (
    BudgetStanding,
    budgets,
    remove_budget,
    set_budget,
)
from backburner.client.canary import Canary, check_canary, check_nothing_held, look_at_canary
from backburner.client.canceling import Canceled, cancel_run
from backburner.client.draining import Drained, allowed, one_pass
from backburner.client.driving import Outage, drive, hand_over, wake
from backburner.client.failing import Failures, failures
from backburner.client.finding import RequestStanding, find_request
from backburner.client.finishing import (
    Finished,
    Result,
    finish,
    is_finished,
    read_spec,
    receipt,
    results,
    stream_results,
    write_output,
)
from backburner.client.home import (
    Home,
    open_home,
    worker_tools,
)
from backburner.client.inbox import Body
from backburner.client.intake import Intake
from backburner.client.notifying import crier_of
from backburner.client.opening import Released, Resumed, release_run, resume_lane
from backburner.client.pack_check import PackCheck, check_has_pack_check, look_at_check
from backburner.client.placing import check_unchanged, output_state, path_for
from backburner.client.posting import Post
from backburner.client.preparing import RunOptions
from backburner.client.pruning import Pruned, age_of, prunable, prune
from backburner.client.pulse import Pulse
from backburner.client.retrying import Chosen, choose, outcomes_named, send_again
from backburner.client.single_requests import TicketOptions, submissions
from backburner.client.standing import LaneStanding, RunStanding, stand
from backburner.client.submitting import submit_all
from backburner.client.tickets import Ticket, Wicket, lane_of
from backburner.client.verifying import verify
from backburner.client.working import Shift, work
from backburner.clock import Clock, StoreClock
from backburner.config import DEFAULT_LANE, Settings
from backburner.errors import InputError
from backburner.nouns.budget import Budget, amount_of, billing_of, scope_of
from backburner.nouns.given import day, one_of, several, text
from backburner.nouns.lane import LaneDefaults
from backburner.nouns.model import betas_of
from backburner.nouns.output_file import FileState
from backburner.nouns.run import Run
from backburner.plan.caching.choices import CachePolicy
from backburner.plan.packing import PackLimits
from backburner.report.receipt import Receipt
from backburner.report.savings import By, Choice, SavingsReport
from backburner.report.verification import Verification
from backburner.runs.counting import RunCount
from backburner.runs.input_warnings import InputWarning
from backburner.runs.outputs import Written
from backburner.store.invariants import check_invariants
from backburner.store.lanes import lanes_all
from backburner.store.runs import run_get
from backburner.telemetry import Event, Listener, log_event
from backburner.worker import Tools, Worker
from backburner.worker.deleting import delete_left
from backburner.worker.restoring import Restored, note_restored, notice_restored

if TYPE_CHECKING:
    import anthropic


class Backburner:
    """A queue for Claude work that can wait.

    What is enqueued is kept durably in the home folder; `drain` or `run` sends it in half-price
    batches and brings every answer back. Use it as a context manager, or `close` it.

    Args:
        home: The folder of the queue, or one that is open already; BACKBURNER_HOME or the user's
            data folder if None.
        lane: The stream of work to use. Its first work pins it to the upstream.
        client: An SDK client to speak through; if None, one is made from the environment when
            something is sent.
        limits: The most a batch may hold.
        listener: Told of every event, besides the log.
        post: Brings notices to their channels; over the network if None.
        environment: Where credentials, address and settings are read.
        is_checked: Whether the store is opened only if it contradicts itself nowhere; `verify`
            looks at one that does.
        is_pinned: Whether the lane may belong to no other upstream; what only reads needs no lane.

    Raises:
        InputError: The lane's name is no word, or the client none of `anthropic.Anthropic`.
        StoreUnusable: The home cannot be opened.
        StoreDamaged: The store contradicts itself.
        LanePinned: The lane belongs to another upstream.
    """

    def __init__(
        self,
        home: Path | str | Home | None = None,
        *,
        lane: str = DEFAULT_LANE,
        client: "anthropic.Anthropic | None" = None,
        limits: PackLimits | None = None,
        clock: Clock | None = None,
        listener: Listener | None = None,
        post: Post | None = None,
        environment: Mapping[str, str] | None = None,
        is_checked: bool = True,
        is_pinned: bool = True,
    ) -> None:
        environment = os.environ if environment is None else environment
        self._access = access_from(client, environment, _folder(home))
        self.settings: Settings = self._access.settings
        self.lane = text("lane", lane)
        limits = within_queue(limits or PackLimits(), self.settings.lane_terms(lane))
        self._clock = clock or StoreClock()
        self._listeners: list[Listener] = [log_event, *([listener] if listener else [])]
        self._home = home if isinstance(home, Home) else open_home(self.settings.home, self._clock)
        self._tools = worker_tools(
            self._home,
            self._clock,
            self.settings,
            limits,
            self._access.connector(self._home.store),
            self._emit,
        )
        self.intake = Intake(tools=self._tools, access=self._access, lane=lane, limits=limits)
        self.notices = crier_of(self._tools, self.settings, post, environment)
        try:
            if is_checked:
                check_invariants(self._home.store)
            if is_pinned:
                self.intake.open_lane(lane)
            notice_restored(self._tools)
        except BaseException:
            self._home.close()
            raise

    def enqueue(
        self,
        requests: Iterable[Mapping[str, object]],
        *,
        name: str = "requests",
        betas: Iterable[str] = (),
        cache: CachePolicy | str | None = None,
        allow_unknown_price: bool = False,
        budget: str | float | None = None,
        tags: Iterable[str] = (),
        owner: str = "",
        budget_mode: str | None = None,
        leaders: bool = False,
        by: str | datetime | None = None,
        within: str | timedelta | None = None,
        urgency: str | None = None,
        rescue: str | float | None = None,
        new: bool = False,
    ) -> Run:
        """Keep requests durably; nothing is sent until `drain`.

        The same requests give the run that was made of them before, in whatever state it is: a
        program that died can begin again. Budget, deadline and urgency are then those named now.

        Args:
            requests: The article's list: `{"custom_id": …, "params": {…}}` each.
            name: What to call the run.
            betas: Beta names, for all of them.
            cache: Where cache marks are added: `auto` where they are expected to save, `always`
                wherever requests share enough, `off` nowhere.
            allow_unknown_price: Whether a model may be sent of which no price is known.
            budget: The most that the run may cost, in US dollars, such as `"5.00"`.
            tags: Words for what the run is for; each may have a budget.
            owner: One word for whoever pays.
            budget_mode: `worst` reserves all that a batch can cost, `expected` what is likely.
            leaders: Whether one request of each shared beginning goes first where that saves, and
                the others when these have ended.
            by: When the answers have to be there: a local time such as `"07:00"`, a day and a time,
                `"2026-11-24T07:00"`, or a datetime.
            within: The same as a span from now, such as `"6h"`, or a timedelta.
            urgency: `soon` for the next batch, `window` for the lane's next window.
            rescue: The most that may be spent, in US dollars, on asking sync for what would be
                late.
            new: Make a new run of them, and ask and pay again.

        Raises:
            InputFaults: A request that a batch would refuse, or a custom_id that stands twice.
            InputError: A tag or the owner is no word, or the budget no amount.
        """
        usual = self.defaults
        mode = budget_mode or usual.budget_mode
        options = RunOptions(
            source=text("name", name),
            betas=betas_of(betas),
            cache=one_of("cache", cache or usual.cache or CachePolicy.AUTO, CachePolicy),
            leaders=leaders,
            billing=billing_of(
                budget, several("tags", tags) or usual.tags, owner or usual.owner, mode
            ),
            timing=self.intake.timing(by=by, within=within, urgency=urgency, rescue=rescue),
            allow_unknown_price=allow_unknown_price,
            new=new,
        )
        return self.intake.enqueue(requests, options)

    def submit(
        self,
        body: Body,
        *,
        key: str | None = None,
        urgency: str | None = None,
        by: str | datetime | None = None,
        within: str | timedelta | None = None,
        rescue: str | float | None = None,
        tags: Iterable[str] = (),
        owner: str = "",
        betas: Iterable[str] = (),
        kind: str = "",
        routed: bool = True,
        allow_unknown_price: bool = False,
    ) -> Ticket:
        """Keep one Messages request durably; gives the ticket for its answer.

        Args:
            body: A Messages body, as an object or as JSON.
            key: The caller's own name for it: the same key and body give the same ticket.
            urgency: `now`, `soon` or `window`; the lane's next window where nothing is said.
            by: When the answer has to be there: a local time such as `"07:00"`, a day and a time,
                `"2026-11-24T07:00"`, or a datetime.
            within: The same as a span from now, such as `"6h"`, or a timedelta.
            rescue: What may be spent on asking sync should a deadline be in danger, in US dollars.
            tags: Words for what it is for; each may have a budget.
            owner: One word for whoever pays.
            betas: Beta names.
            kind: One word for what sort of work it is; route rules look at it.
            routed: Whether the route rules are applied; they may give another model, lane or time.
            allow_unknown_price: Whether a model may be asked of which no price is known.

        Raises:
            InputError: It is no JSON object, or one of the words is wrong.
            InputFaults: A batch would refuse it.
            KeyConflict: The key was used before for another request.
        """
        options = TicketOptions(
            urgency=urgency,
            by=by,
            within=within,
            rescue=rescue,
            tags=several("tags", tags),
            owner=owner,
            betas=several("betas", betas),
            kind=kind,
            routed=routed,
            allow_unknown_price=allow_unknown_price,
        )
        return self.submit_many([body], options, keys=[key])[0]

    def submit_many(
        self,
        bodies: Iterable[Body],
        options: TicketOptions | None = None,
        *,
        keys: Iterable[str | None] | None = None,
        warned: Callable[[InputWarning], None] = lambda _warning: None,
    ) -> list[Ticket]:
        """Keep single requests durably, up to 500 in a commit; gives the ticket of each.

        Args:
            bodies: Messages bodies, as objects or as JSON.
            options: What they are to be besides, all of them.
            keys: The caller's own name for each; None where it has none.
            warned: Told of what may not have been meant, such as an unknown parameter.

        Raises:
            InputError: One of them is no JSON object, or a word of the options is wrong.
            InputFaults: A batch would refuse one of them; none is kept.
            KeyConflict: A key was used before for another request, or stands for two here; none is
                kept.
        """
        options = (options or TicketOptions()).over(self.defaults)
        models = self.intake.models(allow_unknown=options.allow_unknown_price)
        taken = submissions(self.intake.book, bodies, options, keys, models, warned)
        for lane in {one.lane for one in taken} - {self.lane}:
            self.intake.open_lane(lane)
        rows = submit_all(self._tools, taken, self.intake.pin)
        return [Ticket(self._wicket(row.lane), row.id) for row in rows]

    def ticket(self, ticket_id: str) -> Ticket:
        """A ticket by its id.

        Raises:
            NotFound: There is none of that name.
            LanePinned: It is of a lane that belongs to another upstream.
        """
        lane = lane_of(self._tools, ticket_id)
        self.intake.open_lane(lane)
        return Ticket(self._wicket(lane), ticket_id)

    def enqueue_routed(
        self, requests: Iterable[Mapping[str, object]], options: RunOptions
    ) -> list[Run]:
        """Keep requests durably under the route rules: a run for each way of travelling.

        Args:
            requests: The article's list; each may name its `kind` and `tags` beside its `params`.
            options: What is asked of all; `source` is what the runs are called.

        Raises:
            InputFaults: A request that a batch would refuse, or a custom_id that stands twice.
            ConfigError: A rule gives a model that is not known.
        """
        return self.intake.enqueue_routed(requests, options)

    def run(self, run_id: str, shown: Callable[[RunCount], None] = lambda _count: None) -> Finished:
        """Send a run, wait for all of it, and write its output.

        Args:
            run_id: The run.
            shown: Told how the run stands after every step.

        Raises:
            InDoubt: All that is left of it may have arrived or not, and only a person can say.
            Unreachable: The network is away, and nothing of it was sent.
            LaneStopped: The upstream refused in a way that only a person can clear.
            NothingChosen: Its canary is back, and nobody released the rest.
        """
        finished = None
        while finished is None:
            run = self.get(run_id)
            if not is_finished(self._tools, run):
                self._drive(run, shown)
                check_nothing_held(self._tools, run)
                delete_left(self._tools, run.lane)
            finished = finish(self._tools, self.get(run_id))
        self.notices.tell()
        return finished

    def drain(
        self,
        *,
        collect_only: bool = False,
        now: bool = False,
        all_lanes: bool = False,
        finished: Callable[[Finished], None] = lambda _finished: None,
    ) -> Drained:
        """Do one pass: send what is due, collect what ended, retry; wait for nothing.

        Args:
            collect_only: Release no first attempts.
            now: Release all that waits, whatever the lane's window.
            all_lanes: Serve every lane that can be reached from here, and not only this one.
            finished: Told of each run that the pass finished, also of a pass that raises.

        Raises:
            LaneStopped: Nothing is sent in the lane; what is upstream was still collected.
        """
        served = self.served(with_key=True) if all_lanes else Served((self.lane,), {})
        allowance = allowed(collect_only=collect_only, now=now)
        done = one_pass(self._tools, served.lanes, allowance, finished, self.notices.tell)
        return Drained(done, served.passed_over)

    def served(self, *, with_key: bool = False) -> Served:
        """The lanes that can be served from here, and why the others cannot."""
        return served_lanes(self._tools, self._access, with_key=with_key)

    def has_credential(self) -> bool:
        """Whether the lane has something to speak with; it is not looked at."""
        return self._access.has_credential(self._tools.lane_terms(self.lane))

    def require_credential(self) -> None:
        """Make sure of that, before anything is released in vain.

        Raises:
            KeyMissing: There is nothing.
        """
        self._access.require_credential(self._tools.lane_terms(self.lane))

    def require_lane(self, name: str | None = None) -> None:
        """Make sure that there is a lane: the usual one, one of the file, or one with work.

        Args:
            name: The lane; this one if None.

        Raises:
            NotFound: There is none of that name.
        """
        with self._tools.store.read() as tx:
            kept = [row.name for row in lanes_all(tx)]
        require_lane([*self.settings.lanes, *kept], name or self.lane)

    def prune(
        self,
        older_than: timedelta | None = None,
        *,
        runs: Collection[str] = (),
        dry_run: bool = False,
    ) -> Pruned:
        """Remove the stored prompts and answers of runs that are over; counts and costs stay.

        Args:
            older_than: How long ago they were finished; as `[retention]` says if None.
            runs: These runs alone, however old they are.
            dry_run: Whether nothing is removed, and only told.

        Raises:
            NothingChosen: Nobody says how old, nor which.
            InputError: A named run is under way, or shares its texts with one that is not named.
        """
        before = self._clock.now() - age_of(self.settings.retention, older_than, runs)
        step = prunable if dry_run else prune
        return step(self._tools, before=before, named=several("runs", runs))

    def lanes(self, named: Sequence[str] = ()) -> tuple[str, ...]:
        """The lanes that are named; every lane that can be reached from here if none is.

        Raises:
            NotFound: There is none of a name.
        """
        chosen = several("lanes", named)
        for name in set(chosen) - {self.lane}:
            self.require_lane(name)
        return chosen or self.served().lanes

    def work(
        self,
        lanes: Sequence[str] = (),
        *,
        until: float = float("inf"),
        stop: Callable[[], bool] = lambda: False,
        nap: float = 60.0,
        threads: int = 1,
        pulse: Pulse | None = None,
        finished: Callable[[Finished], None] = lambda _finished: None,
    ) -> None:
        """Do what is due, one step in each lane in turn, until told to end.

        What fails is told as an event and tried again later; nothing of it ends the loop.

        Args:
            lanes: Their names; every lane that can be reached from here if none is named.
            until: POSIX seconds at which to end.
            stop: Asked between steps, and while one moves bytes, whether to end.
            nap: The longest sleep: what other processes enqueue is seen after it.
            threads: How many steps are done at once.
            pulse: Where the loop notes how it is.
            finished: Told of each run that was finished.

        Raises:
            NotFound: There is no lane of a name.
            LanePinned: A lane that is named belongs to another upstream.
        """
        for lane in self.lanes(lanes) if lanes else ():
            open_lane(self._tools, self._access, lane)
        shift = Shift(
            lanes=lambda: self.lanes(lanes),
            stop=stop,
            until=until,
            nap=nap,
            threads=threads,
            finished=finished,
            tell=self.notices.tell,
            tell_again=partial(self.notices.tell, anew=False),
        )
        work(self._tools, shift, pulse or Pulse())

    def note_restored(self) -> Restored:
        """Look at Anthropic, in every lane, for what the store believes unsent, before it is sent.

        That is for a home that was restored whole from a backup: nothing in it tells that it is
        old. A store that is older than the files beside it is noticed when it is opened.
        """
        return note_restored(self._tools)

    def resume(self) -> Resumed:
        """Open the lane after it was stopped; the next `drain` or `run` sends what waits."""
        return resume_lane(self._tools, self.lane)

    def release(self, run_id: str) -> Released:
        """Let the rest of a run go that waits for its canary or for its leaders.

        Raises:
            NotFound: There is no run of that name.
        """
        return release_run(self._tools, self.get(run_id))

    def canary(
        self, run_id: str, shown: Callable[[RunCount], None] = lambda _count: None
    ) -> Canary:
        """Send a run's first requests alone, wait for them, and give what came of them.

        Raises:
            InputError: The run has no canary, or its rest was released.
            InDoubt: All that is left of it is in doubt.
            Unreachable: The network is away, and nothing of it was sent.
            LaneStopped: The upstream refused in a way that only a person can clear.
        """
        run = self.get(run_id)
        check_canary(self._tools, run)
        self._drive(run, shown)
        return look_at_canary(self._tools, run)

    def pack_check(
        self, run_id: str, shown: Callable[[RunCount], None] = lambda _count: None
    ) -> PackCheck:
        """Ask a run's first rows in packs and alone, wait for both, and compare them.

        Raises:
            InputError: Nothing of the run waits for that.
            InDoubt: All that is left of it is in doubt.
            Unreachable: The network is away, and nothing of it was sent.
            LaneStopped: The upstream refused in a way that only a person can clear.
        """
        run = self.get(run_id)
        check_has_pack_check(self._tools, run)
        self._drive(run, shown)
        return look_at_check(self._tools, self.get(run_id))

    def results(self, run: Run | str) -> Iterator[Result]:
        """Every request of a run with its caller's custom_id and the whole message."""
        return results(self._tools, self.get(run if isinstance(run, str) else run.id))

    def write(self, run_id: str, output: str, *, force: bool = False) -> Written:
        """Write a finished run's answers to a path.

        Raises:
            InputError: It is not finished, or the path does not fit its answers.
            OutputBlocked: The path is not ours to write.
        """
        run = self._finished(run_id)
        path = path_for(self._tools, run, output, force=force)
        return write_output(self._tools, run, path)[0]

    def output_state(self, run_id: str, output: str) -> FileState:
        """What a path holds where a run wrote its answers before.

        Raises:
            NotFound: There is no run of that name.
        """
        return output_state(self._tools, self.get(run_id), output)

    def write_results(self, run_id: str, file: BinaryIO) -> int:
        """Write a finished list's results into an open file; gives how many there are.

        Raises:
            InputError: It is not finished, or it is a table's.
        """
        return stream_results(self._tools, self._finished(run_id), file)

    def receipt(self, run_id: str) -> Receipt:
        """What a finished run cost and saved."""
        return receipt(self._tools, self.get(run_id))

    def savings(
        self,
        by: str = By.RUN,
        *,
        since: str | None = None,
        until: str | None = None,
        run: str | None = None,
        lane: str | None = None,
    ) -> SavingsReport:
        """What was spent and saved, in groups and in all, over every lane of the home.

        Args:
            by: `run`, `day`, `lane`, `model`, `tag` or `owner`.
            since: The first day, as YYYY-MM-DD.
            until: The last day.
            run: This run alone.
            lane: This lane alone.

        Raises:
            NotFound: There is no run or no lane of that name.
            InputError: It cannot be grouped so, or a day is none.
        """
        if lane is not None and lane != self.lane:
            self.require_lane(lane)
        choice = Choice(
            by=one_of("by", by, By),
            since=day("since", since),
            until=day("until", until),
            run=run,
            lane=lane,
        )
        return savings(self._tools, choice)

    def is_finished(self, run_id: str) -> bool:
        """Whether every request of a run ended.

        Raises:
            NotFound: There is no run of that name.
        """
        return is_finished(self._tools, self.get(run_id))

    def get(self, run_id: str) -> Run:
        """One run.

        Raises:
            NotFound: There is none of that name.
        """
        with self._tools.store.read() as tx:
            return run_get(tx, run_id)

    def status(self, run_id: str | None = None) -> tuple[LaneStanding, list[RunStanding]]:
        """How the lane stands, and its runs, or one of them."""
        return stand(self._tools, self.lane, run_id)

    def stands(self, *, all_lanes: bool) -> list[tuple[LaneStanding, list[RunStanding]]]:
        """How lanes stand, with their runs: every one that can be served from here, or this one."""
        names = self.served().lanes if all_lanes else (self.lane,)
        return [stand(self._tools, name, None) for name in names]

    def request(self, name: str) -> RequestStanding:
        """One request by its id, as the column `request_id` has it.

        Raises:
            NotFound: There is none of that name.
        """
        return find_request(self._tools, name)

    def failed(self, run_id: str, *, limit: int = 50) -> Failures:
        """The requests of a run that are not ok, those that wait for a retry among them.

        Args:
            run_id: The run.
            limit: How many to tell about; all are counted.
        """
        return failures(self._tools, self.get(run_id), limit)

    def choose_failed(
        self, run_id: str, *, only: Iterable[str] = (), where: str | None = None
    ) -> Chosen:
        """The failed requests of a run that can be sent again, and what they will be.

        Args:
            run_id: The run.
            only: Names of outcomes; all that are not ok if empty.
            where: An expression over input columns, `outcome` and `attempts`.

        Raises:
            InputError: A name is no outcome, or the expression is broken.
            OutputBlocked: Somebody worked in the run's output, which would be written again.
        """
        run = self.get(run_id)
        spec = read_spec(self._tools, run)
        chosen = choose(self._tools, run, spec, outcomes_named(several("only", only)), where)
        if chosen.count:
            check_unchanged(self._tools, run)
        return chosen

    def send_again(self, chosen: Chosen) -> int:
        """Let chosen requests travel with the next `drain` or `run`; gives how many will."""
        return send_again(self._tools, chosen)

    def retry(self, run_id: str, *, only: Iterable[str] = (), where: str | None = None) -> int:
        """Send failed requests again, with the next `drain` or `run`; gives how many will be.

        Cut, paused and invalid answers go with the change that the policy names, also where it
        gave them up. Takes what `choose_failed` takes.
        """
        return self.send_again(self.choose_failed(run_id, only=only, where=where))

    def adopt(self, upstream_id: str, source: str | None = None) -> Adopted:
        """Take over a batch that is at Anthropic and that this queue does not know.

        Args:
            upstream_id: Its id, `msgbatch_…`.
            source: The list of requests that it was made of, if it was made elsewhere. Results
                are matched by custom_id; what failed or is not in the batch is retried as usual.

        Raises:
            NotFound: There is no such batch in the workspace.
            InputError: It is known already, has not ended, or its list cannot be used.
        """
        return adopt_batch(self.intake, upstream_id, source)

    def verify(self, run_id: str | None = None) -> Verification:
        """Recompute every count, outcome and cent from stored bytes, and say what differs.

        Args:
            run_id: The run to verify; all of the lane if None.

        Raises:
            NotFound: There is none of that name.
        """
        return verify(self._tools, self.lane, run_id)

    def set_budget(self, scope: str, amount: str | float) -> Budget:
        """Limit what a scope may cost from now on, or change its limit.

        Args:
            scope: `lane:NAME`, `tag:WORD`, `owner:WORD`, `run:ID`, or `day` for each local day.
            amount: US dollars, such as `"5.00"`.

        Raises:
            InputError: There is no such scope, or it is no amount.
            NotFound: There is no such run or lane.
            ConfigError: It is a lane's, and `backburner.toml` names it.
        """
        kind, _, name = scope_of(scope).partition(":")
        if kind == "lane" and name != self.lane:
            self.require_lane(name)
        return set_budget(self._tools, scope, amount_of(str(amount)))

    def remove_budget(self, scope: str) -> None:
        """Lift a limit.

        Raises:
            NotFound: The scope has none.
            ConfigError: It is a lane's, and `backburner.toml` names it.
        """
        remove_budget(self._tools, scope_of(scope))

    def budgets(self) -> list[BudgetStanding]:
        """Every budget, with what is reserved and spent, and how many requests wait for it."""
        return budgets(self._tools)

    def cancel(self, run_id: str) -> Canceled:
        """Cancel a run: what was not sent ends at once, what is upstream is asked to stop."""
        return cancel_run(self._tools, self.get(run_id))

    def close(self) -> None:
        """Give back what the process holds."""
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def defaults(self) -> LaneDefaults:
        """What holds in the lane where nobody says otherwise."""
        return self._tools.lane_terms(self.lane).defaults

    @property
    def tools(self) -> Tools:
        """What a worker of this home works with."""
        return self._tools

    def _wicket(self, lane: str) -> Wicket:
        worker = Worker(self._tools, (lane,))
        return Wicket(tools=self._tools, lane=lane, worker=worker, watching=self._watching)

    @contextmanager
    def _watching(self) -> Iterator[Outage]:
        """Counts failed calls, for as long as somebody waits."""
        outage = Outage()
        self._listeners.append(outage.listen)
        try:
            yield outage
        finally:
            self._listeners.remove(outage.listen)

    def _finished(self, run_id: str) -> Run:
        run = self.get(run_id)
        if not is_finished(self._tools, run):
            raise InputError(
                f"the run {run_id} is not finished",
                hint="`backburner drain` sends and collects; `backburner status` tells how it is",
            )
        return run

    def _drive(self, run: Run, shown: Callable[[RunCount], None]) -> None:
        worker = Worker(self._tools, (run.lane,))
        with self._watching() as outage:
            wake(self._tools, worker, run.lane)
            drive(self._tools, worker, run, outage, shown)
            hand_over(self._tools, (run.lane,))

    def _emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)


def _folder(home: Path | str | Home | None) -> Path | None:
    if isinstance(home, Home):
        return home.path
    return Path(home) if home is not None else None
