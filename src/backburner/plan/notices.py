"""Which news lead to which notice, and when one that did not arrive is tried again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from backburner.nouns.batch import FOR_BUDGET, Hold
from backburner.nouns.money import Money
from backburner.nouns.notice import Kind, Notice
from backburner.nouns.run import Run
from backburner.plan.expiring import COLLECT_FIRST_AFTER, expires_at

_FIRST_WAIT: Final = 30.0
_LONGEST_WAIT: Final = 3600.0
MOST_TRIES: Final = 12
"""After these, over five hours, a notice is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNews:
    """What is new of a run.

    Attributes:
        outcomes: Requests by outcome, of a run that was finished lately.
        paid: Picodollars, of such a run.
        held: Requests that wait, by what they wait for.
        moves: Whether anything of it is on its way or may go.
        doubted: Requests of which it is not known what came of them.
        late_at: When it will probably be back, if that is after its deadline.
        oldest: When the oldest of its batches was sent whose results were not collected.
    """

    run: Run
    outcomes: Mapping[str, int] | None = None
    paid: int = 0
    held: Mapping[str, int]
    moves: bool = False
    doubted: int = 0
    late_at: float | None = None
    oldest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedLane:
    """A lane in which nothing is sent, and how many of its runs wait."""

    name: str
    reason: str
    runs: int


def notices_of(
    runs: Iterable[RunNews],
    lanes: Iterable[StoppedLane],
    now: float,
    when: Callable[[str, float], str],
    day: str,
) -> list[Notice]:
    """What there is to tell.

    What lasts is told once a day; all else once for each run.

    Args:
        when: Writes a moment as a lane's local time.
        day: The local day.
    """
    found = [one for it in runs for one in _of_run(it, now, partial(when, it.run.lane), day)]
    return [*found, *(_of_lane(lane, day) for lane in lanes)]


def _of_run(news: RunNews, now: float, when: Callable[[float], str], day: str) -> Iterator[Notice]:
    if news.outcomes is not None:
        yield _finished(news, news.outcomes)
        return
    cause = _needs(news)
    if cause is not None:
        yield _notice(news.run, Kind.NEEDS_ATTENTION, f":{day}", f"needs you: {cause}")
    if news.run.deadline is not None and (news.late_at is not None or news.run.missed_at):
        yield _at_risk(news, news.run.deadline, now, when)
    budget = sum(news.held.get(hold, 0) for hold in FOR_BUDGET)
    if budget:
        yield _budget_held(news.run, budget, day)
    if news.oldest is not None and now - news.oldest >= COLLECT_FIRST_AFTER:
        yield _expiring(news.run, expires_at(news.oldest), when)


def _finished(news: RunNews, outcomes: Mapping[str, int]) -> Notice:
    run = news.run
    counts = ", ".join(f"{count:,} {name}" for name, count in outcomes.items() if count)
    paid = Money(picodollars=news.paid)
    output = f" Its answers are in {run.output}." if run.output else ""
    return _notice(
        run,
        Kind.RUN_FINISHED,
        "",
        "is finished" if run.cancel_asked_at is None else "is canceled",
        text=f"{counts}; paid {paid.show()}.{output}",
        outcomes=dict(outcomes),
        paid_usd=paid.usd(),
        output=run.output,
        missed_deadline=run.missed_at is not None,
    )


def _needs(news: RunNews) -> str | None:
    """What only a person can do for a run, in words."""
    if news.held.get(Hold.CANARY) and not news.moves:
        return f"its canary is back; `backburner release {news.run.id}` lets the rest go"
    if news.held.get(Hold.PERSON):
        return "uploads failed again and again; `backburner status` tells more"
    if news.doubted:
        return (
            f"of {news.doubted:,} requests it is not known what came of them; "
            f"`backburner retry {news.run.id}` sends them again"
        )
    return None


def _at_risk(news: RunNews, deadline: float, now: float, when: Callable[[float], str]) -> Notice:
    is_missed = news.run.missed_at is not None or now > deadline
    says = f"has missed its deadline, {when(deadline)}" if is_missed else "may be late"
    expected = f"expected by {when(news.late_at)}" if news.late_at and not is_missed else ""
    cause = news.run.miss_cause or ""
    return _notice(
        news.run,
        Kind.AT_RISK,
        f":{deadline:.0f}",
        says,
        text="; ".join(filter(None, (f"promised by {when(deadline)}", expected, cause))) + ".",
        deadline=deadline,
        expected_at=news.late_at,
        is_missed=is_missed,
        cause=cause or None,
    )


def _budget_held(run: Run, requests: int, day: str) -> Notice:
    return _notice(
        run,
        Kind.BUDGET_HELD,
        f":{day}",
        f"waits for a budget: {requests:,} requests",
        text=f"`backburner status {run.id}` tells for which, and what lets them go.",
        requests=requests,
    )


def _expiring(run: Run, until: float, when: Callable[[float], str]) -> Notice:
    return _notice(
        run,
        Kind.EXPIRING,
        "",
        f"has results at Anthropic that are deleted {when(until)}",
        text="`backburner drain --collect` brings them back; nobody has done so for 25 days.",
        expires_at=until,
    )


def _of_lane(lane: StoppedLane, day: str) -> Notice:
    return Notice(
        id=f"{Kind.NEEDS_ATTENTION}:lane:{lane.name}:{day}",
        kind=Kind.NEEDS_ATTENTION,
        lane=lane.name,
        subject=f"Backburner: lane {lane.name} is stopped",
        text=f"{lane.reason}. Clear the cause, then `backburner resume {lane.name}`; "
        f"{lane.runs:,} runs wait, and nothing is lost.",
        facts={"lane": lane.name, "run": None, "cause": "lane_stopped", "runs": lane.runs},
    )


def _notice(run: Run, kind: Kind, mark: str, says: str, *, text: str = "", **facts: Any) -> Notice:
    # Of a path only its end: the rest says how somebody's folders are called.
    name = run.name.rstrip("/").rpartition("/")[2] or run.name
    return Notice(
        id=f"{kind}:{run.id}{mark}",
        kind=kind,
        lane=run.lane,
        subject=f"Backburner: run {run.id} ({name}) {says}",
        text=text,
        facts={"lane": run.lane, "run": run.id, "name": name, **facts},
    )


def try_again_after(tries: int) -> float | None:
    """Seconds until a notice is tried again that failed so often; None to give it up."""
    if tries >= MOST_TRIES:
        return None
    return float(min(_FIRST_WAIT * 2 ** max(tries - 1, 0), _LONGEST_WAIT))
