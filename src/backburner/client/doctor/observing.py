"""What a probe of the API saw, in words that two upstreams can be compared by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec

NOT_SEEN: Final = "not seen"
"""A fact that could not be looked at, such as an answer of a batch that had ended before."""

NOTHING: Final = "nothing"


class Probe(StrEnum):
    """One question put to the API."""

    CUT_BODY = "cut body"
    CREATE = "create"
    LIST = "list"
    EARLY_RESULTS = "early results"
    CANCEL = "cancel"
    DELETE_RUNNING = "delete running"
    POLL = "poll"
    RESULTS = "results"
    CANCEL_ENDED = "cancel ended"
    DELETE = "delete"


ASSUMED: Final[Mapping[Probe, tuple[str, str]]] = {
    Probe.CUT_BODY: (
        "a create body that is cut two bytes short creates nothing",
        "not documented; RFC 9112, section 8: an incomplete message",
    ),
    Probe.CREATE: (
        "a create answers with the batch, in progress, to end within 24 hours",
        "platform.claude.com api/messages/batches/create, 2026-08",
    ),
    Probe.LIST: (
        "the list shows a batch at once",
        "not documented; a lag of minutes is allowed for",
    ),
    Probe.EARLY_RESULTS: (
        "results before the end are a 404",
        "a third party's record of 2026-09-02",
    ),
    Probe.CANCEL: (
        "a cancel is answered with canceling, and so is a second one",
        "platform.claude.com api/messages/batches/cancel, 2026-08; the second is not documented",
    ),
    Probe.DELETE_RUNNING: (
        "a batch that has not ended cannot be deleted",
        "platform.claude.com api/messages/batches/delete, 2026-08",
    ),
    Probe.POLL: (
        "a batch can be asked about until it has ended, and then names its results",
        "platform.claude.com api/messages/batches/retrieve, 2026-08",
    ),
    Probe.RESULTS: (
        "results are one JSON object a line, in any order",
        "platform.claude.com build-with-claude/batch-processing, 2026-09-26",
    ),
    Probe.CANCEL_ENDED: ("a cancel after the end is refused", "not documented"),
    Probe.DELETE: (
        "a batch that has ended can be deleted, and is gone then",
        "platform.claude.com api/messages/batches/delete, 2026-08",
    ),
}
"""What is assumed of each, and where that comes from."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw.

    Attributes:
        facts: What two upstreams are compared by: no id, no time, no amount.
        notes: What is told beside it.
    """

    probe: Probe
    facts: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that is otherwise here than in the emulator."""

    probe: str
    fact: str
    emulator: str
    here: str


def differences(
    emulator: Sequence[Observation], here: Sequence[Observation]
) -> dict[Probe, list[Difference]]:
    """For each probe that was made here, what is otherwise than in the emulator."""
    expected = {one.probe: one.facts for one in emulator}
    return {one.probe: list(_compared(expected[one.probe], one)) for one in here}


def _compared(expected: Mapping[str, str], here: Observation) -> list[Difference]:
    found = []
    for fact in [*expected, *(name for name in here.facts if name not in expected)]:
        there, seen = expected.get(fact, NOTHING), here.facts.get(fact, NOTHING)
        if there != seen and NOT_SEEN not in (there, seen):
            found.append(Difference(probe=str(here.probe), fact=fact, emulator=there, here=seen))
    return found


def not_seen(observation: Observation) -> list[str]:
    """The facts of a probe that could not be looked at."""
    return [name for name, value in observation.facts.items() if value == NOT_SEEN]
