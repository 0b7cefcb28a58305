"""Backburner: Claude work that can wait, at half price, with every answer brought back.

```python
from backburner import Backburner

queue = Backburner()
run = queue.enqueue(requests)
queue.run(run.id)
answers = {r.custom_id: r.message for r in queue.results(run) if r.outcome == "ok"}
```

The names below are imported when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backburner.client.backburner import Backburner as Backburner
    from backburner.client.finishing import Finished as Finished
    from backburner.client.finishing import Result as Result
    from backburner.client.preparing import Found as Found
    from backburner.client.preparing import Fresh as Fresh
    from backburner.client.preparing import RunOptions as RunOptions
    from backburner.client.single_requests import TicketOptions as TicketOptions
    from backburner.client.tickets import Ticket as Ticket
    from backburner.errors import AnswerPending as AnswerPending
    from backburner.errors import BackburnerError as BackburnerError
    from backburner.errors import ConfigError as ConfigError
    from backburner.errors import InDoubt as InDoubt
    from backburner.errors import InputError as InputError
    from backburner.errors import NotAnswered as NotAnswered
    from backburner.errors import StoreError as StoreError
    from backburner.errors import UpstreamError as UpstreamError
    from backburner.nouns.outcome import Outcome as Outcome
    from backburner.nouns.run import Run as Run
    from backburner.plan.packing import PackLimits as PackLimits
    from backburner.report.receipt import Receipt as Receipt

_HOMES = {
    "AnswerPending": "backburner.errors",
    "Backburner": "backburner.client.backburner",
    "BackburnerError": "backburner.errors",
    "ConfigError": "backburner.errors",
    "Finished": "backburner.client.finishing",
    "Found": "backburner.client.preparing",
    "Fresh": "backburner.client.preparing",
    "InDoubt": "backburner.errors",
    "InputError": "backburner.errors",
    "NotAnswered": "backburner.errors",
    "Outcome": "backburner.nouns.outcome",
    "PackLimits": "backburner.plan.packing",
    "Receipt": "backburner.report.receipt",
    "Result": "backburner.client.finishing",
    "Run": "backburner.nouns.run",
    "RunOptions": "backburner.client.preparing",
    "StoreError": "backburner.errors",
    "Ticket": "backburner.client.tickets",
    "TicketOptions": "backburner.client.single_requests",
    "UpstreamError": "backburner.errors",
}
"""Where each public name lives."""

__all__ = tuple(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'backburner' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
