"""What the emulated API charges, typed by hand from the published price list.

Amounts are whole picodollars (1e-12 USD): one dollar per million tokens is 1,000,000 of them per
token, so that every price, halved and raised by a tenth, is still a whole number.

Source: platform.claude.com/docs/en/about-claude/pricing (2026-08-21) and the models' own pages
(September to November 2026); Sonnet 5.5's cache read as cut on 2026-10-07.
"""

from decimal import Decimal
from functools import cache

from backburner.emulator.shapes import Usage

_PICODOLLARS = 1_000_000
LONG_PROMPT_TOKENS = 100_000
"""A prompt of more tokens, cached ones included, makes every token of Haiku 5.5 dearer."""

WEB_SEARCH = 10_000_000_000
"""Picodollars of one web search, in a batch as well: $10 for 1,000.

The page names no discount for tools that run on the server, and prices calls of tools in batches as
those of single messages.
"""

PER_MILLION = {
    "claude-haiku-5-5": "0.10 0.50 0.125 0.20 0.01",
    "claude-haiku-5-5 long": "0.50 2.50 0.625 1.00 0.05",
    "claude-haiku-4-5-20251001": "1 5 1.25 2 0.10",
    "claude-sonnet-5-5": "2 10 2.50 4 0.10",
    "claude-sonnet-5": "2 10 2.50 4 0.20",
    "claude-sonnet-4-6": "3 15 3.75 6 0.30",
    "claude-sonnet-4-5-20250929": "3 15 3.75 6 0.30",
    "claude-opus-5-5": "4 20 5 8 0.20",
    "claude-opus-5": "5 25 6.25 10 0.50",
    "claude-opus-4-8": "5 25 6.25 10 0.50",
    "claude-opus-4-7": "5 25 6.25 10 0.50",
    "claude-opus-4-6": "5 25 6.25 10 0.50",
    "claude-opus-4-5-20251101": "5 25 6.25 10 0.50",
    "claude-fable-5-2": "8 40 10 16 0.20",
    "claude-mythos-5-2": "8 40 10 16 0.20",
    "claude-fable-5-1": "10 50 12.50 20 0.25",
    "claude-mythos-5-1": "10 50 12.50 20 0.25",
    "claude-fable-5": "10 50 12.50 20 1.00",
    "claude-mythos-5": "10 50 12.50 20 1.00",
}
"""Dollars per million tokens: input, output, 5-minute write, 1-hour write, cache read."""
_UNLISTED = "0 0 0 0 0"
_TIERS = {"batch": Decimal("0.5"), "standard": Decimal(1)}
_GEOS = {"us": Decimal("1.1")}


@cache
def rates(entry: str, tier: str, geo: str) -> tuple[int, ...]:
    """Picodollars per token, in the order of the list, and per web search.

    Args:
        entry: An entry of the list.
        tier: Half price in a batch.
        geo: A tenth more for tokens in the US.
    """
    factor = _PICODOLLARS * _TIERS[tier] * _GEOS.get(geo, 1)
    listed = PER_MILLION.get(entry, _UNLISTED).split()
    return (*(int(Decimal(price) * factor) for price in listed), WEB_SEARCH)


def entry_of(model_id: str, prompt_tokens: int) -> str:
    """The entry of the list by which a prompt of so many tokens is billed."""
    if prompt_tokens > LONG_PROMPT_TOKENS and f"{model_id} long" in PER_MILLION:
        return f"{model_id} long"
    return model_id


def prompt_tokens(usage: Usage) -> int:
    """Tokens of a whole prompt, cached ones included."""
    return usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens


def cost(model_id: str, usage: Usage) -> int:
    """Picodollars for one succeeded request."""
    writes, tools = usage.cache_creation, usage.server_tool_use
    fresh, out, write_5m, write_1h, read, search = rates(
        entry_of(model_id, prompt_tokens(usage)), usage.service_tier, usage.inference_geo
    )
    return (
        usage.input_tokens * fresh
        + usage.output_tokens * out
        + writes.ephemeral_5m_input_tokens * write_5m
        + writes.ephemeral_1h_input_tokens * write_1h
        + usage.cache_read_input_tokens * read
        + (0 if tools is None else tools.web_search_requests * search)
    )
