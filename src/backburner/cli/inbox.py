"""The inbox in words: what waits, until when, and the runs that were made of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from backburner.cli.words import many, when
from backburner.nouns.urgency import Urgency

if TYPE_CHECKING:
    from backburner.client.inbox_standing import InboxDay, InboxStanding

_DAYS: Final = 7


def inbox_in_words(inbox: "Iterable[InboxStanding]", now: float) -> list[str]:
    """What waits in the inbox, and until when, a line for each time."""
    requests: Counter[str] = Counter()
    for one in inbox:
        requests[sealed_in_words(one.urgency, one.due_at, now)] += one.tickets
    return [f"{many(count, 'request')}, {words}" for words, count in requests.items()]


def sealed_in_words(urgency: Urgency, due_at: float, now: float) -> str:
    """When a ticket leaves the inbox."""
    if urgency is Urgency.NOW:
        return "asked by the next `drain`, or at once by a worker"
    if due_at <= now:
        return "sealed by the next `drain`, or by a worker"
    why = "for its deadline" if urgency is Urgency.DEADLINE else "when the window opens"
    return f"sealed {why} at {when(due_at, now)}"


def shown_days(days: "Sequence[InboxDay]") -> "list[InboxDay]":
    """The last days, and those before them of which something is not finished."""
    return [one for one in days[:-_DAYS] if one.back < one.tickets] + list(days[-_DAYS:])
