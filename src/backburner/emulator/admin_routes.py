"""The Admin API's reports of usage and cost, made from what the emulator has billed.

Source: platform.claude.com/docs/en/manage-claude/usage-cost-api, api/admin/usage_report and
api/admin/cost_report (August to November 2026); the descriptions of costs are the emulator's own.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from backburner.emulator import catalogue
from backburner.emulator.buckets import Question, Width, question, report
from backburner.emulator.calls import Call
from backburner.emulator.replies import Reply, json_reply
from backburner.emulator.settings import Settings
from backburner.emulator.usagebook import MINUTE, NOTHING, Account, Amounts, UsageBook

_DAY = Width(86_400, 7, 31)
_USAGE_WIDTHS = {"1d": _DAY, "1h": Width(3_600, 24, 168), "1m": Width(60, 60, 1_440)}
_COST_WIDTHS = {"1d": _DAY}
_USAGE_GROUPS = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "workspace_id",
)
_COST_GROUPS = ("workspace_id", "description")
_FILTERS = {
    "api_key_ids": "api_key_id",
    "context_window": "context_window",
    "inference_geos": "inference_geo",
    "models": "model",
    "service_tiers": "service_tier",
    "workspace_ids": "workspace_id",
}
_KINDS = (
    ("uncached_input_tokens", "Input Tokens"),
    ("output_tokens", "Output Tokens"),
    ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write (5m)"),
    ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write (1h)"),
    ("cache_read_input_tokens", "Input Tokens, Cache Read"),
)
_PICODOLLARS_PER_CENT_EXPONENT = 10
_Key = tuple[str | None, ...]


class AdminRoutes:
    """What the two reports say.

    Args:
        settings: The settings.
        usage: What there is to report.
    """

    def __init__(self, settings: Settings, usage: UsageBook) -> None:
        self._skew = settings.faults.skew
        self._usage = usage

    def usage_report(self, call: Call, now: float) -> Reply:
        """Tokens by kind in buckets of time."""
        asked = question(
            call.head,
            now + self._skew,
            widths=_USAGE_WIDTHS,
            group_by=_USAGE_GROUPS,
            filters=_FILTERS,
        )
        sums: dict[tuple[int, _Key], Amounts] = {}
        for start, account, amounts in self._asked_for(asked, now):
            values = _dimensions(account)
            key = tuple(values[name] if name in asked.group_by else None for name in _USAGE_GROUPS)
            sums[start, key] = sums.get((start, key), NOTHING).plus(amounts)
        rows: dict[int, list[dict[str, Any]]] = {}
        for (start, key), amounts in sorted(sums.items(), key=_order):
            rows.setdefault(start, []).append(_usage_row(key, amounts))
        return json_reply(report(asked, rows))

    def cost_report(self, call: Call, now: float) -> Reply:
        """Costs by day, in cents."""
        asked = question(
            call.head,
            now + self._skew,
            widths=_COST_WIDTHS,
            group_by=_COST_GROUPS,
            filters={},
        )
        sums: dict[tuple[int, _Key], int] = {}
        for start, account, amounts in self._asked_for(asked, now):
            for item, cost in _items(account, amounts):
                key = _shown_of(item, account.workspace_id, asked)
                sums[start, key] = sums.get((start, key), 0) + cost
        rows: dict[int, list[dict[str, Any]]] = {}
        for (start, key), cost in sorted(sums.items(), key=_order):
            rows.setdefault(start, []).append(_cost_row(key, cost))
        return json_reply(report(asked, rows))

    def _asked_for(self, asked: Question, now: float) -> Iterator[tuple[int, Account, Amounts]]:
        """Each amount that is asked for, with the start of its bucket."""
        for account, amounts in self._usage.booked(now):
            moment = account.minute * MINUTE
            start = moment - moment % asked.seconds
            if start in asked.starts and asked.admits(_dimensions(account)):
                yield start, account, amounts


def _dimensions(account: Account) -> dict[str, str | None]:
    return {
        "account_id": None,
        "api_key_id": account.api_key_id,
        "context_window": account.context_window,
        "inference_geo": account.inference_geo,
        "model": account.model,
        "service_account_id": None,
        "service_tier": account.service_tier,
        "workspace_id": account.workspace_id,
    }


def _usage_row(key: _Key, amounts: Amounts) -> dict[str, Any]:
    return {
        "uncached_input_tokens": amounts.uncached,
        "cache_creation": {
            "ephemeral_1h_input_tokens": amounts.write_1h,
            "ephemeral_5m_input_tokens": amounts.write_5m,
        },
        "cache_read_input_tokens": amounts.read,
        "output_tokens": amounts.output,
        "server_tool_use": {"web_search_requests": amounts.searches},
        **dict(zip(_USAGE_GROUPS, key, strict=True)),
    }


_ITEM = (
    "description",
    "cost_type",
    "token_type",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
)


def _items(account: Account, amounts: Amounts) -> Iterator[tuple[_Key, int]]:
    """What some usage cost, item by item as a bill would name them."""
    model = catalogue.find(account.model)
    name = account.model if model is None else model.name
    batch = ", Batch" if account.service_tier == "batch" else ""
    place = ", US" if account.inference_geo == "us" else ""
    costs = [amount * rate for amount, rate in zip(amounts, account.rates, strict=True)]
    for (token_type, words), cost in zip(_KINDS, costs[:-1], strict=True):
        if cost:
            yield (
                (
                    f"{name} Usage - {words}{batch}{place}",
                    "tokens",
                    token_type,
                    account.model,
                    account.service_tier,
                    account.context_window,
                    account.inference_geo,
                ),
                cost,
            )
    if costs[-1]:
        yield ("Web Search Usage", "web_search", None, None, None, None, None), costs[-1]


def _shown_of(item: _Key, workspace: str | None, asked: Question) -> _Key:
    """The parts of an item that are told apart, then the workspace."""
    shown = item if "description" in asked.group_by else (None,) * len(_ITEM)
    return (*shown, workspace if "workspace_id" in asked.group_by else None)


def _cost_row(key: _Key, picodollars: int) -> dict[str, Any]:
    cents = Decimal(picodollars).scaleb(-_PICODOLLARS_PER_CENT_EXPONENT)
    return {
        "currency": "USD",
        "amount": f"{cents.normalize():f}",
        **dict(zip((*_ITEM, "workspace_id"), key, strict=True)),
    }


def _order(entry: tuple[tuple[int, _Key], object]) -> tuple[int, list[str]]:
    (start, key), _ = entry
    return start, [value or "" for value in key]
