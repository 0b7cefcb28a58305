"""Actions: one thing each that a worker should do now."""

from dataclasses import dataclass

from backburner.nouns.batch import BatchId
from backburner.plan.sealing import Seal


@dataclass(frozen=True, slots=True)
class Send:
    """Stream the body, arm, complete it."""


@dataclass(frozen=True, slots=True)
class AskDirectly:
    """Make the calls of a direct batch that were not made yet."""


@dataclass(frozen=True, slots=True)
class NoteDoubt:
    """It was armed and no answer is known: record that, and rest until `quiet` is over."""

    rest_until: float


@dataclass(frozen=True, slots=True)
class StayInDoubt:
    """Nothing may be sent or concluded yet."""

    rest_until: float


@dataclass(frozen=True, slots=True)
class Resolve:
    """Look at the upstream's list since the fence, and end the doubt if that is possible."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the upstream how the batch stands."""


@dataclass(frozen=True, slots=True)
class Collect:
    """Fetch, store and book the results."""


@dataclass(frozen=True, slots=True)
class CollectDirect:
    """Store and book the answers of a direct batch."""


@dataclass(frozen=True, slots=True)
class CloseUnsent:
    """It was canceled before it travelled: all its requests end as canceled."""


BatchAction = (
    Send
    | AskDirectly
    | NoteDoubt
    | StayInDoubt
    | Resolve
    | Ask
    | Collect
    | CollectDirect
    | CloseUnsent
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStep:
    """What a lane's step should do, in this order.

    Attributes:
        seal: The tickets that leave the inbox.
        pack_retries: Put the due exceptions into a new batch.
        follow: The runs whose followers need not wait for their leaders any more.
        make_up: Batches whose window was missed: they become `soon`.
        release: The sealed batches that may go.
        list_upstream: Ask for the workspace's batches, so that ended ones are seen.
        look_back: Search the upstream for late duplicates.
        due_at: When the lane is due again, as far as is known before the step.
    """

    seal: tuple[Seal, ...]
    pack_retries: bool
    follow: tuple[str, ...]
    make_up: tuple[BatchId, ...]
    release: tuple[BatchId, ...]
    list_upstream: bool
    look_back: bool
    due_at: float
