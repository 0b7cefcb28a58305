"""What a caller must handle, by who must act.

```
BackburnerError
├── InputError          the caller: a file, a template, a parameter (exit 2)
│   ├── InputFaults     many faults of one input, reported together
│   ├── ModelUnknown    a model that the price table does not know
│   ├── OutputBlocked   an output path that is not ours to write
│   ├── NotFound        a run, batch or request that the store does not know
│   ├── KeyConflict     a key of a single request that belongs to another one
│   ├── Pruned          a run whose stored texts were removed
│   ├── NothingChosen   a question that only a person can answer, asked of a script
│   └── BudgetReached   the rest of a run waits for a larger budget (exit 8)
├── ConfigError         the operator: settings, credentials, extras (exit 4)
│   ├── KeyMissing      no credential for the lane
│   ├── LanePinned      a lane used with another upstream than its own
│   ├── ZoneNeeded      local times, and nothing says in which zone
│   ├── NoticeUndelivered   a channel for notices that takes none
│   ├── ExtraMissing    an optional part that is not installed
│   └── PriceSuspect    a price table whose figures contradict each other
├── UpstreamError       wait, or ask Anthropic (exit 5)
│   ├── LaneStopped     the lane was stopped: a refused key, no credit, a permission
│   ├── Unreachable     no answer from the upstream
│   ├── AnswerPending   the answer of a single request that is not there in time
│   └── InDoubt         batches of which it is not yet known whether they arrived (exit 7)
├── NotAnswered         a single request that ended without a whole answer (exit 3)
└── StoreError          the operator: the home folder, its database and files (exit 6)
    ├── StoreUnusable   a home that cannot be opened, read or written
    ├── StoreDamaged    bytes that contradict the store
    ├── LeaseLost       another worker took over; nothing was sent under the old lease
    └── MoveRefused     a batch state change that the table of moves does not have
```

What came of a request is a value (`nouns.outcome`), and so is what went wrong on the wire
(`nouns.fault`); neither is an exception.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class BackburnerError(Exception):
    """The root: a message that names the value at fault, and a hint that says what to do next."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(BackburnerError):
    """Something in what the caller handed over is wrong."""

    code = "input_invalid"
    exit_code = 2


class InputFaults(InputError):
    """Several faults of one input, reported together with their line numbers."""

    code = "input_faults"


class ModelUnknown(InputError):
    """A model that the price table does not know."""

    code = "model_unknown"


class OutputBlocked(InputError):
    """An output path that another run owns, that is not ours to replace, or cannot be written."""

    code = "output_blocked"


class NotFound(InputError):
    """A run, batch, request or lane that the store does not know."""

    code = "not_found"


class KeyConflict(InputError):
    """A key that was used before, for another request."""

    code = "key_conflict"


class Pruned(InputError):
    """A run whose stored texts were removed: its counts and costs are all that is left."""

    code = "pruned"


class NothingChosen(InputError):
    """A question that only a person can answer, met by a script without the option for it."""

    code = "choice_needed"


class BudgetReached(InputError):
    """The rest of a run waits: what it can cost at most is more than a budget has left."""

    code = "budget_reached"
    exit_code = 8


class ConfigError(BackburnerError):
    """A setting, a credential or an installation is wrong."""

    code = "config_invalid"
    exit_code = 4


class KeyMissing(ConfigError):
    """There is no credential for the lane."""

    code = "key_missing"


class LanePinned(ConfigError):
    """A lane was used with another upstream than the one it is pinned to."""

    code = "lane_pinned"


class ZoneNeeded(ConfigError):
    """Local times are given, and nothing says in which zone."""

    code = "zone_needed"


class ExtraMissing(ConfigError):
    """An optional part is needed that is not installed."""

    code = "extra_missing"


class NoticeUndelivered(ConfigError):
    """A notice did not arrive: its channel refused it, or cannot be reached."""

    code = "notice_undelivered"


class PriceSuspect(ConfigError):
    """The price table contradicts itself: a batch rate is not half its sync rate."""

    code = "price_suspect"


class UpstreamError(BackburnerError):
    """The upstream refused, or could not be reached; nothing is lost."""

    code = "upstream"
    exit_code = 5


class LaneStopped(UpstreamError):
    """The lane is stopped: sending more would be refused again until a person acts."""

    code = "lane_stopped"


class Unreachable(UpstreamError):
    """The upstream gave no answer."""

    code = "unreachable"


class InDoubt(UpstreamError):
    """For some batches it is not yet known whether they arrived; they are not sent again."""

    code = "in_doubt"
    exit_code = 7


class AnswerPending(UpstreamError, TimeoutError):
    """The answer of a single request was not there in time; it is still to come."""

    code = "answer_pending"


class NotAnswered(BackburnerError):
    """A single request ended, and not with a whole answer.

    Attributes:
        outcome: What came of it, one of ten, such as `refused` or `truncated`.
        result: The API's `result` as received, with the message where there is one.
    """

    code = "not_answered"
    exit_code = 3

    def __init__(self, message: str, *, hint: str, outcome: str, result: Mapping[str, Any]) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome
        self.result = result

    @property
    def message(self) -> Mapping[str, Any] | None:
        """The message, where there is one: a refusal, or an answer that was cut off."""
        message: Mapping[str, Any] | None = self.result.get("message")
        return message


class StoreError(BackburnerError):
    """The home folder, its database or its files are at fault."""

    code = "store"
    exit_code = 6


class StoreUnusable(StoreError):
    """The home cannot be opened, read or written."""

    code = "store_unusable"


class StoreDamaged(StoreError):
    """Stored bytes contradict the store."""

    code = "store_damaged"


class LeaseLost(StoreError):
    """Another worker holds the lease now; this one stops without effect."""

    code = "lease_lost"


class MoveRefused(StoreError):
    """A batch state change that the table of moves does not have."""

    code = "move_refused"
