"""Scripted misbehaviour: what the emulator does wrong on purpose, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Status:
    """An error answer in place of the real one; the call has no effect."""

    code: int
    type: str = "api_error"
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Scripted failure."


@dataclass(frozen=True, slots=True)
class DropBefore:
    """The connection closes without an answer and nothing has happened."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """The call takes effect, then the connection closes without an answer."""


Fault = Status | DropBefore | DropAfter


class DisconnectedError(Exception):
    """The emulator closes the connection instead of answering."""


@dataclass(slots=True)
class _Entry:
    route: str
    left: int
    fault: Fault


class Script:
    """The faults still to come, in the order they were written."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def add(self, route: str, times: int, fault: Fault) -> None:
        """Adds a fault for the next `times` calls of a route."""
        self._entries.append(_Entry(route, times, fault))

    def take(self, route: str) -> Fault | None:
        """The fault for this call of a route, used up by asking."""
        for entry in self._entries:
            if entry.route == route and entry.left > 0:
                entry.left -= 1
                return entry.fault
        return None
