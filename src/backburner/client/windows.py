"""A lane's windows as a person sees them: when they open, and what waits for them."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from backburner.nouns.batch import BatchState
from backburner.nouns.lane import LaneTerms
from backburner.nouns.moments import clock_time
from backburner.nouns.urgency import Urgency
from backburner.nouns.window import Opening
from backburner.plan.windows import missed, opening
from backburner.store.batches import batches_where
from backburner.store.inbox import inbox_waiting
from backburner.store.lanes import lane_get
from backburner.worker import Tools

_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStanding:
    """How a lane's windows stand.

    Attributes:
        windows: Each as the file has it.
        present: The opening now, or the next one; None where no window opens any more.
        is_open: Whether the lane may send now.
        waiting: Requests that wait for a window.
        missed: The window that they should have travelled in, where nobody was there to send them.
    """

    lane: str
    zone: str
    windows: tuple[str, ...]
    present: Opening | None
    is_open: bool
    waiting: int
    missed: Opening | None
    now: float

    def _told(self, at: float) -> str:
        return clock_time(at, self.now, ZoneInfo(self.zone))

    @property
    def opens(self) -> str:
        """When a window opens next, such as `opens 23:00`."""
        if self.is_open:
            return "open"
        if self.present is None:
            return "never opens again"
        return f"opens {self._told(self.present.since)}"

    def in_words(self) -> str:
        """Such as `mon-fri 23:00-06:00 Europe/Berlin, opens 23:00`."""
        state = self.opens
        if self.is_open and self.present is not None:
            state = f"open until {self._told(self.present.until)}"
        return f"{'; '.join(self.windows)} {self.zone}, {state}"

    def missed_in_words(self) -> str:
        """When the missed window was, such as `Mon 23:00 to Tue 06:00`."""
        if self.missed is None:
            return ""
        since, until = self.missed.since, self.missed.until
        first, last = (self._told(at) for at in (since, until))
        return f"{first} to {last}"


def window_standing(tools: Tools, name: str) -> WindowStanding | None:
    """How a lane's windows stand; None for one that may always send."""
    terms, now = tools.lane_terms(name), tools.clock.now()
    if not terms.windows or terms.zone is None:
        return None
    present = opening(terms.windows, terms.zone, now)
    is_open = present is not None and present.since <= now
    waiting, waiting_since, seen_at = _waiting(tools, name)
    return WindowStanding(
        lane=name,
        zone=terms.zone,
        windows=tuple(window.in_words() for window in terms.windows),
        present=present,
        is_open=is_open,
        waiting=waiting,
        missed=None if is_open else _missed(terms, waiting_since, seen_at, now),
        now=now,
    )


def _waiting(tools: Tools, name: str) -> tuple[int, float | None, float | None]:
    """What waits for a window, since when, and when somebody last saw one open."""
    with tools.store.read() as tx:
        row = lane_get(tx, name)
        sealed = [
            one
            for one in batches_where(tx, [name], [BatchState.SEALED])
            if one.run is not None and one.urgency == Urgency.WINDOW
        ]
        tickets = [
            count for urgency, count, _ in inbox_waiting(tx, name) if urgency is Urgency.WINDOW
        ]
    since = min((one.created_at for one in sealed), default=None)
    seen_at = row.window_seen_at if row is not None else None
    return sum(one.requests for one in sealed) + sum(tickets), since, seen_at


def _missed(
    terms: LaneTerms, waiting_since: float | None, seen_at: float | None, now: float
) -> Opening | None:
    if waiting_since is None or terms.zone is None:
        return None
    return missed(terms.windows, terms.zone, seen_at=seen_at, waiting_since=waiting_since, now=now)
