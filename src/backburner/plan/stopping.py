"""Why a lane is stopped, and what a person does about it, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from backburner.nouns.attempt import Attempt
from backburner.nouns.fault import Fault, StopCode
from backburner.nouns.policy import ACCOUNT_ERRORS

_CONSOLE_CREDIT: Final = "add credit in the Console's billing settings"
_KEY: Final = "check the key in ANTHROPIC_API_KEY, or the lane's own"
_PERMISSION: Final = "check what the key may do, in the Console"

_BY_CODE: Final = {
    StopCode.ON_HOLD: "ask Anthropic's support to lift the hold",
    StopCode.ENCRYPTION_KEY: "enable the organization's encryption key again",
    StopCode.KEY_CREATOR: "use a key whose creator is a member of the organization",
    StopCode.CONTRACT_LIMIT: "ask Anthropic to raise the limit of the contract",
    StopCode.LINKED_LIMIT: "raise the spend limit of the linked organization",
    StopCode.OWN_LIMIT: "raise the limit that you set in the Console, or wait until it ends",
    StopCode.NO_CREDIT: _CONSOLE_CREDIT,
}
_BY_STATUS: Final = {
    401: _KEY,
    402: _CONSOLE_CREDIT,
    403: _PERMISSION,
    404: "check the address in ANTHROPIC_BASE_URL",
}
_BY_ERROR: Final = {
    "billing_error": _CONSOLE_CREDIT,
    "authentication_error": _KEY,
    "permission_error": _PERMISSION,
}
CANARY_WORDS: Final = "held: it waits until the run's canary was looked at"
LEADERS_WORDS: Final = "held: it waits until the requests have ended whose cache it reads"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a lane is stopped: what was answered, and what clears it."""

    cause: str
    remedy: str

    def in_words(self, at: float) -> str:
        """What a lane keeps as its reason: cause, time and remedy in one line."""
        since = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
        return f"{self.cause}, since {since}; to clear it, {self.remedy}"


def stop_for_fault(fault: Fault, now: float, run: str | None = None) -> Stop:
    """What a refused call means for its lane.

    Args:
        fault: What was answered.
        now: When.
        run: The run that the call was made for; None where it was for no one run.
    """
    status = f" (HTTP {fault.status})" if fault.status else ""
    return Stop(f"Anthropic refused: {fault.what.rstrip('.')}{status}", _remedy(fault, now, run))


def stop_for_errors(error_types: Iterable[str]) -> Stop:
    """What requests mean for their lane that failed because of the account."""
    known = sorted(set(error_types) & set(_BY_ERROR))
    remedies = dict.fromkeys(_BY_ERROR[one] for one in known)
    causes = ", ".join(known)
    return Stop(f"requests failed because of the account ({causes})", " and ".join(remedies))


def is_for_account(newest: Attempt) -> bool:
    """Whether a request is held because the account was at fault, by its newest attempt."""
    return newest.error_type in ACCOUNT_ERRORS


def held_in_words(newest: Attempt | None) -> str:
    """Why a request with this newest attempt is held, and what a person can do."""
    if newest is not None and is_for_account(newest):
        return "held: the account was at fault; `backburner resume` lets it be sent again"
    return "held: what came of it is not known, and may have been paid; `backburner retry` sends it"


def _remedy(fault: Fault, now: float, run: str | None) -> str:
    if fault.code == StopCode.TIER_LIMIT:
        return f"raise the tier's spend limit in the Console, or wait until {_next_month(now)}"
    by_code = _BY_CODE.get(StopCode(fault.code)) if fault.code in set(StopCode) else None
    concerned = (
        f"`backburner cancel {run}`, which it concerns" if run else "cancel what it concerns"
    )
    return by_code or _BY_STATUS.get(fault.status or 0, f"mend the cause, or {concerned}")


def _next_month(now: float) -> str:
    """When limits of a month end.

    Source: platform.claude.com api/rate-limits, 2026-08-22.
    """
    first = datetime.fromtimestamp(now, UTC).replace(day=1)
    ahead = first + timedelta(days=32)
    return f"{ahead.year}-{ahead.month:02d}-01 00:00 UTC"
