"""Stopping a lane: what only a person can clear."""

from typing import Final

from backburner.errors import LaneStopped
from backburner.nouns.fault import Fault, FaultKind
from backburner.store.lanes import lane_stop
from backburner.worker.tools import Tools

NEEDS_A_PERSON: Final = frozenset({FaultKind.STOP, FaultKind.REFUSED, FaultKind.ABSENT})
"""Faults of a create that would come again in the same way."""

_HINTS: Final = {
    401: "check the key in ANTHROPIC_API_KEY",
    402: "add credit in the Console's billing settings",
    403: "check what the key may do, in the Console",
    404: "check the address in ANTHROPIC_BASE_URL",
}


def stop_lane(tools: Tools, lane: str, fault: Fault) -> LaneStopped:
    """Stop a lane and give the error that says so; nothing is sent in it until somebody calls."""
    with tools.store.write() as tx:
        lane_stop(tx, lane, fault.what)
    hint = _HINTS.get(fault.status or 0, "mend the cause")
    return LaneStopped(
        f"Anthropic refused: {fault.what} (HTTP {fault.status})",
        hint=f"{hint}, then call again; the lane {lane!r} waits, and nothing was lost",
    )
