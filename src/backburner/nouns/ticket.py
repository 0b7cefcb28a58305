"""Single requests: what is submitted, what its caller holds, and what is sealed together."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import msgspec

from backburner.nouns.urgency import Timing, Urgency

INBOX: Final = "inbox"
"""The name of every run that is made of tickets."""

TICKET: Final = "tk_"
"""What the id of every ticket begins with, so that it is taken for nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTerms:
    """What a single request is to be, besides its body.

    Attributes:
        betas: Beta names, sorted.
        owner: One word for whoever pays; empty for nobody.
        tags: Words, sorted and comma-joined.
        route: The rule that chose its model or urgency; empty where none did.
    """

    timing: Timing = field(default_factory=Timing)
    betas: tuple[str, ...] = ()
    owner: str = ""
    tags: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A single request that was checked, and is to be kept.

    Attributes:
        asked: Its Messages body as its caller wrote it.
        body: The same as it travels, under the route rules.
        key: The caller's own name for it; None where it has none.
    """

    lane: str
    asked: bytes
    body: bytes
    key: str | None
    terms: TicketTerms

    @property
    def key_hash(self) -> str | None:
        """What is kept of its key."""
        return None if self.key is None else sha256(self.key.encode()).hexdigest()

    @property
    def body_hash(self) -> str:
        """What tells two requests apart: body and betas; blanks between its parts do not count.

        Nor do the route rules: they may change between two calls with the same key.
        """
        betas = msgspec.json.encode(self.terms.betas)
        return sha256(msgspec.json.format(self.asked, indent=-1) + betas).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A ticket as the store knows it. Times are POSIX seconds.

    Attributes:
        key_hash: sha256 of its caller's key; None where it has none.
        betas: Beta names, comma-joined.
        batch: The batch that it was sealed into; None while it is in the inbox.
        position: Its place there.
        delivered_at: When its result was first read.
        cancel_asked_at: When somebody asked to cancel it.
    """

    id: str
    lane: str
    key_hash: str | None
    body_hash: str
    urgency: Urgency
    deadline: float | None
    rescue: int | None
    owner: str
    tags: str
    betas: str
    route: str
    created_at: float
    batch: int | None = None
    position: int | None = None
    delivered_at: float | None = None
    cancel_asked_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSlice:
    """Tickets of one lane that are sealed together: all that a batch has once, they share.

    Attributes:
        waits_since: When the first of them was submitted.
        tickets: Their ids, in the order in which they will be requests.
    """

    lane: str
    waits_since: float
    terms: TicketTerms
    tickets: tuple[str, ...]
