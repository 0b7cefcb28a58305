"""What the emulator can do wrong on purpose, as values.

Three sorts of fault: what becomes of a call and its answer, what is changed in the lines of a
results file, and how a batch lives that a create makes or a cancel stops.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from backburner.emulator.spans import Span

LineKind = Literal[
    "missing",
    "doubled",
    "unknown_id",
    "unknown_type",
    "mangled",
    "garbage",
    "blank",
    "crlf",
]
"""What happens at one line of a results file.

`missing`, `doubled`, `mangled` (it cannot be read) and `unknown_type` happen to the line itself;
`unknown_id`, `garbage` and `blank` add a line after it; `crlf` changes all line ends.
"""

ROUTES = (
    "create",
    "retrieve",
    "list",
    "results",
    "cancel",
    "delete",
    "messages",
    "count_tokens",
    "usage_report",
    "cost_report",
    "models",
    "model",
)
ANY = "any"
"""Stands for every route."""
BY_ID = ("retrieve", "results", "cancel", "delete")
"""Routes that name a batch."""


@dataclass(frozen=True, slots=True)
class Status:
    """An error answer in place of the real one.

    Args:
        code: The HTTP status.
        type: The class of the error; what the status stands for, if None.
        headers: More headers.
        message: The sentence.
        details: More about the error, such as its `error_code`.
        after: Whether the call takes effect all the same.
    """

    code: int
    type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Scripted failure."
    details: Mapping[str, str] | None = None
    after: bool = False


@dataclass(frozen=True, slots=True)
class DropBefore:
    """The connection closes without an answer and nothing has happened."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """The call takes effect, then the connection closes without an answer."""


@dataclass(frozen=True, slots=True)
class Late:
    """The connection closes without an answer; the call takes effect some time later.

    Args:
        by: Seconds on the world's clock from the end of the body to the effect.
    """

    by: Span = 60.0


@dataclass(frozen=True, slots=True)
class Slow:
    """The call takes effect at once, but its answer is slow to come.

    Args:
        seconds: How slow: in wall time over a socket, by the client's timeouts in process.
    """

    seconds: Span = 3_600.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The call takes effect, and its answer breaks off.

    Args:
        at: Where: after so many bytes, or after a share of them if it is a fraction.
        clean: Whether the answer ends there as if that were all, without a Content-Length;
            otherwise the connection closes.
        at_line: Whether to break off at the last line end before that place.
    """

    at: int | float = 0.5
    clean: bool = False
    at_line: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Something wrong with a line of a results file.

    Args:
        kind: What.
        at: Which line, from 0 or backwards from -1; None lets the seed pick one, for the same batch
            always the same.
    """

    kind: LineKind
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Lag:
    """How long a batch stays out of sight.

    Args:
        in_list: Seconds from creation until lists show it.
        by_id: Seconds from creation until its id is known to any route.
        results: Seconds from its end until its results can be read.
    """

    in_list: Span = 0.0
    by_id: Span = 0.0
    results: Span = 0.0


@dataclass(frozen=True, slots=True)
class Stall:
    """The batch comes to a halt, and what is left of it expires after 24 hours.

    Args:
        done: Share of its requests that have their turn before.
    """

    done: float = 0.0


@dataclass(frozen=True, slots=True)
class CreditOut:
    """The credit runs out while the batch is under way.

    Args:
        after: How many of its requests still have their turn.
        code: The status of creations and messages from then on.
    """

    after: int = 0
    code: Literal[400, 402] = 402


@dataclass(frozen=True, slots=True)
class Linger:
    """The batch that is canceled stays in `canceling` for a while.

    Args:
        seconds: For how long, unless it would have ended before.
    """

    seconds: float = 3_600.0


AnswerFault = Status | DropBefore | DropAfter | Late | Slow | Cut
BatchFault = Lag | Stall | CreditOut | Linger
Fault = AnswerFault | Line | BatchFault

KINDS: dict[str, type[Fault]] = {
    "status": Status,
    "drop_before": DropBefore,
    "drop_after": DropAfter,
    "late": Late,
    "slow": Slow,
    "cut": Cut,
    "line": Line,
    "lag": Lag,
    "stall": Stall,
    "credit_out": CreditOut,
    "linger": Linger,
}
"""Every kind of fault by its name in files."""
_NAMES = {kind: name for name, kind in KINDS.items()}


def name_of(fault: Fault) -> str:
    """What a fault is called in counts: its kind, with the status or what happens to the line."""
    match fault:
        case Status():
            return f"status {fault.code}" + (" after" if fault.after else "")
        case Line():
            return f"line {fault.kind}"
        case _:
            return _NAMES[type(fault)]


def check_fit(route: str, fault: Fault) -> None:
    """Checks that a fault can happen on a route.

    Raises:
        ValueError: There is no such route, or such a fault makes no sense there.
    """
    if route not in (*ROUTES, ANY):
        raise ValueError(f"There is no route {route!r}, only {', '.join(ROUTES)}, or {ANY}.")
    match fault:
        case Line():
            home = "results"
        case Linger():
            home = "cancel"
        case Lag() | Stall() | CreditOut():
            home = "create"
        case _:
            return
    if route != home:
        raise ValueError(f"The fault {name_of(fault)!r} happens on {home}, not on {route}.")


class DisconnectedError(Exception):
    """The emulator closes the connection instead of answering."""
