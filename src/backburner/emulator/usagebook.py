"""Who used how many tokens of what kind, minute by minute, for the Admin API's reports.

A batch's usage is read from its results the first time that somebody asks for a report, so that
batches are no slower for it. It shows once the batch has ended, under the minutes in which its
requests were processed.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from backburner.emulator import prices
from backburner.emulator.batchbook import Batch, BatchBook
from backburner.emulator.foreign import ForeignSpool
from backburner.emulator.settings import Settings
from backburner.emulator.shapes import Usage

MINUTE = 60
LONG_CONTEXT_TOKENS = 200_000


class Account(NamedTuple):
    """Whom and what some usage is booked on; the workspace is None for the default one.

    Attributes:
        minute: In POSIX minutes.
        entry: The entry of the price list by which it is billed.
    """

    minute: int
    workspace_id: str | None
    api_key_id: str
    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    entry: str

    @property
    def rates(self) -> tuple[int, ...]:
        """Picodollars of each amount."""
        return prices.rates(self.entry, self.service_tier, self.inference_geo)


class Amounts(NamedTuple):
    """Tokens by kind, in the order of the prices, and web searches."""

    uncached: int
    output: int
    write_5m: int
    write_1h: int
    read: int
    searches: int

    @classmethod
    def of(cls, usage: Usage) -> "Amounts":
        """What one answer used."""
        tools = usage.server_tool_use
        return cls(
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_creation.ephemeral_5m_input_tokens,
            usage.cache_creation.ephemeral_1h_input_tokens,
            usage.cache_read_input_tokens,
            0 if tools is None else tools.web_search_requests,
        )

    def plus(self, other: "Amounts") -> "Amounts":
        """Both together."""
        return Amounts(*map(int.__add__, self, other))


NOTHING = Amounts(0, 0, 0, 0, 0, 0)
_Tally = dict[Account, Amounts]


class _Message(Struct):
    model: str
    usage: Usage


class _Result(Struct):
    message: _Message | None = None


class _Line(Struct):
    result: _Result


_line = msgspec.json.Decoder(_Line)


class UsageBook:
    """The usage of an organisation.

    Args:
        settings: The settings.
        book: All batches.
    """

    def __init__(self, settings: Settings, book: BatchBook) -> None:
        self._settings = settings
        self._book = book
        self._batches: dict[str, _Tally] = {}
        self._calls: _Tally = {}

    def note(self, workspace: str, key_id: str, model: str, usage: Usage, at: float) -> None:
        """Books a single message."""
        account = self._account(workspace, key_id, model, usage, at)
        self._calls[account] = self._calls.get(account, NOTHING).plus(Amounts.of(usage))

    def booked(self, now: float) -> Iterator[tuple[Account, Amounts]]:
        """Everything that reports show at a moment; the newest minutes are not yet among it."""
        seen = now - self._settings.usage_delay
        for account, amounts in self._calls.items():
            if account.minute * MINUTE <= seen + self._settings.faults.skew:
                yield account, amounts
        for batch in self._book:
            if batch.ended and batch.ends_at <= seen and not isinstance(batch.spool, ForeignSpool):
                yield from self._tally(batch).items()

    def _tally(self, batch: Batch) -> _Tally:
        if batch.id not in self._batches:
            tally: _Tally = {}
            for place, line in enumerate(batch.spool.past_results()):
                message = _line.decode(line).result.message
                if message is not None:
                    at = batch.moment(place)
                    account = self._account(
                        batch.workspace, batch.key_id, message.model, message.usage, at
                    )
                    tally[account] = tally.get(account, NOTHING).plus(Amounts.of(message.usage))
            self._batches[batch.id] = tally
        return self._batches[batch.id]

    def _account(self, workspace: str, key_id: str, model: str, usage: Usage, at: float) -> Account:
        prompt = prices.prompt_tokens(usage)
        return Account(
            minute=int(at + self._settings.faults.skew) // MINUTE,
            workspace_id=None if workspace == self._settings.default_workspace else workspace,
            api_key_id=key_id,
            model=model,
            service_tier=usage.service_tier,
            context_window="0-200k" if prompt <= LONG_CONTEXT_TOKENS else "200k-1M",
            inference_geo=usage.inference_geo,
            entry=prices.entry_of(model, prompt),
        )
