"""Anthropic's own account of a period: pages of its usage and cost reports, summed by day.

Source: platform.claude.com api/admin/usage_report and api/admin/cost_report, read 2026-11-22:
days are of UTC, amounts are decimal strings in cents, and the default workspace is null.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from backburner.errors import InputError
from backburner.report.report_pages import Bucket, read_page

_PICODOLLARS_PER_CENT: Final = 10**10

Place = tuple[str | None, str]
"""A workspace, None for the default one, and a day of UTC as YYYY-MM-DD."""


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
        for bucket in read_page(name, content):
            _add(bill, name, bucket)
    return bill


def _add(bill: Bill, name: str, bucket: Bucket) -> None:
    bill.days.add(bucket.day)
    for row in bucket.results:
        place = row.workspace_id, bucket.day
        if row.amount is None:
            bill.has_usage = True
            if row.is_batched:
                bill.tokens[place] += row.usage.prompt_tokens + row.usage.output_tokens
            continue
        bill.has_costs = True
        if row.is_batched:
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
