"""What went wrong on the wire, as a value."""

from dataclasses import dataclass
from enum import StrEnum


class StopCode(StrEnum):
    """Refusals that only a person can clear: the API's own codes, and two that its texts mean.

    Source: platform.claude.com api/errors and api/rate-limits, 2026-08-22; anthropic 2.12.0.
    """

    ON_HOLD = "organization_on_hold"
    ENCRYPTION_KEY = "cmek_key_disabled"
    KEY_CREATOR = "claude_code_key_creator_not_member"
    TIER_LIMIT = "enforced_spend_limit_reached"
    CONTRACT_LIMIT = "contract_spend_limit_reached"
    LINKED_LIMIT = "linked_organization_spend_limit_reached"
    OWN_LIMIT = "own_spend_limit_reached"
    NO_CREDIT = "credit_exhausted"


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
        code: The API's finer code, or one of `StopCode` where only its text tells.
        retry_after: Seconds the upstream asked to wait.
    """

    kind: FaultKind
    what: str
    status: int | None = None
    error_type: str = ""
    code: str = ""
    request_id: str = ""
    retry_after: float | None = None
