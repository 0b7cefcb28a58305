"""Who waited for a call: what a log's habits say about it, by rules that can be read.

The rules look at a source, which is all calls of one caller, route and model of one manner. None of
them sees a prompt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

_CAN_WAIT: Final = frozenset(
    """
    archive backfill batch bulk catalog classif cron dataset descri digest draft enrich eval extract
    index ingest label metadata migrat newsletter nightly offline personali report rewrit schedul
    score sentiment seo summar synthetic tag transcript translat weekly
    """.split()  # noqa: SIM905  # a list of forty strings would fill a page
)
_WAITED: Final = frozenset(
    """
    assistant autocomplete bot chat completion conversation copilot cursor editor interactive live
    playground realtime search voice widget
    """.split()  # noqa: SIM905  # as above
)
"""What words of a route or caller begin with. Source: the article's fit and unfit workloads."""

_WORDS: Final = re.compile(r"[A-Za-z]+")
_OFTEN: Final = 0.5
_NIGHT: Final = 0.8
_PUNCTUAL: Final = 0.8
_FEW: Final = 20
_FEW_RUNS: Final = 4


class Tolerance(StrEnum):
    """Whether somebody waited for the calls of a source."""

    BATCHED = "batched"
    CAN_WAIT = "can_wait"
    WAITED_FOR = "waited_for"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Source:
    """What calls have in common that are judged together.

    Attributes:
        is_burst: Whether they came 60 or more in ten minutes.
    """

    caller: str
    route: str
    model: str
    is_streamed: bool = False
    is_batched: bool = False
    is_burst: bool = False
    is_sum: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the calls of a source came.

    Attributes:
        follow_ups: Calls that went on from the one before: within a minute of its end, with a
            prompt that has grown by its answer.
        at_night: Calls between 22:00 and 06:00, in the zone of the audit.
        runs: Rows of calls with no hour's pause between two of them.
        punctual: The most of these rows that began in the same minute of the hour.
    """

    calls: int
    follow_ups: int = 0
    at_night: int = 0
    runs: int = 0
    punctual: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A rule of the user's: globs that a source has to match, `*` for any."""

    caller: str = "*"
    route: str = "*"
    model: str = "*"

    def matches(self, source: Source) -> bool:
        """Whether all three globs match."""
        return (
            fnmatchcase(source.caller, self.caller)
            and fnmatchcase(source.route, self.route)
            and fnmatchcase(source.model, self.model)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRules:
    """What the user says of sources; it goes before all that is guessed."""

    can_wait: Sequence[Pattern] = ()
    waited_for: Sequence[Pattern] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a source tolerates delay, and why, in a few plain words."""

    tolerance: Tolerance
    reason: str


def judge_source(source: Source, habits: Habits, own: OwnRules) -> Finding:
    """Say whether the calls of a source could have waited. The first rule that fits decides.

    What has the batch tier is batched; then come the user's rules; what was streamed was waited
    for; then the names of route and caller; then conversations; then bursts, punctual rows and
    nights, which are the marks of a program. What no rule knows is unknown.
    """
    known = _told(source, own) or _named(source)
    if known is not None:
        return known
    if source.is_sum:
        return Finding(Tolerance.UNKNOWN, "sums do not tell who waited")
    return _by_habits(source, habits)


def _by_habits(source: Source, habits: Habits) -> Finding:
    if habits.follow_ups >= habits.calls * _OFTEN:
        return Finding(Tolerance.WAITED_FOR, "each goes on from the one before")
    if source.is_burst:
        return Finding(Tolerance.CAN_WAIT, "60 or more in ten minutes")
    if habits.runs >= _FEW_RUNS and habits.punctual >= habits.runs * _PUNCTUAL:
        return Finding(Tolerance.CAN_WAIT, "same minute of the hour")
    if habits.calls >= _FEW and habits.at_night >= habits.calls * _NIGHT:
        return Finding(Tolerance.CAN_WAIT, "at night")
    return Finding(Tolerance.UNKNOWN, "nothing tells")


def _told(source: Source, own: OwnRules) -> Finding | None:
    if source.is_batched:
        return Finding(Tolerance.BATCHED, "in batches already")
    if any(pattern.matches(source) for pattern in own.waited_for):
        return Finding(Tolerance.WAITED_FOR, "you said so")
    if any(pattern.matches(source) for pattern in own.can_wait):
        return Finding(Tolerance.CAN_WAIT, "you said so")
    return None


def _named(source: Source) -> Finding | None:
    if source.is_streamed:
        return Finding(Tolerance.WAITED_FOR, "streamed")
    for name in (source.route, source.caller):
        words = [word.lower() for word in _WORDS.findall(name)]
        for tolerance, beginnings in (
            (Tolerance.WAITED_FOR, tuple(_WAITED)),
            (Tolerance.CAN_WAIT, tuple(_CAN_WAIT)),
        ):
            known = next((word for word in words if word.startswith(beginnings)), None)
            if known is not None:
                return Finding(tolerance, f"named {known!r}")
    return None
