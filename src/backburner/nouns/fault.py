"""What went wrong on the wire, as a value."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What a failed call means for what was sent with it.

    `REFUSED` is definite: the upstream did not act. `DOUBT` is not: it may have acted. The rest
    are definite too and say who must move: `THROTTLED` time, `STOP` a person, `ABSENT` nobody,
    `UNREACHED` the network.
    """

    REFUSED = "refused"
    THROTTLED = "throttled"
    STOP = "stop"
    ABSENT = "absent"
    UNREACHED = "unreached"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed call.

    Attributes:
        what: The cause in words, without bodies and credentials.
        status: The HTTP status, where there was an answer.
        error_type: The API's error class, where the answer had one.
        retry_after: Seconds the upstream asked to wait.
    """

    kind: FaultKind
    what: str
    status: int | None = None
    error_type: str = ""
    request_id: str = ""
    retry_after: float | None = None
