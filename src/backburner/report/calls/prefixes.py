"""Beginnings that prompts share, and whether a cache mark on them would have paid."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from backburner.nouns.batch import Via
from backburner.nouns.call import Call
from backburner.nouns.tariff import ModelPrice
from backburner.nouns.usage import Usage
from backburner.plan.caching.terms import cache_minimum
from backburner.plan.pricing import priced
from backburner.plan.waiting import Source

_MOST: Final = 100_000
_LIFETIMES: Final = (300.0, 3600.0)


class _Seen(msgspec.Struct, gc=False):
    source: Source
    tokens: int
    calls: int = 0
    near_5m: int = 0
    near_1h: int = 0
    last_at: float = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPrefix:
    """A beginning that calls shared and never marked.

    Attributes:
        source: That of its first call.
        tokens: Its length, or the shortest prompt that has it where the log does not say.
        near_5m: Calls that came within 5 minutes of the one before, and could have read it.
        near_1h: The same within an hour.
        is_long_enough: Whether its model caches as few tokens.
    """

    source: Source
    tokens: int
    calls: int
    near_5m: int
    near_1h: int
    is_long_enough: bool

    def saving(self, price: ModelPrice, via: Via, hit_percent: int) -> int:
        """Picodollars that the best mark would have saved, with these hits; 0 where none pays.

        Args:
            hit_percent: How many of a hundred possible reads happen.
        """
        if not self.is_long_enough:
            return 0
        rates = price.rates(self.tokens, via)
        plain = priced(rates, Usage(input_tokens=self.calls * self.tokens))
        near_5m, near_1h = (near * hit_percent // 100 for near in (self.near_5m, self.near_1h))
        marked_5m = Usage(
            cache_write_5m_tokens=(self.calls - near_5m) * self.tokens,
            cache_read_tokens=near_5m * self.tokens,
        )
        marked_1h = Usage(
            cache_write_1h_tokens=(self.calls - near_1h) * self.tokens,
            cache_read_tokens=near_1h * self.tokens,
        )
        return max(0, plain - priced(rates, marked_5m), plain - priced(rates, marked_1h))


class Prefixes:
    """Counts shared beginnings; of very many, those that come but once are forgotten."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], _Seen] = {}
        self._room = _MOST

    def add(self, call: Call, source: Source) -> None:
        """Note a call by the hash of its prompt's beginning."""
        key = (call.model, call.prefix)
        tokens = call.prefix_tokens or call.usage.prompt_tokens
        seen = self._seen.get(key)
        if seen is None:
            if len(self._seen) >= self._room:
                self._forget()
            seen = self._seen[key] = _Seen(source, tokens)
        seen.tokens = min(seen.tokens, tokens)
        pause = call.at - seen.last_at
        seen.calls += 1
        seen.near_5m += pause <= _LIFETIMES[0]
        seen.near_1h += pause <= _LIFETIMES[1]
        seen.last_at = max(seen.last_at, call.at)

    def shared(self) -> Iterator[SharedPrefix]:
        """All beginnings that more than one call has."""
        for (model, _), seen in self._seen.items():
            if seen.calls > 1:
                yield SharedPrefix(
                    source=seen.source,
                    tokens=seen.tokens,
                    calls=seen.calls,
                    near_5m=seen.near_5m,
                    near_1h=seen.near_1h,
                    is_long_enough=seen.tokens >= cache_minimum(model, estimated=False),
                )

    def _forget(self) -> None:
        self._seen = {key: seen for key, seen in self._seen.items() if seen.calls > 1}
        # What all is shared is kept: then the room has to grow.
        self._room = max(_MOST, 2 * len(self._seen))
