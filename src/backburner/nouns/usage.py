"""Usage: what a call is billed for, five kinds of tokens and web searches."""

import msgspec

from backburner.nouns.outcome import WireUsage


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one answer used, or the sum of several. Every count is 0 or more.

    `input_tokens` are those after the last cache mark only: the prompt is all of `prompt_tokens`.

    Source: platform.claude.com prompt-caching (tracking cache performance), 2026-08-22.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    web_searches: int = 0

    def __post_init__(self) -> None:
        if (
            self.input_tokens < 0
            or self.output_tokens < 0
            or self.cache_write_5m_tokens < 0
            or self.cache_write_1h_tokens < 0
            or self.cache_read_tokens < 0
            or self.web_searches < 0
        ):
            raise ValueError(f"a count of usage is negative: {self}")

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_write_5m_tokens=self.cache_write_5m_tokens + other.cache_write_5m_tokens,
            cache_write_1h_tokens=self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            web_searches=self.web_searches + other.web_searches,
        )

    @property
    def cache_write_tokens(self) -> int:
        """Tokens written to the cache, of both lifetimes."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt: plain, written and read. Price steps go by this."""
        return self.input_tokens + self.cache_write_tokens + self.cache_read_tokens


def usage_of(wire: WireUsage) -> Usage:
    """Usage as a message carries it, in our kinds.

    Cache writes that the message does not break down by lifetime count as 5-minute writes, the
    default lifetime of a mark.

    Source: platform.claude.com prompt-caching (1-hour cache duration), 2026-08-22.
    """
    split, tools = wire.cache_creation, wire.server_tool_use
    one_hour = split.ephemeral_1h_input_tokens if split else 0
    five_minutes = split.ephemeral_5m_input_tokens if split else 0
    written = max(wire.cache_creation_input_tokens or 0, one_hour + five_minutes)
    return Usage(
        input_tokens=wire.input_tokens,
        output_tokens=wire.output_tokens,
        cache_write_5m_tokens=written - one_hour,
        cache_write_1h_tokens=one_hour,
        cache_read_tokens=wire.cache_read_input_tokens or 0,
        web_searches=tools.web_search_requests or 0 if tools else 0,
    )
