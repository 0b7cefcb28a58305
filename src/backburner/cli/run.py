"""`backburner run`: plan, ask, send, wait, write, account."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from backburner.cli import options
from backburner.cli.choosing import is_wanted
from backburner.cli.input_options import takes_run
from backburner.cli.options import STDIN, Wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.words import either, many
from backburner.errors import BackburnerError
from backburner.nouns.urgency import Urgency

if TYPE_CHECKING:
    from backburner.cli.progress import Progress
    from backburner.client import Backburner
    from backburner.client.finishing import Finished
    from backburner.client.preparing import Found, Fresh
    from backburner.client.routed_runs import Prepared
    from backburner.client.standing import RunStanding
    from backburner.nouns.run import Run
    from backburner.telemetry import Event, Listener

ALL_OK: Final = 0
NOT_ALL_OK: Final = 3
STOPPED: Final = 130

_DEMO_NAMES: Final = {
    "upstream": "the emulator",
    "outlook": "here they end within seconds; on the real API most do within an hour",
}

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that somebody wants done now.

    Attributes:
        is_demo: Whether it is a demonstration, which ends with this call.
    """

    wanted: Wanted
    yes: bool
    home: Path | None
    lane: str
    batch_size: int | None = None
    is_demo: bool = False


@takes_run
def run(
    context: typer.Context,
    *,
    wanted: Wanted,
    yes: Yes = False,
    batch_size: options.BatchSize = None,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Send a table or a list, wait, and write the answers.

    Shows what it will do and cost, and asks. Ctrl-C leaves it to go on by itself; the same
    command again takes it up where it is.
    """
    job = Job(wanted=wanted, yes=yes, home=home, lane=lane, batch_size=batch_size)
    return perform(session_of(context), Page(as_json=json), job)


def perform(session: Session, page: Page, job: Job) -> int:
    """Do a job from its plan to its receipt; gives the exit code."""
    from backburner.cli.stopping import PatientClock  # noqa: PLC0415  # not for --help
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    job.wanted.check()
    options.check_stdin(job.wanted, yes=job.yes)
    clock = PatientClock(session.clock or StoreClock())
    return _Performance(session.with_clock(clock), page, job, clock).run()


class _Performance:
    """One job under way."""

    def __init__(self, session: Session, page: Page, job: Job, clock: Any) -> None:
        self._session = session
        self._page = page
        self._job = job
        self._clock = clock
        self._listener: Listener | None = None
        self._chosen: str | None = None
        self._json: dict[str, Any] = {}
        self._told: list[dict[str, Any]] = []

    def run(self) -> int:
        limits = options.pack_limits(self._job.batch_size)
        with self._session.open(
            self._job.home,
            self._job.lane,
            limits=limits,
            listener=self._listen,
            takes_in=True,
        ) as backburner:
            try:
                runs = self._begin(backburner)
            except KeyboardInterrupt:
                self._page.line()
                self._page.line("Stopped before anything was sent.")
                return STOPPED
            if not runs:
                return STOPPED
            code = self._follow_all(backburner, runs)
        self._page.finish(self._told[0] if len(self._told) == 1 else {"runs": self._told})
        return code

    def _listen(self, event: "Event") -> None:
        if self._listener is not None:
            self._listener(event)

    def _begin(self, backburner: "Backburner") -> "list[tuple[Run, str | None]]":
        """The runs to follow and their outputs: resumed, or planned and agreed to."""
        from backburner.cli.enqueue import asked_options  # noqa: PLC0415  # as above
        from backburner.cli.progress import Elapsed  # noqa: PLC0415  # not for --help
        from backburner.client.preparing import Found  # noqa: PLC0415  # as above

        wanted = self._job.wanted.over(backburner.defaults)
        self._job = replace(self._job, wanted=wanted)
        asked, stdin = asked_options(self._session, self._page, backburner, wanted)
        self._chosen = None if asked.model == (wanted.model or "") else asked.model
        with self._page.live(Elapsed(f"reading {wanted.source}", self._clock)):
            prepared = backburner.intake.prepare_routed(asked, stdin)
        if len(prepared) > 1:
            return self._start_all(backburner, prepared)
        [only] = prepared
        run = (
            self._resume(backburner, only.run)
            if isinstance(only.run, Found)
            else self._start(backburner, only.run)
        )
        return [] if run is None else [(run, only.output)]

    def _start_all(
        self, backburner: "Backburner", prepared: "Sequence[Prepared]"
    ) -> "list[tuple[Run, str | None]]":
        """The runs that route rules made of one list, agreed to together."""
        from backburner.cli.planning import plan_facts  # noqa: PLC0415  # not for --help
        from backburner.cli.resuming import resumed_in_words  # noqa: PLC0415  # as above
        from backburner.client.preparing import Found, Fresh  # noqa: PLC0415  # as above

        page, has_key = self._page, backburner.has_credential()
        fresh = [one.run for one in prepared if isinstance(one.run, Fresh)]
        try:
            for one in prepared:
                if isinstance(one.run, Found):
                    [standing] = backburner.status(one.run.run.id)[1]
                    page.line(resumed_in_words(standing, self._clock.now()))
                else:
                    own = replace(self._job.wanted, output=one.output)
                    page.facts(plan_facts(own, one.run, backburner, has_key=has_key))
                page.line()
            count = sum(one.staged.run.fresh for one in fresh)
            question = f"Send {many(count, 'request')} in {many(len(fresh), 'run')}?"
            asked = question if has_key else "Keep them?"
            agreed = not fresh or is_wanted(self._session, page, asked, yes=self._job.yes)
        except BaseException:
            self._throw_away(backburner, fresh)
            raise
        if not agreed:
            self._throw_away(backburner, fresh)
            page.line("Nothing was sent, and nothing is kept.")
            return []
        for each in fresh:
            run = backburner.intake.commit(each.staged)
            page.line(f"run {run.id}: {many(run.requests, 'request')} kept")
        return [
            (one.run.run if isinstance(one.run, Found) else one.run.staged.run, one.output)
            for one in prepared
        ]

    def _throw_away(self, backburner: "Backburner", fresh: "Sequence[Fresh]") -> None:
        for one in fresh:
            backburner.intake.throw_away(one.staged)

    def _follow_all(self, backburner: "Backburner", runs: "list[tuple[Run, str | None]]") -> int:
        """Follow each run to its end; the first exit code that is not good is that of all."""
        codes, plan = [], self._json
        wanted = self._job.wanted
        for run, output in sorted(runs, key=lambda one: one[0].urgency != Urgency.NOW):
            self._json = dict(plan)
            self._job = replace(self._job, wanted=replace(wanted, output=output))
            codes.append(self._follow(backburner, run))
            if codes[-1] == STOPPED:
                break
        return next(filter(None, codes), ALL_OK)

    def _start(self, backburner: "Backburner", fresh: "Fresh") -> "Run | None":
        from backburner.cli.plan_json import plan_json  # noqa: PLC0415  # as above
        from backburner.cli.planning import plan_facts  # noqa: PLC0415  # as above

        page, run = self._page, fresh.staged.run
        has_key = backburner.has_credential()
        try:
            page.facts(plan_facts(self._job.wanted, fresh, backburner, has_key=has_key))
            self._json["plan"] = plan_json(fresh, backburner)
            page.line()
            is_sent = has_key and run.fresh > 0
            question = f"Send {many(run.fresh, 'request')}?" if is_sent else "Keep it?"
            agreed = is_wanted(self._session, page, question, yes=self._job.yes)
        except BaseException:
            backburner.intake.throw_away(fresh.staged)
            raise
        if not agreed:
            backburner.intake.throw_away(fresh.staged)
            page.line("Nothing was sent, and nothing is kept.")
            return None
        backburner.intake.commit(fresh.staged)
        page.line(f"run {run.id}: {many(run.requests, 'request')} kept")
        return run

    def _resume(self, backburner: "Backburner", found: "Found") -> "Run | None":
        from backburner.cli.resuming import is_unsent, resumed_in_words  # noqa: PLC0415  # as above

        page, run = self._page, found.run
        [standing] = backburner.status(run.id)[1]
        page.line(resumed_in_words(standing, self._clock.now()))
        self._json["resumed"] = True
        if self._job.wanted.canary and not standing.canary:
            page.line("it was kept without a canary, or its rest was released before")
        if is_unsent(standing) and not is_wanted(
            self._session, page, f"Send {many(run.requests, 'request')}?", yes=self._job.yes
        ):
            page.line(f"Nothing was sent. `backburner cancel {run.id}` drops it.")
            return None
        return run

    def _follow(self, backburner: "Backburner", run: "Run") -> int:
        """Send, wait and write; a wish to stop leaves the run as it is."""
        from backburner.cli.progress import Progress  # noqa: PLC0415  # not for --help
        from backburner.cli.stopping import Stopped  # noqa: PLC0415  # as above
        from backburner.client.expecting import eta_of_run  # noqa: PLC0415  # not for --help

        [standing] = backburner.status(run.id)[1]
        names = _DEMO_NAMES if self._job.is_demo else {}
        progress = Progress(
            self._page,
            self._clock,
            standing,
            eta=lambda: eta_of_run(backburner.tools, run.id),
            **names,
        )
        self._listener = progress.listen
        try:
            if not standing.count.is_finished:
                backburner.require_credential()
            code = self._send_canary(backburner, run, standing, progress)
            if code is not None:
                return code
            with self._clock.listening(), self._page.live(progress):
                finished = backburner.run(run.id, progress.shown)
        except Stopped as stopped:
            return self._detach(run, stopped.exit_code)
        except KeyboardInterrupt:
            return self._detach(run, STOPPED)
        except BackburnerError as error:
            again = "`backburner drain`" if self._job.wanted.source == STDIN else "the same command"
            error.add_note(f"the run {run.id} is kept; {again} goes on with it")
            raise
        return self._end(backburner, run, finished)

    def _send_canary(
        self, backburner: "Backburner", run: "Run", standing: "RunStanding", progress: "Progress"
    ) -> int | None:
        """Send a run's canary, and let the rest go if it may; the exit code if it may not."""
        from backburner.cli.canary import (  # noqa: PLC0415  # not for --help
            canary_json,
            may_go_on,
            show_canary,
            show_held,
        )

        if not standing.canary:
            return None
        if run.packed:
            return self._send_pack_check(backburner, run, progress)
        with self._clock.listening(), self._page.live(progress):
            canary = backburner.canary(run.id, progress.shown)
        if not canary.held:
            return None
        page = self._page
        show_canary(page, canary)
        self._json["canary"] = canary_json(canary)
        if may_go_on(self._session, page, canary, yes=self._job.yes):
            backburner.release(run.id)
            return None
        show_held(page, canary)
        self._told.append({"run": run.id, **self._json})
        return STOPPED if canary.is_all_ok else NOT_ALL_OK

    def _send_pack_check(
        self, backburner: "Backburner", run: "Run", progress: "Progress"
    ) -> int | None:
        """Send the rows that are asked both ways; the exit code if the rest may not go."""
        from backburner.cli.pack_check import (  # noqa: PLC0415  # not for --help
            check_json,
            may_go_on,
            show_check,
        )

        with self._clock.listening(), self._page.live(progress):
            check = backburner.pack_check(run.id, progress.shown)
        if not check.held:
            return None
        page = self._page
        show_check(page, check)
        self._json["pack_check"] = check_json(check)
        if may_go_on(self._session, page, check, yes=self._job.yes):
            backburner.release(run.id)
            return None
        page.line()
        are = either(check.held, "is", "are")
        page.line(f"The other {many(check.held, 'request')} {are} held.")
        page.facts(
            [
                ("send them", f"backburner release {run.id}"),
                ("drop them", f"backburner cancel {run.id}"),
            ]
        )
        self._told.append({"run": run.id, **self._json})
        return STOPPED if check.is_all_equal else NOT_ALL_OK

    def _detach(self, run: "Run", exit_code: int) -> int:
        again = resume_command(self._session.arguments, self._job.wanted, self._chosen)
        page = self._page
        page.line()
        if self._job.is_demo:
            page.line("Stopped.")
            return exit_code
        page.line(f"Detached from run {run.id}. What was sent goes on, and nothing was canceled.")
        page.facts([("go on", again), ("look", f"backburner status {run.id}")])
        self._told.append({"run": run.id, "detached": True, "resume": again})
        return exit_code

    def _end(self, backburner: "Backburner", run: "Run", finished: "Finished") -> int:
        from backburner.cli.ending import ending_json, show_ending, written_where  # noqa: PLC0415

        placed = written_where(backburner, run, finished, self._job.wanted)
        show_ending(self._page, finished.receipt, placed)
        self._json |= ending_json(backburner, run, finished.receipt, placed)
        self._told.append(self._json)
        all_ok = set(finished.receipt.outcomes) <= {"ok"}
        return ALL_OK if all_ok else NOT_ALL_OK


def resume_command(arguments: Sequence[str], wanted: Wanted, chosen: str | None) -> str:
    """What goes on with a run: the same words, but for `--new`, which would start over.

    Args:
        arguments: The words after `backburner`.
        wanted: What they say.
        chosen: The model that a person picked when asked.
    """
    if wanted.source == STDIN:
        return "backburner drain"
    words = [word for word in arguments if word != "--new"]
    return shlex.join(["backburner", *words, *(("--model", chosen) if chosen else ())])
