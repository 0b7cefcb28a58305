"""Anthropic's own account of a period: pages of its usage and cost reports, summed by day.

Source: platform.claude.com api/admin/usage_report and api/admin/cost_report, read 2026-11-22:
days are of UTC, amounts are decimal strings in cents, and the default workspace is null.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from backburner.errors import InputError

_PICODOLLARS_PER_CENT: Final = 10**10
_BATCH: Final = "batch"

Place = tuple[str | None, str]
"""A workspace, None for the default one, and a day of UTC as YYYY-MM-DD."""


class _Creation(msgspec.Struct, frozen=True, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _Row(msgspec.Struct, gc=False):
    """A row of either report."""

    amount: str | None = None
    cost_type: str | None = None
    uncached_input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation: _Creation = _Creation()
    service_tier: str | None = None
    workspace_id: str | None = None

    @property
    def tokens(self) -> int:
        """All its tokens, of whatever kind."""
        created = self.cache_creation
        return (
            self.uncached_input_tokens
            + self.output_tokens
            + self.cache_read_input_tokens
            + created.ephemeral_5m_input_tokens
            + created.ephemeral_1h_input_tokens
        )


class _Bucket(msgspec.Struct, gc=False):
    starting_at: str
    results: list[_Row] = []


class _Page(msgspec.Struct, gc=False):
    data: list[_Bucket]


@dataclass(slots=True)
class Bill:
    """What Anthropic says that batches used and cost, by workspace and day.

    Attributes:
        paid: Picodollars of tokens in batches; empty where no cost report was read.
        tokens: All tokens in batches; empty where no usage report was read.
        searches: Picodollars of web searches, whose tier the report does not tell.
        days: All days that the pages cover.
    """

    paid: Counter[Place] = field(default_factory=Counter)
    tokens: Counter[Place] = field(default_factory=Counter)
    searches: Counter[Place] = field(default_factory=Counter)
    days: set[str] = field(default_factory=set)
    has_costs: bool = False
    has_usage: bool = False


def bill_of(pages: Iterable[tuple[str, bytes]]) -> Bill:
    """Sum pages up, of either report and in any order.

    Args:
        pages: Each with its name, for messages.

    Raises:
        InputError: One of them is no page of a report.
    """
    bill = Bill()
    for name, content in pages:
        for bucket in _read(name, content):
            _add(bill, name, bucket)
    return bill


def _read(name: str, content: bytes) -> list[_Bucket]:
    try:
        return msgspec.json.decode(content, type=_Page).data
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"{name} is no page of a usage or cost report: {error}",
            hint="give the JSON of /v1/organizations/usage_report/messages or …/cost_report",
        ) from error


def _add(bill: Bill, name: str, bucket: _Bucket) -> None:
    day = bucket.starting_at[:10]
    bill.days.add(day)
    for row in bucket.results:
        place = row.workspace_id, day
        if row.amount is None:
            bill.has_usage = True
            if row.service_tier == _BATCH:
                bill.tokens[place] += row.tokens
            continue
        bill.has_costs = True
        if row.service_tier == _BATCH:
            bill.paid[place] += _picodollars(name, row.amount)
        elif row.cost_type == "web_search":
            bill.searches[place] += _picodollars(name, row.amount)


def _picodollars(name: str, cents: str) -> int:
    try:
        return round(Decimal(cents) * _PICODOLLARS_PER_CENT)
    except InvalidOperation as error:
        raise InputError(
            f"{name} has the amount {cents!r}", hint="amounts are decimal strings in cents"
        ) from error
