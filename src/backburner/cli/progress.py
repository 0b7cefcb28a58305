"""What is told while a run is under way: a line for each event, and a picture on a terminal."""

from collections import Counter
from typing import TYPE_CHECKING, Final

from backburner.cli.deadlines import eta_in_words
from backburner.cli.output import Page
from backburner.cli.stopping import PatientClock
from backburner.cli.words import either, local, many, outcomes, size, when
from backburner.nouns.batch import BatchState
from backburner.nouns.fault import FaultKind
from backburner.nouns.money import Money
from backburner.nouns.spans import in_words as span
from backburner.plan.eta import slept
from backburner.telemetry import (
    BatchCanceled,
    BatchCollected,
    BatchDeleted,
    BatchDoubted,
    BatchEnded,
    BatchFollows,
    BatchHalved,
    BatchResolved,
    BatchSent,
    BudgetHeld,
    CallsDoubted,
    DeadlineMissed,
    DuplicateFound,
    Event,
    FaultSeen,
    NoticeDelivered,
    NoticeFailed,
    RescueShort,
    RescueStarted,
    ResultsExpiring,
    RetriesSealed,
    RunFinished,
    RunPruned,
    StepFailed,
    StopSeen,
    TicketsSealed,
    WindowMissed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import ConsoleRenderable

    from backburner.client.standing import RunStanding
    from backburner.plan.eta import Eta
    from backburner.runs.counting import RunCount

_DAY: Final = 86400.0
_ETA_EVERY: Final = 10.0
_BATCH_WORDS: Final = {
    BatchState.SEALED: "waiting",
    BatchState.HELD: "held",
    BatchState.RELEASED: "about to be sent",
    BatchState.ARMED: "being sent",
    BatchState.UNKNOWN: "in doubt",
    BatchState.SENT: "with Anthropic",
    BatchState.ENDED: "being collected",
    BatchState.DONE: "back",
}


def batches_in_words(counts: "dict[BatchState, int]", away: str = "with Anthropic") -> str:
    """Batches by state: `4 batches: 3 back, 1 with Anthropic`."""
    names = _BATCH_WORDS | {BatchState.SENT: away}
    parts = [f"{counts[state]} {words}" for state, words in names.items() if state in counts]
    return f"{many(sum(counts.values()), 'batch')}: {', '.join(parts)}"


def event_in_words(event: Event) -> str:  # noqa: C901, PLR0912  # one short case for each event
    """What an event says to a person; empty where it says nothing new."""
    words = ""
    match event:
        case BudgetHeld():
            words = _held_in_words(event)
        case DeadlineMissed():
            words = f"the deadline of run {event.run} was missed: {event.cause}"
        case BatchSent():
            what = many(event.requests, "request")
            words = f"sent {what} ({size(event.body_bytes)}) as {event.upstream_id}"
        case BatchCollected():
            words = f"collected {many(event.requests, 'request')}: {_collected(event)}"
        case BatchDoubted():
            words = f"in doubt: whether {many(event.requests, 'request')} arrived is not known yet"
        case BatchResolved():
            words = _resolved_in_words(event)
        case CallsDoubted():
            words = (
                f"no answer came to {many(event.requests, 'direct call')}; they may have been paid"
            )
        case DuplicateFound():
            words = (
                f"{event.upstream_id} was accepted although it had been sent again: {_dear(event)}"
            )
        case BatchCanceled():
            words = f"asked Anthropic to cancel {event.upstream_id}"
        case BatchFollows():
            words = f"{many(event.requests, 'request')} may follow what went first"
        case WindowMissed():
            go = either(event.requests, "goes", "go")
            words = f"a window was missed: {many(event.requests, 'request')} {go} now instead"
        case BatchHalved():
            words = f"made two batches of {event.requests + event.rest:,} requests"
        case TicketsSealed():
            words = f"sealed {many(event.requests, 'request')} of the inbox as run {event.run}"
        case RescueStarted() | RescueShort():
            words = _rescue_in_words(event)
        case RetriesSealed():
            words = f"retrying {many(event.requests, 'request')}"
        case FaultSeen():
            words = _fault_in_words(event)
        case StepFailed() | StopSeen():
            words = _failed_in_words(event)
        case ResultsExpiring():
            until = f"{local(event.expires_at):%Y-%m-%d %H:%M}"
            words = f"the results of {event.upstream_id} can be had until {until} only"
        case BatchDeleted():
            words = f"deleted {event.upstream_id}, since its results are here"
        case RunPruned():
            words = f"pruned the texts of run {event.run}"
        case NoticeFailed():
            words = _notice_in_words(event)
        case BatchEnded() | RunFinished() | NoticeDelivered():
            pass
    return words


def _collected(event: BatchCollected) -> str:
    told = outcomes({str(name): count for name, count in event.outcomes.items()})
    return f"{told}; {event.retries:,} to be tried again" if event.retries else told


def _failed_in_words(event: StepFailed | StopSeen) -> str:
    if isinstance(event, StopSeen):
        resume = f"`backburner resume {event.lane}`"
        return f"the lane {event.lane} is stopped: {event.reason}, then {resume}"
    message = event.message or f"a step failed in a way it should not: {event.error}"
    hint = f"; {event.hint}" if event.hint else ""
    return f"{event.what}: {message}{hint} (tried again in {span(event.wait)})"


def _notice_in_words(event: NoticeFailed) -> str:
    then = "given up" if event.wait is None else f"tried again in {span(event.wait)}"
    return f"the notice {event.id} did not reach {event.channel}: {event.failure} ({then})"


def _held_in_words(event: BudgetHeld) -> str:
    what = f"{many(event.requests, 'request')} in {many(event.batches, 'batch')}"
    if not event.scopes:
        return f"held {what}: nothing says the most that they can cost"
    return f"held {what}: more than is left of the budget {' and '.join(event.scopes)}"


def _rescue_in_words(event: RescueStarted | RescueShort) -> str:
    what = many(event.requests, "request")
    match event:
        case RescueStarted():
            return f"recalling {what} to ask directly for what is not back, so that it is in time"
        case RescueShort(needed=None):
            return f"{what} will be late: nothing says the most that they can cost when asked now"
        case RescueShort(needed=needed, left=left):
            most, rest = Money(picodollars=needed or 0).show(), Money(picodollars=left).show()
            return f"{what} will be late: asked now they can cost {most}, and {rest} may be spent"


def _resolved_in_words(event: BatchResolved) -> str:
    what = many(event.requests, "request")
    match event.how:
        case "adopted":
            return f"no longer in doubt: {what} arrived, as {event.upstream_id}"
        case "absent":
            return f"no longer in doubt: {what} never arrived, and are sent again"
        case "hedged":
            return f"still in doubt: {what} are sent again all the same, and may be paid twice"


def _dear(event: DuplicateFound) -> str:
    if event.paid is None:
        return "paid twice, at an unknown price"
    return f"{Money(picodollars=event.paid).show()} paid twice"


def _fault_in_words(event: FaultSeen) -> str:
    fault = event.fault
    match fault.kind:
        case FaultKind.THROTTLED:
            return f"Anthropic takes no more for now ({fault.what}): trying again later"
        case FaultKind.STOP | FaultKind.REFUSED:
            return ""
        case FaultKind.ABSENT | FaultKind.UNREACHED:
            return f"the call {event.call} failed ({fault.what}): trying again"
        case FaultKind.DOUBT:
            return f"the call {event.call} brought no certain answer ({fault.what})"


class Elapsed:
    """Words about something that cannot tell how far it is, and how long it has been at it."""

    def __init__(self, words: str, clock: PatientClock) -> None:
        self._words = words
        self._clock = clock
        self._start = clock.now()

    def __rich__(self) -> str:
        """The words, anew each time."""
        return f"{self._words}, {span(self._clock.now() - self._start)}"


class Progress:
    """Follows one run through its events and counts.

    Args:
        page: Where lines go.
        clock: Tells the time, and whether we are about to stop.
        standing: How the run stood at first.
        upstream: Who has the batches.
        eta: Tells when they will be back.
        outlook: When they will be back; None says what is known of the real API.
    """

    def __init__(
        self,
        page: Page,
        clock: PatientClock,
        standing: "RunStanding",
        *,
        upstream: str = "Anthropic",
        outlook: str | None = None,
        eta: "Callable[[], Eta | None]" = lambda: None,
    ) -> None:
        self._page = page
        self._clock = clock
        self._run = standing.run.id
        self._count = standing.count
        self._sent_at = standing.sent_at
        self._latest_end = standing.latest_end
        self._away_words = f"with {upstream}"
        self._fixed_outlook = outlook
        self._ask_eta = eta
        self._eta = standing.eta
        self._eta_at = clock.now()
        self._seen = (clock.now(), clock.monotonic())
        self._told = ""

    def listen(self, event: Event) -> None:
        """Take an event in: one line."""
        if isinstance(event, BatchSent):
            now = self._clock.now()
            self._sent_at = self._sent_at or now
            self._latest_end = now + _DAY
        words = event_in_words(event)
        if words:
            self._line(words)

    def shown(self, count: "RunCount") -> None:
        """Take in how the run stands now; between steps, so a wish to stop is granted here."""
        self._count = count
        self._notice_sleep()
        self._look_ahead()
        state = self.state
        if state != self._told:
            self._told = state
            if not (count.batches.get(BatchState.SENT) or count.retrying):
                self._sent_at = None
            if state == self._away_words and not self._page.is_live:
                self._line(f"{state}: {many(self._away, 'batch')}; {self._outlook}")
        self._clock.stop_if_asked()

    def _notice_sleep(self) -> None:
        """Tell that the machine slept: its steady clock stood still, and the wall's went on."""
        now, steady = self._clock.now(), self._clock.monotonic()
        away = slept(now - self._seen[0], steady - self._seen[1])
        if away:
            self._line(f"this machine slept {span(away)}; now checking")
        self._seen = (now, steady)

    def _look_ahead(self) -> None:
        now = self._clock.now()
        if self._eta is None or now >= self._eta_at + _ETA_EVERY:
            self._eta, self._eta_at = self._ask_eta(), now

    @property
    def state(self) -> str:
        """The state of the run in a word or two."""
        states = Counter(self._count.batches)
        if self._count.is_finished:
            return "all back, writing the output"
        if states[BatchState.RELEASED] or states[BatchState.ARMED]:
            return "sending"
        if states[BatchState.ENDED]:
            return "collecting"
        if states[BatchState.SENT]:
            return self._away_words
        if self._count.retrying:
            return "retrying"
        return "in doubt" if states[BatchState.UNKNOWN] else "waiting"

    def __rich__(self) -> "ConsoleRenderable":
        """The picture, drawn anew each time."""
        from rich.table import Table  # noqa: PLC0415  # not needed for --help

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column()
        for label, value in self.picture():
            grid.add_row(label, value)
        return grid

    def picture(self) -> list[tuple[str, str]]:
        """Labels and values of the picture."""
        count = self._count
        told = outcomes({str(name): number for name, number in count.outcomes.items()})
        back = f"{count.ended:,} of {many(count.requests, 'request')} back"
        retries = f"; {count.retrying:,} to be tried again" if count.retrying else ""
        lines = [
            (f"run {self._run}", self._state_since()),
            ("", f"{back}{f': {told}' if told else ''}{retries}"),
            ("", batches_in_words(count.batches, self._away_words)),
        ]
        if self._clock.is_stopping:
            return [*lines, ("", "stopping after this step; Ctrl-C again stops at once")]
        return [*lines, ("", self._outlook)]

    def _state_since(self) -> str:
        state = self.state
        if self._sent_at is None or state not in (self._away_words, "retrying"):
            return state
        return f"{state}, sent {span(self._clock.now() - self._sent_at)} ago"

    @property
    def _away(self) -> int:
        return self._count.batches.get(BatchState.SENT, 0)

    @property
    def _outlook(self) -> str:
        if self._fixed_outlook is not None:
            return self._fixed_outlook
        now = self._clock.now()
        known = []
        if self._eta is not None:
            known.append(f"back in {eta_in_words(self._eta, now)}")
        if self._latest_end is not None:
            known.append(f"{when(self._latest_end, now)} at the latest")
        return "; ".join([*known, "you may close this window, the work goes on"])

    def _line(self, words: str) -> None:
        self._page.line(f"{local(self._clock.now()):%H:%M:%S}  {words}")
