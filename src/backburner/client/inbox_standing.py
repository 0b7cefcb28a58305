"""How the inbox stands: what waits in it, and what was sealed, by day."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from backburner.nouns.urgency import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxStanding:
    """The tickets of one urgency that are not sealed yet.

    Attributes:
        due_at: When the first of them is to be sealed, in POSIX seconds.
    """

    urgency: Urgency
    tickets: int
    due_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxDay:
    """The tickets that were sealed on one local day.

    Attributes:
        day: As YYYY-MM-DD.
        words: How those stand that are not finished; `finished` where all are.
        back: How many ended.
    """

    day: str
    runs: int
    tickets: int
    back: int
    words: str


def inbox_standing(
    waiting: Iterable[tuple[Urgency, int, float]],
) -> tuple[InboxStanding, ...]:
    """What waits in an inbox, the most urgent first, as the store tells it."""
    return tuple(
        InboxStanding(urgency=urgency, tickets=tickets, due_at=due_at)
        for urgency, tickets, due_at in waiting
    )


def days_of(
    day_of: Callable[[float], str],
    sealed: Iterable[tuple[float, int, bool]],
    open_runs: Iterable[tuple[float, int, str]],
) -> Iterator[InboxDay]:
    """The runs of tickets by the day on which they began, in order.

    Args:
        day_of: Gives the local day of a time.
        sealed: Each of them: when it began, its tickets, whether it is finished.
        open_runs: Those that are not: when it began, how many ended, how it stands in words.
    """
    waits: dict[str, list[tuple[int, str]]] = {}
    for began, ended, words in open_runs:
        waits.setdefault(day_of(began), []).append((ended, words))
    for day, group in groupby(sealed, key=lambda each: day_of(each[0])):
        runs, open_ = list(group), waits.get(day, [])
        over = sum(tickets for _, tickets, is_over in runs if is_over)
        yield InboxDay(
            day=day,
            runs=len(runs),
            tickets=sum(tickets for _, tickets, _ in runs),
            back=over + sum(ended for ended, _ in open_),
            words=", ".join(dict.fromkeys(words for _, words in open_)) or "finished",
        )
