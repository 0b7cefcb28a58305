"""A notice: one message to a person or a program, and the channels that it goes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backburner.nouns.lane import Credential


class Kind(StrEnum):
    """What a notice is about."""

    RUN_FINISHED = "run.finished"
    NEEDS_ATTENTION = "run.needs_attention"
    AT_RISK = "deadline.at_risk"
    BUDGET_HELD = "budget.held"
    EXPIRING = "results.expiring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be told, and never a prompt or an answer.

    Attributes:
        id: The same for the same thing, however often it is noticed or sent.
        lane: The lane that it is about.
        subject: What it says, in one line.
        text: What else there is to say to a person.
        facts: Ids, counts, amounts and times, for programs.
    """

    id: str
    kind: Kind
    lane: str
    subject: str
    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program's address, to which signed notices are posted.

    Attributes:
        secret: Where the secret is that it is signed with.
        allow_private: Whether it may be inside one's own network.
    """

    url: str
    secret: Credential
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Messenger:
    """Slack, e-mail, ntfy and others: an address of apprise, which holds a secret."""

    address: Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where notices of some kinds and lanes go; of all if none is named."""

    name: str
    target: Webhook | Messenger
    kinds: tuple[Kind, ...] = ()
    lanes: tuple[str, ...] = ()

    def wants(self, notice: Notice) -> bool:
        """Whether a notice goes here."""
        is_kind = not self.kinds or notice.kind in self.kinds
        return is_kind and (not self.lanes or notice.lane in self.lanes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notice on its way through one channel. Times are POSIX seconds.

    Attributes:
        due_at: When it is tried next.
        failure: What kept the last try from arriving; empty where none failed.
    """

    id: str
    channel: str
    kind: Kind
    subject: str
    text: str
    facts: Mapping[str, Any]
    created_at: float
    due_at: float
    tries: int
    delivered_at: float | None
    given_up_at: float | None
    failure: str
